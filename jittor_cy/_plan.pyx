# cython: language_level=3
"""Where the runtime meets the compiler: a miss becomes a Program; pending graphs can be read without running them."""
import os
import threading

from libcpp.vector cimport vector

from jittor_cy._program cimport graph_of, measure_of, program_of, start_compiles
from jittor_cy._runtime cimport (
    CompileHook,
    DeviceKind,
    Executor,
    GraphSnapshot,
    KernelTable,
    Op,
    PlanEntryRef,
    ProgramRef,
    ThreadPool,
    VarNode,
    choose_cut,
    instruction_set,
    instruction_sets as supported_sets,
    origin_text,
    set_compile_hook,
    set_windows,
    take_snapshot,
    why_kept,
)
from jittor_cy._var cimport Var, current

from jittor_cy import config
from jittor_cy._program import kernel_ready
from jittor_cy.debug.trace import is_on, trace
from jittor_cy.errors import ArgumentError

# ---- the miss ----


def options():
    """The compiler's options as the flags say."""
    from jittor_cy.compiler.pipeline import Options

    without = pass_names(config.flags.without_passes)
    return Options(instruction_set().decode(), bool(config.flags.fuse), bool(config.flags.verify), frozenset(without))


cdef list pass_names(str text):
    return [name.strip() for name in text.split(",") if name.strip()]


def _apply_without_passes(str text):
    """Forgets the plans. The compiler is not loaded before there is a name to check."""
    names = pass_names(text)
    if names:
        from jittor_cy.compiler.pipeline import OPTIONAL

        for name in names:
            if name not in OPTIONAL:
                raise ArgumentError(f"flags.without_passes: there is no pass {name!r} that could be left out",
                                    help=f"passes are {', '.join(OPTIONAL)}")
    Executor.instance().wait_all()  # scratch memory of what is queued is for the way that it was planned with
    set_windows("window" not in names, "planes" not in names)
    Executor.instance().clear_plans()


config.flags.listen("without_passes", _apply_without_passes)


def compile_only(graph):
    """The compiler's Program for a Graph; starts no compile and touches no kernel."""
    from jittor_cy.compiler.pipeline import compile_graph

    with _planning:  # the compiler's memos are one thread's at a time
        return compile_graph(graph, options())


cdef object compile_tuned(object graph, object measure):
    """The Program with schedules that are remembered, or found by `measure`."""
    from jittor_cy.compiler.autotune import Tuner
    from jittor_cy.compiler.pipeline import compile_graph

    with _planning:
        return compile_graph(graph, options(), Tuner(instruction_set().decode(), threads(), measure))


def _apply_autotune(bint on):
    """Forgets the plans: from now on they are made with, or without, what was found."""
    Executor.instance().clear_plans()


config.flags.listen("autotune", _apply_autotune)


cdef object start_device_compiles = None  # set by _cuda: kernels of a device that is not the CPU


def register_device_compiler(function) -> None:
    """`function(kernels)` starts compiles of CUDA kernels (jittor_cy/_cuda.pyx)."""
    global start_device_compiles
    start_device_compiles = function


def show(graph, spec) -> None:
    """A new plan for those who look: its sources at trace level 5, everything into the folder flags.dump."""
    if is_on(5, "source"):
        for kernel in spec.kernels:
            trace(5, "source", name=kernel.name, key=kernel.key[:16], text="\n" + kernel.text)
    if config.flags.dump:
        from jittor_cy.debug.dump import write_plan

        try:
            write_plan(config.flags.dump, graph, spec)
        except OSError as error:
            trace(1, "dump", failed=error.strerror, folder=config.flags.dump, effect="this plan is not in it")


cdef ProgramRef planned(object graph, const GraphSnapshot& snapshot, object measure=None,
                        bint later=False) except *:
    """Plans, starts the compiles, and keeps the plan for later processes; what was searched keeps its own results.

    later: compilers start once the runs that are queued now have had the cores for themselves
    """
    spec = compile_only(graph) if measure is None else compile_tuned(graph, measure)
    show(graph, spec)
    if later:
        Executor.instance().wait_for_queued(snapshot.device)
    if graph.device != "cpu":
        start_device_compiles(spec.kernels)
        return program_of(spec, snapshot)
    start_compiles(spec)
    if config.flags.plan_store and measure is None:
        from jittor_cy.compiler.plan_store import keep

        keep(store_key(graph.signature), spec)
    return program_of(spec, snapshot)


cdef void say(object error):
    """A bug of the compiler must not stop the user: the interpreter serves, level 1 says so."""
    remember_failure(error)
    trace(1, "compile", failed=type(error).__name__, why=str(error).splitlines()[0] if str(error) else "",
          effect="the interpreter serves")


cdef ProgramRef miss(void* context, const GraphSnapshot& snapshot) noexcept with gil:
    """The compile hook of those who wait."""
    cdef ProgramRef nothing
    try:
        graph = graph_of(snapshot)
        tunes = config.flags.autotune and graph.device == "cpu"
        return planned(graph, snapshot, measure_of(snapshot) if tunes else None)
    except Exception as error:
        say(error)
        return nothing


cdef str store_key(str signature):
    from jittor_cy.compiler.plan_store import key_of

    return key_of(signature, instruction_set().decode(), options_text())


cdef str options_text():
    """What Options says, without loading the pipeline."""
    return repr((bool(config.flags.fuse), bool(config.flags.verify), sorted(pass_names(config.flags.without_passes))))


cdef ProgramRef recall(void* context, const GraphSnapshot& snapshot) noexcept with gil:
    """The Program that an earlier process planned, where all its kernels are still there."""
    cdef ProgramRef nothing
    try:
        looked_at = config.flags.dump or config.flags.autotune
        if not config.flags.plan_store or looked_at or snapshot.device.kind != DeviceKind.kCpu:
            return nothing
        from jittor_cy.compiler.plan_store import recall as find

        spec = find(store_key((<GraphSnapshot*>&snapshot).signature.hex().decode()))
        if spec is None or not load_kernels(spec.kernels):
            return nothing
        trace(2, "plan", signature=(<GraphSnapshot*>&snapshot).signature.hex().decode(), found="on disk")
        return program_of(spec, snapshot)
    except Exception as error:
        say(error)
        return nothing


cdef bint load_kernels(object kernels) except -1:
    """From the table or the cache on disk; False where one is in neither."""
    from jittor_cy.compiler.toolchain.gcc import compiler

    for kernel in kernels:
        if KernelTable.instance().contains(kernel.key.encode()):
            continue
        path = compiler().disk_cache().find(kernel.key)
        if path is None:
            return False
        KernelTable.instance().get(kernel.key.encode(), kernel.name.encode())
        kernel_ready(kernel.key, str(path), kernel.phases)
    return True


# ---- plans made in the background ----

cdef class _Waiting:
    """A structure that a plan is being made for."""

    cdef PlanEntryRef entry


class _Planner:
    """One thread that plans while the interpreter serves; made at the first such miss."""

    def __init__(self):
        self.pool = None
        self.running = set()

    def submit(self, graph, _Waiting waiting):
        from concurrent.futures import ThreadPoolExecutor

        from jittor_cy.compiler.toolchain.gcc import compiler

        if self.pool is None:
            compiler().start_threads()  # before the planner, which steps back
            self.pool = ThreadPoolExecutor(1, thread_name_prefix="jittor_cy-plan", initializer=_step_back)
        future = self.pool.submit(_plan_later, graph, waiting)
        self.running.add(future)
        future.add_done_callback(self.running.discard)

    def wait(self):
        from concurrent.futures import wait

        wait(list(self.running))


def _step_back():
    """The planner's thread takes the time that is left over: a kernel of two threads waits for the slower one."""
    try:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
    except OSError:
        pass


def _plan_later(graph, _Waiting waiting):
    """In the thread of _Planner; the Program is handed over with the GIL held, between the recording thread's calls."""
    try:
        if threading.main_thread().is_alive():  # else the process is ending
            waiting.entry.get().fused = planned(graph, waiting.entry.get().snapshot, None, True)
    except Exception as error:
        say(error)
    finally:
        waiting.entry.get().planning = False
        KernelTable.instance().note_change()


cdef void miss_later(void* context, const PlanEntryRef& entry) noexcept with gil:
    """The compile hook of those who go on with the interpreter."""
    cdef _Waiting waiting = _Waiting()
    waiting.entry = entry
    try:
        _planner.submit(graph_of(entry.get().snapshot), waiting)
        entry.get().planning = True
    except Exception as error:
        say(error)


_planning = threading.RLock()
_planner = _Planner()


def _forget_planner():
    """In a forked child: the thread and whoever held the lock are not there."""
    global _planning, _planner
    _planning, _planner = threading.RLock(), _Planner()


cdef object last_failure = None


def remember_failure(error) -> None:
    """Keeps the newest exception of the compiler, with its traceback, for debug.last_compile_error()."""
    global last_failure
    last_failure = error


def last_compile_error():
    """The newest exception inside the compiler, or None; every one means that a group was interpreted."""
    return last_failure


def install() -> None:
    """Sets the hook; nothing of the compiler is imported before the first miss."""
    cdef CompileHook hook
    hook.context = NULL
    hook.compile = miss
    hook.recall = recall
    hook.compile_later = miss_later
    set_compile_hook(hook)
    os.register_at_fork(after_in_child=_forget_planner)


# ---- looking inside ----

cdef vector[Op*] cut_of(targets) except *:
    """The ops that `targets` need. Raises TypeError where one is not a Var."""
    cdef vector[VarNode*] nodes
    for target in targets:
        if not isinstance(target, Var):
            raise TypeError(f"debug: expected Vars, found {type(target).__name__}")
        nodes.push_back(current(<Var>target).get())
    return choose_cut(nodes, False)


def left_by_rewrites(targets):
    """{number of an op of pending(targets): why a rewrite left it as it is}."""
    cdef vector[Op*] cut = cut_of(targets)
    return {i: why_kept(cut[i][0]).decode() for i in range(cut.size()) if why_kept(cut[i][0]) != NULL}


def pending(targets):
    """(Graph, {symbol id: extent}, origins of the ops) of what `targets` need; runs nothing.

    Raises: TypeError: a target is not a Var
    """
    cdef GraphSnapshot snapshot
    cdef size_t i
    take_snapshot(cut_of(targets), 0, &snapshot)
    extents = {i: snapshot.symbols[i].value for i in range(snapshot.symbols.size())}
    first_outputs = [snapshot.live_vars[snapshot.ops[i].first_output] != NULL for i in range(snapshot.ops.size())]
    origins = [origin_text(snapshot.live_vars[snapshot.ops[i].first_output][0]).decode() if first_outputs[i] else ""
               for i in range(snapshot.ops.size())]
    return graph_of(snapshot), extents, origins


def origin(Var x) -> str:
    """"file.py:12" where the value was made, or ""."""
    return origin_text(current(x)[0].get()[0]).decode()


def last_plan_text() -> str:
    """The Program that the last flush ran."""
    return Executor.instance().last_plan_text().decode()


def last_plan_reason() -> str:
    """Why that Program was or was not found."""
    return Executor.instance().last_plan_reason().decode()


def threads() -> int:
    """Threads that work on a kernel."""
    return ThreadPool.instance().threads()


def instruction_sets() -> list[str]:
    """Those that this machine can run, best first."""
    return [name.decode() for name in supported_sets(True)]


def isa() -> str:
    """The instruction set that kernels are generated for."""
    return instruction_set().decode()


def cache_folder() -> str:
    """Where compiled kernels are kept."""
    from jittor_cy.compiler.toolchain.disk_cache import default_folder

    return str(default_folder())


def compile_stats() -> dict:
    """Kernels that went through the compiler, and damaged cache entries met."""
    import sys

    gcc = sys.modules.get("jittor_cy.compiler.toolchain.gcc")
    if gcc is None:
        return {"kernels_compiled": 0, "cache_damaged": 0}
    state = gcc.compiler()
    return {"kernels_compiled": state.compiled, "cache_damaged": state.cache.damaged if state.cache else 0}


def wait_for_compiles() -> None:
    """Until no plan is being made and no kernel compiled."""
    import sys

    _planner.wait()
    gcc = sys.modules.get("jittor_cy.compiler.toolchain.gcc")
    if gcc is not None:
        gcc.compiler().wait()


def forget_kernels() -> None:
    """Empties the kernel table and the plans (tests: a cold start in the same process)."""
    import sys

    Executor.instance().clear_plans()
    KernelTable.instance().clear()
    pipeline = sys.modules.get("jittor_cy.compiler.pipeline")
    if pipeline is not None:
        pipeline.MEMO.built.clear()

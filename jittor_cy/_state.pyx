# cython: language_level=3
# distutils: language = c++
"""The runtime's state, its settings, and what a process does with it: flushes, counts, flags, forks and the end."""
import difflib
import os

from libcpp.vector cimport vector

from jittor_cy._runtime cimport (
    ExecStats,
    Executor,
    FlushReason,
    ThreadPool,
    VarNode,
    live_ops,
    live_vars,
)
cimport jittor_cy._runtime as _runtime
from jittor_cy._var cimport Var, current

from jittor_cy.errors import ArgumentError, ArgumentTypeError

cdef Executor* EXECUTOR = &Executor.instance()


def flush(targets):
    cdef vector[VarNode*] nodes
    for target in targets:
        if not isinstance(target, Var):
            raise ArgumentTypeError(f"sync: Vars are needed, found {type(target).__name__}")
        nodes.push_back(current(<Var>target).get())
    EXECUTOR.flush(nodes, FlushReason.kRead)


def sync_all():
    EXECUTOR.flush_everything(FlushReason.kSyncAll)
    with nogil:
        EXECUTOR.wait_all()


def pending_ops():
    """How many operations are recorded and not run yet."""
    return _runtime.pending_ops()


def stats():
    cdef ExecStats s = EXECUTOR.stats()
    return {"launches": s.launches, "interpreted_launches": s.interpreted_launches,
            "flushes": s.flushes[0] + s.flushes[1] + s.flushes[2] + s.flushes[3] + s.flushes[4],
            "flushes_read": s.flushes[0], "flushes_sync_all": s.flushes[1], "flushes_window": s.flushes[2],
            "flushes_memory": s.flushes[3], "flushes_eager": s.flushes[4],
            "programs_compiled": s.programs_compiled, "plan_hits": s.plan_hits, "plan_misses": s.plan_misses,
            "plans": EXECUTOR.plan_count(), "runs": s.runs, "runs_inline": s.runs_inline, "ops_run": s.ops_run,
            "waits": s.waits, "recorded_ops": _runtime.recorded_ops(), "pending_ops": _runtime.pending_ops(),
            "live_vars": live_vars(), "live_ops": live_ops()}


def reset_stats():
    """Starts the counts of stats() at zero."""
    EXECUTOR.reset_stats()


# ---- settings and the process ----

cdef int apply_flag(str name, object value) except -1:
    cdef _runtime.RuntimeFlags* to = &_runtime.runtime_flags()
    if name == "fuse":
        to.fuse = value
    elif name == "eager":
        to.eager = value
    elif name == "interpret":
        to.interpret = value
    elif name == "wait_for_kernels":
        to.wait_for_kernels = value
    elif name == "autotune":
        to.autotune = value
    elif name == "compile_at_once":
        to.compile_at_once = value
    elif name == "plan_cache":
        to.plan_cache = value
    elif name == "verify":
        to.verify = value
    elif name == "window_ops":
        to.window_ops = value
    elif name == "window_nbytes":
        to.window_nbytes = value
    return 0


def apply_threads(int count):
    if count > 0 or ThreadPool.instance().threads() != default_threads():
        ThreadPool.instance().set_threads(count if count > 0 else default_threads())


def default_threads():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def apply_rewrite(str name, bint enabled):
    if name == "fused_attention":
        _runtime.set_fused_attention(enabled)
    elif name == "winograd":
        _runtime.set_winograd(enabled)
    else:
        _runtime.set_rewrites(enabled)


def apply_isa(str name):
    """Chooses an instruction set; "" the best one. What is pending keeps its meaning, plans are found anew."""
    cdef bytes text = name.encode()
    if not _runtime.set_instruction_set(<const char*>text if name else NULL):
        raise isa_error(name)
    EXECUTOR.clear_plans()


cdef object isa_error(str name):
    known = [found.decode() for found in _runtime.instruction_sets(False)]
    runs = ", ".join([found.decode() for found in _runtime.instruction_sets(True)])
    where = "JTCY_ISA" if os.environ.get("JTCY_ISA") == name else "flags.isa"
    if name in known:
        return ArgumentError(f"{where}: this machine cannot run {name!r}", help=f"it runs {runs}")
    near = difflib.get_close_matches(name, known, n=1)
    guess = f"did you mean {near[0]}? " if near else ""
    return ArgumentError(f"{where}: there is no instruction set {name!r}", help=f"{guess}this machine runs {runs}")


def apply_trace(value):
    level, _, channels = str(value).partition(",")
    _runtime.set_trace(int(level), channels.encode())


def install():
    """Connects settings, origins, waits, forks and exit with the runtime; called once by the package."""
    import atexit
    import copy

    from jittor_cy.config import flags

    _runtime.install_origins((os.path.dirname(__file__) + os.sep).encode(), copy.__file__.encode())
    _runtime.install_wait_hooks()
    for name in ("fuse", "eager", "interpret", "wait_for_kernels", "autotune", "compile_at_once", "plan_cache",
                 "verify", "window_ops", "window_nbytes"):
        flags.listen(name, lambda value, name=name: apply_flag(name, value))
    for name in ("fused_attention", "rewrites", "winograd"):
        flags.listen(name, lambda value, name=name: apply_rewrite(name, value))
    flags.listen("threads", apply_threads)
    flags.listen("isa", apply_isa)
    flags.listen("debug", apply_trace)
    os.register_at_fork(after_in_child=after_fork)
    atexit.register(stop)


def after_fork():
    EXECUTOR.after_fork()
    ThreadPool.instance().stop()


def stop():
    with nogil:
        EXECUTOR.stop()

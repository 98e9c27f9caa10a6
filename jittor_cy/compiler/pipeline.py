"""The pipeline: from a Graph to a Program with its kernels' sources; the one file that knows every pass."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from jittor_cy.compiler.codegen import cpu
from jittor_cy.compiler.ir import expr as e
from jittor_cy.compiler.ir import index as ix
from jittor_cy.compiler.ir import spec
from jittor_cy.compiler.ir.expr import Expr
from jittor_cy.compiler.ir.graph import Graph, Op
from jittor_cy.compiler.ir.kernel import Kernel
from jittor_cy.compiler.ir.printer import kernel_text
from jittor_cy.compiler.ir.program import DimRef, KernelSource, Launch, Program
from jittor_cy.compiler.ir.schedule import Choices, Schedule, not_applied
from jittor_cy.compiler.passes.donate import donate, donations_of
from jittor_cy.compiler.passes.hoist import hoist
from jittor_cy.compiler.passes.interior import interior
from jittor_cy.compiler.passes.join import join
from jittor_cy.compiler.passes.overlap import overlap
from jittor_cy.compiler.passes.parity import parity
from jittor_cy.compiler.passes.prefetch import prefetch, prefetch_within
from jittor_cy.compiler.passes.rows import rows
from jittor_cy.compiler.passes.simplify_graph import simplify_graph
from jittor_cy.compiler.passes.split import split
from jittor_cy.compiler.passes.stream import stream
from jittor_cy.compiler.passes.unroll import unroll
from jittor_cy.compiler.schedule.epilogue import aligned_inputs, is_packable, makes_elements
from jittor_cy.compiler.schedule.fusion import fuse
from jittor_cy.compiler.schedule.group import Group
from jittor_cy.compiler.schedule.heuristic import default_schedule
from jittor_cy.compiler.schedule.loops import build_kernel
from jittor_cy.compiler.schedule.numbers import Numbers, Runs
from jittor_cy.compiler.schedule.order import order_launches
from jittor_cy.compiler.schedule.reuse import Built, Form, KernelMemo
from jittor_cy.compiler.schedule.scatter import build_scatter
from jittor_cy.compiler.schedule.values import canonical_axes
from jittor_cy.compiler.toolchain.gcc import compiler_version, flags_for
from jittor_cy.debug.trace import is_on, trace

__all__ = ["LOWER", "OPTIONAL", "Build", "Options", "Pass", "Search", "compile_graph", "lower"]

# A kernel with another schedule; and who says which one a kernel gets: of its form, default and given choices.
Build = Callable[[Schedule], tuple[Launch, KernelSource]]
Search = Callable[[Form, Schedule, Choices, Build], Schedule]


@dataclass(frozen=True, slots=True)
class Options:
    """What decides kernels beside the graph. `without`: names of OPTIONAL passes to leave out."""

    isa: str = "avx2"
    fuse: bool = True
    verify: bool = False
    without: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class Pass:
    name: str
    run: Callable[[Kernel], Kernel]
    ensures: Callable[[Kernel], None]
    device: str | None = None  # the only one that it is for


LOWER = (
    Pass("donate", donate, ensures=spec.loops),
    Pass("parity", parity, ensures=spec.loops, device="cpu"),
    Pass("interior", interior, ensures=spec.loops, device="cpu"),
    Pass("overlap", overlap, ensures=spec.loops, device="cpu"),
    Pass("prefetch", prefetch, ensures=spec.loops),
    Pass("split", split, ensures=spec.loops, device="cpu"),
    Pass("stream", stream, ensures=spec.loops, device="cpu"),
    Pass("hoist", hoist, ensures=spec.named),  # from here on only values that have names are compared
    Pass("join", join, ensures=spec.named),
    Pass("rows", rows, ensures=spec.named, device="cpu"),
    Pass("prefetch_within", prefetch_within, ensures=spec.named),
)
# What may be left out: unroll is a pass over the graph, the next two are about groups, finer how a map's kernel is
# built, the next three over launches; window and planes are the runtime's own ways of convolutions.
OPTIONAL = (
    *("unroll", "beside", "along_memory", "finer", "batch", "epilogue", "prologue", "window", "planes"),
    *(step.name for step in LOWER if step.name != "hoist"),
)


def lower(kernel: Kernel, options: Options, device: str) -> Kernel:
    """Runs LOWER's passes for `device` in order. With `verify` each is checked against the form that it promises."""
    if options.verify:
        spec.verify(kernel, spec.loops, after="schedule")
    for step in LOWER:
        if step.name in options.without or step.device not in (None, device):
            continue
        before, kernel = kernel, step.run(kernel)
        if options.verify:
            spec.verify(kernel, step.ensures, after=step.name)
        if is_on(4, "pass"):
            trace(
                4,
                "pass",
                name=step.name,
                kernel=kernel.name,
                ir="unchanged" if before == kernel else "\n" + kernel_text(kernel),
            )
    return kernel


def compile_graph(graph: Graph, options: Options, search: Search | None = None) -> Program:
    """The Program of a graph. Starts no compiler: the sources say what is to be compiled.

    search: asked for the schedule of each kernel (compiler/autotune.py); None: the heuristic's.
    """
    graph = simplify_graph(graph)
    if "unroll" not in options.without:
        graph = unroll(graph)
    groups, notes = fuse(graph, options.fuse, "beside" not in options.without, "along_memory" not in options.without)
    if graph.device == "cuda":
        from jittor_cy.compiler.codegen.cuda import single_kernel, source_of  # loaded where a GPU is used
    else:
        source_of, single_kernel = cpu_source, runs_itself
    canonical, runs = canonical_axes(graph), Runs(graph)
    launches, sources = [], {}
    for chain in groups:
        group = chain[0]
        if group.single is not None:
            found = single_kernel(graph, graph.ops[group.single], build_scatter)
            launch, source = found or (single_launch(graph, group), None)
        else:
            launch, source = kernel_launch(graph, canonical, runs, chain, options, source_of, search)
        if source is not None:
            sources.setdefault(source.key, source)
        launches.append((launch, 0 if "batch" in options.without else group.update))
    contracted = frozenset() if "epilogue" in options.without else made_by_contractions(graph)
    packed = frozenset() if "prologue" in options.without else packed_by_contractions(graph)
    ordered = order_launches(launches, contracted, packed)
    trace(2, "plan", signature=graph.signature, groups=len(ordered), kernels=len(sources))
    return Program(tuple(ordered), tuple(sources.values()), tuple(notes))


def runs_itself(graph: Graph, op: Op, scatter_of: object) -> None:
    """On the CPU the runtime has contractions, scans, scatters and user code of its own."""


def made_by_contractions(graph: Graph) -> frozenset[int]:
    return frozenset(op.outputs[0] for op in graph.ops if op.family == "contraction")


def packed_by_contractions(graph: Graph) -> frozenset[int]:
    contractions = [op for op in graph.ops if op.family == "contraction"]
    read = [v for op in contractions for i, v in enumerate(op.inputs) if is_packable(op, i)]
    return frozenset(v for v in read if not graph.vars[v].output)


def single_launch(graph: Graph, group: Group) -> Launch:
    op = graph.ops[group.single]  # type: ignore[index]
    return Launch(None, (op.id,), (*op.inputs, *op.outputs), len(op.outputs))


MEMO = KernelMemo()


def kernel_launch(
    graph: Graph,
    canonical: dict[int, tuple[int, int]],
    runs: Runs,
    chain: tuple[Group, ...],
    options: Options,
    source_of: Callable[[Kernel, Options], KernelSource],
    search: Search | None = None,
) -> tuple[Launch, KernelSource]:
    """The launch of groups that share a kernel; the kernel is built where none of this form was built before."""
    form = Form(graph, chain)
    given = chain[0].given

    def build(schedule: Schedule) -> tuple[Launch, KernelSource]:
        key = (form.key, schedule, options, source_of, compiler_version())
        built = None if is_on(4, "pass") else MEMO.find(key)  # who looks at passes sees them run
        if built is not None:
            return built.launch_for(form, canonical, runs), built.source
        launch, source = new_launch(graph, canonical, runs, chain, schedule, options, source_of)
        MEMO.keep(key, Built.of(form, launch, source))
        return launch, source

    schedule = default_schedule(graph, chain)
    if search is not None:
        schedule = search(form, schedule, given, build)
    launch, source = build(schedule)
    say(launch, source)
    return launch, source


def say(launch: Launch, source: KernelSource) -> None:
    """Traces what was decided; what changes bits, or was given in vain, at level 1."""
    schedule = launch.schedule
    assert schedule is not None
    kind = "+".join(launch.kinds)
    if schedule.changes_bits:
        trace(1, "schedule", kernel=source.name, changes_bits=schedule.changes_bits)
    if launch.unused:
        trace(1, "schedule", kernel=source.name, kind=kind, not_applied=",".join(launch.unused))
    trace(3, "kernel", key=source.key[:16], name=source.name, kind=kind, ops=len(launch.ops), schedule=schedule)


def new_launch(
    graph: Graph,
    canonical: dict[int, tuple[int, int]],
    runs: Runs,
    chain: tuple[Group, ...],
    schedule: Schedule,
    options: Options,
    source_of: Callable[[Kernel, Options], KernelSource],
) -> tuple[Launch, KernelSource]:
    kernel = build_kernel(graph, canonical, chain, schedule, "finer" not in options.without)

    def count_of(var: int) -> Expr | None:
        return element_count(graph, canonical, kernel, var)

    aligned, makes = aligned_inputs(kernel, count_of), makes_elements(kernel, count_of)
    donations = () if "donate" in options.without else donations_of(kernel)
    kernel = lower(kernel, options, graph.device)
    source = source_of(kernel, options)
    numbers = Numbers(graph, kernel, runs)
    kinds = tuple(g.kind for g in chain)
    launch = Launch(
        source.key,
        kernel.ops,
        tuple(b.var for b in kernel.buffers),
        sum(b.is_output for b in kernel.buffers),
        (),
        kernel.scalars,
        tuple(numbers.phase(p) for p in kernel.phases),
        numbers.nbytes(kernel.local),
        numbers.nbytes(kernel.shared),
        donations,
        aligned=aligned,
        makes_elements=makes,
        kinds=kinds,
        schedule=schedule,
        unused=not_applied(chain[0].given, schedule, kinds, graph.device),
    )
    return replace(launch, dims=tuple(numbers.dims)), source


def element_count(graph: Graph, canonical: dict[int, tuple[int, int]], kernel: Kernel, var: int) -> Expr | None:
    """In terms of the kernel's dims; None where it lacks one."""
    factors = []
    for symbol in graph.vars[var].shape:
        ref = DimRef("extent", *canonical[symbol.id]) if symbol.value is None else None
        if ref is not None and ref not in kernel.dims:
            return None
        factors.append(e.const(symbol.value) if ref is None else e.dim(kernel.dims.index(ref)))
    return ix.product(factors)


def cpu_source(kernel: Kernel, options: Options) -> KernelSource:
    text = cpu.print_kernel(kernel, options.isa)
    content = "\n".join((text, *flags_for(options.isa), options.isa, compiler_version()))
    key = hashlib.sha256(content.encode()).hexdigest()
    return KernelSource(key, kernel.name, text.replace(cpu.KEY, key[:16]), len(kernel.phases))

# cython: language_level=3
"""Between the runtime and the compiler: snapshots become Graphs; what it made becomes Programs and kernels."""
from libc.stdint cimport int32_t, int64_t
from libcpp.string cimport string
from libcpp.utility cimport pair
from libcpp.vector cimport vector

from jittor_cy._runtime cimport (
    DeviceKind,
    DimRef,
    DimWhat,
    GraphSnapshot,
    KernelRef,
    KernelState,
    KernelTable,
    Launch,
    LeafLayout,
    PhaseSpec,
    Product,
    ProductTerm,
    Program,
    ProgramRef,
    ScalarRef,
    SnapshotOp,
    SnapshotVar,
    StringView,
    Trial,
    dtype_name,
    family_of,
    instruction_set,
    op_name,
)

from jittor_cy import config

# Family in runtime/graph/op_kind.h, in its order.
FAMILIES = ("source", "random", "movement", "elementwise", "reindex", "reindex_reduce", "reduce", "scan",
            "contraction", "attention", "opaque")
DIM_KINDS = {"extent": DimWhat.kExtent, "stride": DimWhat.kStride, "constant": DimWhat.kConstant,
             "count": DimWhat.kCount}


cdef str view_text(StringView view):
    return view.data()[:view.size()].decode()


# ---- snapshot → Graph ----

cdef object graph_of(const GraphSnapshot& snapshot):
    """The compiler's Graph. Imported here: the compiler is loaded at the first miss, not with the package."""
    from jittor_cy.compiler.ir.graph import Graph, Symbol

    cdef size_t i
    symbols = [Symbol(i, snapshot.symbols[i].value if snapshot.symbols[i].constant else None)
               for i in range(snapshot.symbols.size())]
    variables = tuple([graph_var(snapshot, i, symbols) for i in range(snapshot.vars.size())])
    ops = tuple([graph_op(snapshot, i) for i in range(snapshot.ops.size())])
    device = "cpu" if snapshot.device.kind == DeviceKind.kCpu else "cuda"
    return Graph(variables, ops, snapshot.leaf_count, device, (<GraphSnapshot*>&snapshot).signature.hex().decode())


cdef object graph_var(const GraphSnapshot& snapshot, size_t i, list symbols):
    from jittor_cy.compiler.ir.graph import Var as GraphVar

    cdef SnapshotVar v = snapshot.vars[i]
    cdef int32_t axis
    shape = tuple([symbols[snapshot.symbols_of_axes[v.first_symbol + axis]] for axis in range(v.ndim)])
    layout = None
    if v.leaf == LeafLayout.kContiguous:
        layout = "contiguous"
    elif v.leaf == LeafLayout.kStrided:
        layout = "strided"
    repeated = tuple([axis for axis in range(v.ndim) if v.repeated >> axis & 1])
    return GraphVar(i, view_text(dtype_name(v.dtype)), shape, layout, v.producer if v.producer >= 0 else None, v.output,
                    repeated, v.unit_axis if v.unit_axis >= 0 else None)


cdef object graph_op(const GraphSnapshot& snapshot, size_t i):
    from jittor_cy.compiler.ir.graph import Op as GraphOp
    from jittor_cy.compiler.ir.schedule import given_by

    cdef SnapshotOp op = snapshot.ops[i]
    cdef int32_t k
    inputs = tuple([snapshot.operands[op.first_input + k] for k in range(op.input_count)])
    outputs = tuple(range(op.first_output, op.first_output + op.output_count))
    structure = tuple([snapshot.structure[op.first_structure + k] for k in range(op.structure_count)])
    floats = tuple([bool(op.float_scalars >> k & 1) for k in range(op.scalar_count)])
    return GraphOp(i, view_text(op_name(op.kind)), FAMILIES[<int>family_of(op.kind)], inputs, outputs, structure,
                   floats, op.update_group, given_by(op.schedule))


# ---- Program → runtime ----

cdef Product product_of(object spec) except *:
    cdef Product out
    cdef ProductTerm term
    out.factor = spec.factor
    for dim, divisor in spec.terms:
        term.dim, term.divisor = dim, divisor
        out.terms.push_back(term)
    return out


cdef Launch launch_of(object spec, dict names) except *:
    cdef Launch out
    cdef DimRef dim
    cdef ScalarRef scalar
    cdef PhaseSpec phase
    cdef string key
    if spec.kernel is not None:
        key = spec.kernel.encode()
        out.kernel = KernelTable.instance().get(key, names[spec.kernel].encode())
    out.ops = list(spec.ops)
    out.buffers = list(spec.buffers)
    out.output_count = spec.output_count
    for ref in spec.dims:
        dim.what, dim.var, dim.axis, dim.value = DIM_KINDS[ref.what], ref.var, ref.axis, ref.value
        out.dims.push_back(dim)
    for op, number in spec.scalars:
        scalar.op, scalar.scalar = op, number
        out.scalars.push_back(scalar)
    for part in spec.phases:
        phase.grid, phase.work = product_of(part.grid), product_of(part.work)
        phase.block_per_iteration = part.block_per_iteration
        phase.grain_ns = part.grain
        out.phases.push_back(phase)
    out.local_nbytes, out.shared_nbytes = product_of(spec.local_nbytes), product_of(spec.shared_nbytes)
    for output, source in spec.donations:
        out.donations.push_back(pair[int32_t, int32_t](output, source))
    out.batch = spec.batch
    return out


cdef ProgramRef program_of(object spec, const GraphSnapshot& snapshot) except *:
    cdef ProgramRef out = ProgramRef(new Program())
    cdef dict names = {kernel.key: kernel.name for kernel in spec.kernels}
    out.get().signature = snapshot.signature
    for launch in spec.launches:
        out.get().launches.push_back(launch_of(launch, names))
    out.get().finish(<int32_t>snapshot.vars.size(), snapshot.leaf_count)
    return out


# ---- kernels ----

def kernel_ready(key: str, path: str, phases: int) -> None:
    """Loads a compiled kernel; called by the toolchain, also from its threads."""
    KernelTable.instance().load_cpu(key.encode(), path.encode(), key[:16].encode(), phases)


def kernel_failed(key: str, message: str) -> None:
    """The interpreter keeps serving; the Program that wanted this kernel is given up."""
    KernelTable.instance().set_failed(key.encode(), message.encode())


cdef void start_compiles(object spec) except *:
    compile_sources(spec.kernels, bool(config.flags.wait_for_kernels))


def compile_sources(sources, bint wait) -> None:
    """Kernels that the table does not know yet: from the disk cache at once, else compiled in the background."""
    from jittor_cy.compiler.toolchain.gcc import compiler, flags_for

    missing = [k for k in sources if not KernelTable.instance().contains(k.key.encode())]
    if not missing:
        return
    phases = {kernel.key: kernel.phases for kernel in missing}
    for kernel in missing:
        KernelTable.instance().get(kernel.key.encode(), kernel.name.encode())

    def ready(key, path):
        try:
            kernel_ready(key, path, phases[key])
        except Exception as error:
            kernel_failed(key, str(error))

    compiler().compile_kernels(missing, flags_for(instruction_set().decode()), ready, kernel_failed,
                               wait=wait)


# ---- times of schedules ----

cdef class Measure:
    """Times launches of one graph with its extents, on scratch memory. Made from a snapshot with live nodes."""
    cdef Trial* trial
    cdef public list extents

    def __dealloc__(self):
        del self.trial

    def __call__(self, launches, sources, double budget_s):
        """Least seconds of each launch, None where its kernel does not compile; None where memory has no room."""
        cdef vector[Launch] ready
        cdef vector[int64_t] least
        cdef dict names = {source.key: source.name for source in sources}
        compile_sources(sources, True)
        loaded = [is_ready(launch.kernel) for launch in launches]
        for launch, good in zip(launches, loaded, strict=True):
            if good:
                ready.push_back(launch_of(launch, names))
        least = self.trial.time(ready, <int64_t>(budget_s * 1e9))
        if least.size() != ready.size():
            return None
        times = iter(least)
        return [next(times) * 1e-9 if good else None for good in loaded]


cdef object measure_of(const GraphSnapshot& snapshot):
    cdef Measure measure = Measure.__new__(Measure)
    measure.trial = new Trial(snapshot)
    measure.extents = list(measure.trial.extents())
    return measure


cdef bint is_ready(str key):
    cdef KernelRef kernel = KernelTable.instance().get(key.encode(), b"")
    return kernel.get().state.load() == KernelState.kReady

# Between the runtime and the compiler; see _program.pyx.
from jittor_cy._runtime cimport GraphSnapshot, ProgramRef

# The compiler's Graph of a snapshot.
cdef object graph_of(const GraphSnapshot& snapshot)
# The runtime's Program of the compiler's.
cdef ProgramRef program_of(object spec, const GraphSnapshot& snapshot) except *
# What times launches of a snapshot with live nodes.
cdef object measure_of(const GraphSnapshot& snapshot)
# Of the kernels of a compiler's Program, on the CPU.
cdef void start_compiles(object spec) except *

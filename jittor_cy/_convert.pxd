# Conversions between Python objects and the runtime's values; see _convert.pyx.
from libc.stdint cimport int64_t

from jittor_cy._runtime cimport Device, Dtype, Ints3, Ints6, Ints8, VarRef

# A dtype by any of its names: "float32", jt.float32, np.float32, float, np.dtype.
cdef Dtype dtype_code(object dtype, str function) except *
cdef object dtype_object(Dtype code)
cdef object numpy_dtype(Dtype code)
cdef Ints6 to_shape(object sizes, str function) except *
cdef Ints6 to_ints(object values) except *
cdef Ints3 to_ints3(object values) except *
cdef tuple shape_tuple(const Ints6& shape)
# A leaf: a copy of a NumPy array, or, where `borrow`, a look at its memory.
cdef VarRef leaf_from_array(object array, bint borrow, str function) except *
# A read-only array that pins the Buffer of a Var whose bytes are there.
cdef object array_from_leaf(const VarRef& ref)
cdef object scalar_from_leaf(const VarRef& ref)

# cython: language_level=3
# distutils: language = c++
"""NumPy arrays, Python numbers and dtypes to Buffers and back, without a copy where possible."""
cimport numpy as cnp
from cpython.buffer cimport PyBUF_WRITABLE, PyBuffer_FillInfo
from cpython.object cimport PyObject, PyTypeObject
from cpython.ref cimport Py_INCREF
from libc.stdint cimport int64_t, uint8_t, uintptr_t

from jittor_cy._runtime cimport (
    Backend,
    BufferRef,
    Device,
    DeviceKind,
    Dtype,
    Executor,
    Ints3,
    Ints6,
    VarRef,
    backend_of,
    borrow_buffer,
    contiguous_strides,
    default_device,
    dtype_name,
    itemsize,
    make_leaf,
)

import numpy as np

from jittor_cy.errors import ArgumentError, ArgumentTypeError, DtypeError

cdef extern from "numpy/arrayobject.h":
    object PyArray_NewFromDescr(
        PyTypeObject* kind, cnp.dtype descr, int ndim, cnp.npy_intp* shape, cnp.npy_intp* strides, void* data,
        int flags, PyObject* like
    )

cnp.import_array()

cdef Executor* EXECUTOR = &Executor.instance()
cdef int DTYPE_COUNT = 13
cdef enum:
    MAX_DIMS = 16  # kMaxDims in device/shape.h


class dtype(str):
    """The element type of a Var: a string that also compares with NumPy's and Python's types, and casts when called.

    Example:  >>> jt.zeros(2).dtype == "float32", jt.zeros(2).dtype == np.float32
              (True, True)
    """

    __slots__ = ("__weakref__",)
    cast = None  # set by ops: what calling a dtype does

    def __eq__(self, other):
        if isinstance(other, str):
            return str.__eq__(self, ALIASES.get(other, other))
        code = CODES.get(other) if getattr(other, "__hash__", None) is not None else None
        return code is not None and NAMES[code] == str(self)

    def __ne__(self, other):
        return not self == other

    __hash__ = str.__hash__

    def __call__(self, *args):
        return dtype.cast(self, *args)

    def __repr__(self):
        return f"jittor_cy.{str(self)}"

    def __reduce__(self):
        return dtype, (str(self),)

    @property
    def itemsize(self):
        """Bytes of one element."""
        return itemsize(dtype_code(self, "dtype"))

    @property
    def is_floating_point(self):
        """Whether it is one of the floating dtypes."""
        return "float" in str(self)

    def is_float(self):
        """Whether it is one of the floating dtypes (Jittor's name)."""
        return self.is_floating_point

    def is_int(self):
        """Whether it is one of the integer dtypes or bool (Jittor's name)."""
        return not self.is_floating_point


cdef list NAMES = [dtype_name(<Dtype><uint8_t>code).data()[:dtype_name(<Dtype><uint8_t>code).size()].decode()
                   for code in range(DTYPE_COUNT)]
cdef dict ALIASES = {"float": "float32", "double": "float64", "half": "float16", "int": "int32", "long": "int64",
                     "short": "int16", "char": "int8", "byte": "uint8", "bool_": "bool", "uint": "uint32"}
cdef list OBJECTS = [dtype(name) for name in NAMES]
# bfloat16 has no NumPy dtype: it travels as float32.
cdef list NUMPY = [np.dtype("float32" if name == "bfloat16" else name) for name in NAMES]
cdef dict CODES = {}


def _fill_codes():
    for code, name in enumerate(NAMES):
        CODES[name] = code
        if name != "bfloat16":
            CODES[np.dtype(name)] = code
            CODES[np.dtype(name).type] = code
    for alias, name in ALIASES.items():
        CODES[alias] = CODES[name]
    CODES[float] = CODES["float32"]
    CODES[int] = CODES["int64"]
    CODES[bool] = CODES["bool"]


_fill_codes()


def all_dtypes():
    """Every dtype object, in the order of their numbers."""
    return list(OBJECTS)


def canonical_dtype(value, function="dtype"):
    """The dtype object for a name, a NumPy dtype or a Python type."""
    return dtype_object(dtype_code(value, function))


cdef Dtype dtype_code(object value, str function) except *:
    code = CODES.get(value) if isinstance(value, (str, type, np.dtype)) else None
    if code is None and not isinstance(value, (str, type, np.dtype)):
        code = CODES.get(getattr(value, "dtype", None))
    if code is None:
        if isinstance(value, (str, type, np.dtype)):
            raise DtypeError(f"{function}: dtype {str(value)!r} is not supported",
                             help=f"dtypes are {', '.join(NAMES)}")
        raise ArgumentTypeError(f"{function}: a dtype is expected, found {type(value).__name__} {value!r}",
                                help="give a name such as 'float32', or jt.float32")
    return <Dtype><uint8_t><int>code


cdef object dtype_object(Dtype code):
    return OBJECTS[<uint8_t>code]


cdef object numpy_dtype(Dtype code):
    return NUMPY[<uint8_t>code]


cdef Ints6 to_ints(object values) except *:
    cdef Ints6 out
    for value in values:
        out.push_back(value)
    return out


cdef Ints3 to_ints3(object values) except *:
    cdef Ints3 out
    for value in values:
        out.push_back(value)
    return out


cdef Ints6 to_shape(object sizes, str function) except *:
    cdef Ints6 out
    cdef int64_t size
    if len(sizes) > MAX_DIMS:
        raise ArgumentError(f"{function}: {len(sizes)} dimensions, at most {MAX_DIMS} are possible")
    for value in sizes:
        size = value
        if size < 0:
            raise ArgumentError(f"{function}: sizes are not negative, found {tuple(sizes)}")
        out.push_back(size)
    return out


cdef tuple shape_tuple(const Ints6& shape):
    cdef Ints6* sizes = <Ints6*>&shape
    cdef size_t i
    cdef size_t n = sizes[0].size()
    if n == 2:
        return (sizes[0][0], sizes[0][1])
    return tuple([sizes[0][i] for i in range(n)])


cdef VarRef leaf_from_array(object array, bint borrow, str function) except *:
    cdef Dtype code
    found = CODES.get(array.dtype)
    if found is None and array.dtype.newbyteorder("=") in CODES:
        array, borrow = array.astype(array.dtype.newbyteorder("=")), True
        found = CODES[array.dtype]
    if found is None:
        raise DtypeError(f"{function}: arrays of dtype {array.dtype} are not supported",
                         help=f"dtypes are {', '.join(NAMES)}")
    code = <Dtype><uint8_t><int>found
    if array.ndim > MAX_DIMS:
        raise ArgumentError(f"{function}: {array.ndim} dimensions, at most {MAX_DIMS} are possible")
    cdef int64_t size = array.dtype.itemsize
    borrow = borrow and default_device().kind == DeviceKind.kCpu
    if borrow and array.flags.aligned and not any([stride % size for stride in array.strides]) and array.size:
        return borrowed_leaf(array, code, size)
    return copied_leaf(array, code, function)


cdef VarRef borrowed_leaf(object array, Dtype code, int64_t size) except *:
    cdef Ints6 shape, strides
    cdef int64_t low = 0
    cdef int64_t high = size
    for extent, stride in zip(array.shape, array.strides):
        shape.push_back(extent)
        strides.push_back(stride // size)
        if stride < 0:
            low += (extent - 1) * stride
        else:
            high += (extent - 1) * stride
    cdef uintptr_t first = array.__array_interface__["data"][0]
    cdef Device cpu
    cdef BufferRef buffer = borrow_buffer(<void*>(first + low), high - low, cpu, <void*>array)
    return make_leaf(buffer, -low // size, shape, strides, code, cpu)


cdef VarRef copied_leaf(object array, Dtype code, str function) except *:
    """A copy on the default device, filled in stream order (the memory may still be read by what is queued)."""
    if not array.flags.c_contiguous:
        array = np.ascontiguousarray(array).reshape(array.shape)
    cdef Ints6 shape = to_shape(array.shape, function)
    cdef Device device = default_device()
    cdef int64_t nbytes = array.nbytes
    name = function.encode()
    cdef BufferRef buffer = EXECUTOR.allocate(device, nbytes, name)
    cdef uintptr_t address = array.__array_interface__["data"][0]
    if nbytes:
        EXECUTOR.upload(buffer.get()[0], <const void*>address, nbytes)
    return make_leaf(buffer, 0, shape, contiguous_strides(shape), code, device)


cdef class Pin:
    """The whole of a Buffer as read-only bytes; while it lives the Buffer is neither donated nor evicted."""

    cdef BufferRef buffer

    def __dealloc__(self):
        if self.buffer.get() != NULL:
            self.buffer.get().pins -= 1

    def __getbuffer__(self, Py_buffer* view, int flags):
        if flags & PyBUF_WRITABLE == PyBUF_WRITABLE:
            raise BufferError("the values of a Var are read-only: copy the array, or write to the Var")
        PyBuffer_FillInfo(view, self, self.buffer.get().address(), self.buffer.get().nbytes(), 1, flags)


cdef object array_from_leaf(const VarRef& ref):
    cdef VarRef* value = <VarRef*>&ref
    if value.get().count() == 0:
        return read_only(np.empty(shape_tuple(value.get().shape), numpy_dtype(value.get().dtype)))
    if value.get().device.kind != DeviceKind.kCpu:
        return download(ref)
    cdef Pin pin = Pin.__new__(Pin)
    pin.buffer = value.get().buffer
    pin.buffer.get().pins += 1
    return array_over(ref, pin, <char*>value.get().buffer.get().address())


cdef object array_over(const VarRef& ref, object base, char* first):
    """A read-only array of a Var whose Buffer's bytes are those from `first` on, kept alive by `base`.

    What np.ndarray() does, without its parsing of arguments; bfloat16 is copied to float32.
    """
    cdef VarRef* value = <VarRef*>&ref
    cdef bint widened = value.get().dtype == Dtype.kBfloat16
    kind = np.dtype(np.uint16) if widened else numpy_dtype(value.get().dtype)
    cdef cnp.npy_intp shape[MAX_DIMS]
    cdef cnp.npy_intp strides[MAX_DIMS]
    cdef int64_t size = itemsize(value.get().dtype)
    cdef size_t i
    for i in range(value.get().shape.size()):
        shape[i] = value.get().shape[i]
        strides[i] = value.get().strides[i] * size
    cdef char* data = first + value.get().offset * size
    Py_INCREF(kind)  # the array's, as is the base
    array = PyArray_NewFromDescr(
        <PyTypeObject*>cnp.ndarray, <cnp.dtype>kind, <int>value.get().shape.size(), shape, strides, data, 0, NULL
    )
    cnp.set_array_base(array, base)
    if not widened:
        return array
    return read_only((array.astype(np.uint32) << np.uint32(16)).view(np.float32).reshape(array.shape))


cdef object read_only(object array):
    array.flags.writeable = False
    return array


cdef object download(const VarRef& ref):
    cdef VarRef* value = <VarRef*>&ref
    cdef int64_t nbytes = value.get().buffer.get().nbytes()
    whole = np.empty(nbytes, np.uint8)
    cdef uintptr_t address = whole.__array_interface__["data"][0]
    cdef Backend* backend = &backend_of(value.get().device)
    cdef const void* source = value.get().buffer.get().address()
    with nogil:
        backend.copy_to_host(<void*>address, source, nbytes)
    return array_over(ref, read_only(whole), <char*>address)


cdef object scalar_from_leaf(const VarRef& ref):
    """The one element of a Var as a Python number."""
    cdef VarRef* value = <VarRef*>&ref
    cdef Dtype code = value.get().dtype
    if value.get().device.kind != DeviceKind.kCpu or code == Dtype.kFloat16 or code == Dtype.kBfloat16:
        return array_from_leaf(ref).item()
    cdef void* at = <char*>value.get().buffer.get().address() + value.get().offset * itemsize(code)
    if code == Dtype.kFloat32:
        return (<float*>at)[0]
    if code == Dtype.kFloat64:
        return (<double*>at)[0]
    if code == Dtype.kInt64:
        return (<int64_t*>at)[0]
    if code == Dtype.kBool:
        return (<uint8_t*>at)[0] != 0
    return array_from_leaf(ref).item()

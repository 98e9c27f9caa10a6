# cython: language_level=3
# distutils: language = c++
"""x[key] for ints and slices in range, the most of all indexing; ops/indexing.py has the general rules."""
from libc.stdint cimport int64_t

from jittor_cy._convert cimport shape_tuple
from jittor_cy._runtime cimport Ints6, VarRef, make_reshape, make_slice
from jittor_cy._var cimport Var, current, view_with

cdef extern from *:
    """
    #include "api.h"
    namespace jtcy {
    /// A plain key, axis by axis: where its Slice begins, how it goes, what it takes, and the shape without ints' axes.
    struct PlainKey {
      Shape start, step, extents, kept;
      bool moves = false;     // it is not the whole of x
      bool squeezes = false;  // it has ints
    };
    }
    """
    cdef cppclass Plain "jtcy::PlainKey":
        Ints6 start
        Ints6 step
        Ints6 extents
        Ints6 kept
        bint moves
        bint squeezes

cdef extern from "Python.h":
    int PySlice_Unpack(object key, Py_ssize_t* start, Py_ssize_t* stop, Py_ssize_t* step) except -1
    Py_ssize_t PySlice_AdjustIndices(Py_ssize_t length, Py_ssize_t* start, Py_ssize_t* stop, Py_ssize_t step)
    long long PyLong_AsLongLongAndOverflow(object value, int* overflow) except? -1

cdef int SLICE = 0  # enum Step in _var.pyx
cdef int RESHAPE = 2
cdef object GENERAL = None


def set_general(function):
    """`function(x, key)` knows all rules; called once by `ops`."""
    global GENERAL
    GENERAL = function


cdef bint read_slice(object key, int64_t extent, Plain* out) except -1:
    cdef Py_ssize_t start, stop, step, count
    try:
        PySlice_Unpack(key, &start, &stop, &step)
    except (TypeError, ValueError):
        return False
    count = PySlice_AdjustIndices(extent, &start, &stop, step)
    out.start.push_back(start if count else 0)
    out.step.push_back(step)
    out.extents.push_back(count)
    out.kept.push_back(count)
    out.moves = out.moves or count != extent or (count and start != 0) or step != 1
    return True


cdef bint read_int(object key, int64_t extent, Plain* out) except -1:
    cdef int overflow = 0
    cdef long long place = PyLong_AsLongLongAndOverflow(key, &overflow)
    if overflow or not -extent <= place < extent:
        return False
    if place < 0:
        place += extent
    out.start.push_back(place)
    out.step.push_back(1)
    out.extents.push_back(1)
    out.moves = out.moves or extent != 1
    out.squeezes = True
    return True


cdef bint read_plain(const Ints6& shape, tuple keys, Plain* out) except -1:
    """False: the general rules look closer, or say why not."""
    cdef Ints6* extents = <Ints6*>&shape
    cdef size_t axis
    cdef size_t count = len(keys)
    if count > extents.size():
        return False
    for axis in range(count):
        key = keys[axis]
        if type(key) is slice:
            if not read_slice(key, extents[0][axis], out):
                return False
        elif type(key) is not int or not read_int(key, extents[0][axis], out):
            return False
    for axis in range(count, extents.size()):
        out.start.push_back(0)
        out.step.push_back(1)
        out.extents.push_back(extents[0][axis])
        out.kept.push_back(extents[0][axis])
    return True


cdef list steps_of(Plain* plain):
    cdef list steps = []
    if plain.moves:
        steps.append((SLICE, shape_tuple(plain.start), shape_tuple(plain.step), shape_tuple(plain.extents)))
    if plain.squeezes:
        steps.append((RESHAPE, shape_tuple(plain.kept)))
    return steps


def plain_steps(Var x not None, key):
    """The steps of a view for ints and slices in range; None: the key has something else in it."""
    cdef Plain plain
    if not read_plain(current(x).get().shape, key if type(key) is tuple else (key,), &plain):
        return None
    return steps_of(&plain)


def getitem(Var x not None, key):
    """x[key]; what is not plain goes by the general rules."""
    cdef Plain plain
    cdef VarRef value = current(x)[0]
    if not read_plain(value.get().shape, key if type(key) is tuple else (key,), &plain):
        return GENERAL(x, key)
    if plain.moves:
        value = make_slice(value, plain.start, plain.step, plain.extents)
    if plain.squeezes:
        value = make_reshape(value, plain.kept, b"reshape")
    return view_with(x, value, tuple(steps_of(&plain)))

# cython: language_level=3
# distutils: language = c++
"""Argument rules that nearly every call goes through: axes by either spelling, sizes. The rest is in ops/_rules.py."""
import operator

from jittor_cy._var cimport Var

import numpy as np

from jittor_cy.errors import ArgumentError, ArgumentTypeError, IndexError_

cdef object AS_VAR = None  # set by ops/_rules.py: a Var of a number, an array or a list


def set_as_var(function):
    """`function(value, name of the caller)` makes a Var of what is none; called once by `ops`."""
    global AS_VAR
    AS_VAR = function


def axis_index(axis, int ndim, str function):
    """One axis as a number from 0 to ndim - 1."""
    cdef int place
    if type(axis) is int and -ndim <= axis < ndim:  # the usual case
        place = axis
        return place if place >= 0 else place + ndim
    try:
        found = operator.index(axis)
    except TypeError:
        found = None
    if found is None or isinstance(axis, bool):  # a bool meant for another argument would count as dim 0 or 1
        raise ArgumentTypeError(f"{function}: dim must be an int, found {type(axis).__name__}")
    if not -ndim <= found < ndim:
        reach = f"give a dim from {-ndim} to {ndim - 1}" if ndim else "the var has no dims"
        raise IndexError_(f"{function}: dim {found} is out of range for a {ndim}-d var", help=reach)
    return found % ndim


def pick(dim, axis, str function):
    """The one of the two spellings that was given."""
    if axis is None:
        return dim
    if dim is not None:
        raise ArgumentTypeError(f"{function}: dim and axis are the same argument, found both")
    return axis


def one_axis(dim, axis, int ndim, str function):
    """The axis of a function that works along one."""
    return axis_index(pick(dim, axis, function), max(ndim, 1), function)


def axis_list(dim, int ndim, str function):
    """Axes, each once, in the order given; None: all of them. Of a 0-d var 0 and -1 are taken, as by PyTorch."""
    if dim is None:
        return list(range(ndim))
    axes = [axis_index(d, max(ndim, 1), function) for d in (dim if isinstance(dim, (tuple, list)) else (dim,))]
    if len(set(axes)) != len(axes):
        raise ArgumentError(f"{function}: a dim appears twice in {dim}")
    return axes


def axis_mask(dim, int ndim, str function):
    """A bit for each axis."""
    cdef int place
    if type(dim) is int and -ndim <= dim < ndim:  # the usual case
        place = dim
        return 1 << (place if place >= 0 else place + ndim)
    axes = axis_list(dim, ndim, function)
    return sum([1 << d for d in axes]) if ndim else 0


def reduction_axes(x, dim, keepdim, axis, keepdims, str function):
    """The operand, the axes as a mask (None: an empty list was given, nothing is reduced) and whether they stay."""
    cdef Var operand = x if isinstance(x, Var) else AS_VAR(x, function)
    if axis is not None:
        dim = pick(dim, axis, function)
    keep = bool(keepdim if keepdims is None else keepdims)
    if isinstance(dim, (tuple, list)) and not dim:
        return operand, None, keep
    return operand, axis_mask(dim, <int>operand.value.get().shape.size(), function), keep


def sizes(shape, str function):
    """A shape given as f(2, 3) or f((2, 3)); -1 is left for the caller to judge."""
    if len(shape) == 1 and isinstance(shape[0], (tuple, list, np.ndarray)):
        shape = shape[0]
    try:
        return tuple([n if type(n) is int else operator.index(n) for n in shape])
    except TypeError:
        raise ArgumentTypeError(f"{function}: sizes must be ints, found {shape!r}") from None

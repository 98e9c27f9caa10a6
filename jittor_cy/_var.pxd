# Fields and C functions of Var, the cell that holds an immutable value; see _var.pyx.
from libc.stdint cimport int64_t

from jittor_cy._runtime cimport OpKind, Refs2, Refs3, VarRef


# What a base Var and its views share. Note [Cells] in _var.pyx.
cdef class Cell:
    cdef VarRef value      # the base's newest value
    cdef void* root        # the base Var, borrowed; null once it is gone
    cdef int views         # live views
    cdef int64_t version   # counts writes
    cdef bint dirty        # written to while there were views
    cdef bint holds        # the Cell itself counts as a holder of `value`


cdef class Var:
    cdef VarRef value          # the value as of `version`; read it through current()
    cdef Cell cell             # None unless a view was made of this Var, or it is one
    cdef tuple recipe          # steps from the base's value to this view's; None for a base
    cdef int64_t version
    cdef bint trainable
    cdef object gradient       # .grad
    cdef VarRef hook_source    # what a hooked value is a copy of
    cdef list hooks            # None unless there are any
    cdef dict __dict__
    cdef object __weakref__


# A new Var for a value; counts as recorded (may flush at the window's border).
cdef Var wrap(const VarRef& ref)
# A view of x whose value `steps` (tuples as in enum Step) give.
cdef Var view_with(Var x, const VarRef& value, tuple steps)
# The Var's newest value; the reference is good until the next write.
cdef VarRef* current(Var x) except NULL
# Puts a value of the same shape and dtype into the cell; views and base see it.
cdef int write(Var x, const VarRef& fresh) except -1
# What the sweep calls for user functions and hooks: `context` is called with the list of cotangents.
cdef int call_gradient(void* context, const Refs2* cotangents, Refs3* gradients) noexcept with gil
# Puts a value without a gradient path into the cell of a trained Var.
cdef int write_update(Var x, const VarRef& fresh) except -1
# Bytes are there afterwards; waiting releases the GIL.
cdef int realize(Var x) except -1
cdef object binary(OpKind kind, Var a, object b, bint swapped, const char* function)
# The value of a Var or array; owned, so that a Var made for the call may go.
cdef VarRef value_of(object value, str function, str argument) except *
cdef Var checked(object value, str function, str argument)
# The value of x, or null where there is none.
cdef VarRef optional(Var x) except *
# The Var registered as trainable whose value this is, or None.
cdef Var trainable_of(const void* node)

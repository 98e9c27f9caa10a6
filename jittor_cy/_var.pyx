# cython: language_level=3
# distutils: language = c++
"""class Var: a lazy tensor; a cell whose value in-place operations replace."""
# Longer than other files: an extension class and the C functions on its fields must be one module.
cimport cython
from cpython.object cimport PyObject
from libc.stdint cimport uintptr_t
from libcpp.unordered_map cimport unordered_map
from libcpp.vector cimport vector

from jittor_cy._convert cimport (
    array_from_leaf,
    dtype_object,
    leaf_from_array,
    scalar_from_leaf,
    shape_tuple,
    to_ints,
)
from jittor_cy._runtime cimport (
    Attrs,
    Buffer,
    Dtype,
    Executor,
    FlushReason,
    Ints6,
    OpKind,
    Residency,
    Refs2,
    Refs3,
    VarNode,
    VarRef,
    compose_binary,
    compose_binary_scalar,
    compose_matmul,
    compose_unary,
    gradient_callback,
    hold,
    is_floating,
    itemsize,
    make_broadcast_to,
    make_cast,
    make_detached,
    make_full_int,
    make_function,
    make_insert,
    make_node,
    make_reshape,
    make_slice,
    make_transpose,
    op_name,
    origin_text,
    shape_text,
    unhold,
)

import numpy as np

from jittor_cy.errors import ArgumentError, ArgumentTypeError, DtypeError, GradientError, ShapeError

cdef extern from "Python.h":
    ctypedef struct PyTypeObject:
        PyObject* tp_dict
    void PyType_Modified(PyTypeObject* type)

__all__ = ["Var", "add_methods", "view_of"]

# Note [Cells]
# A Var is a cell with an immutable value. The first basic view of a Var makes a Cell that both share: base value,
# number of writes, views alive. A write through a view computes the base's new value by undoing the view's steps;
# everyone whose version is older takes the new value (or its part of it) when it is next read. Once the base Var is
# gone, one view alone is its own value: the base's value is held only while a second view, or an earlier write, could
# still need it.

cdef enum Step:  # of a view; the numbers stand first in the tuples that ops.movement makes
    SLICE = 0      # start, step, shape
    TRANSPOSE = 1  # perm
    RESHAPE = 2    # shape
    EXPAND = 3     # shape
    ALIAS = 4      # the same elements without a gradient path

cdef Executor* EXECUTOR = &Executor.instance()
cdef unordered_map[const void*, void*] TRAINABLE  # value → its Var
cdef object GET_ITEM = None
cdef object SET_ITEM = None


@cython.freelist(64)
cdef class Cell:
    def __dealloc__(self):
        if self.holds:
            unhold(self.value.get()[0])


cdef Var wrap(const VarRef& ref):
    cdef Var out = Var.__new__(Var)
    out.value = ref
    hold(out.value.get()[0])
    EXECUTOR.after_record()
    return out


cdef VarRef* current(Var x) except NULL:
    if x.cell is not None and x.version != x.cell.version:
        refresh(x)
    return &x.value


cdef int refresh(Var x) except -1:
    cdef VarRef fresh = x.cell.value
    if x.recipe is not None:
        for step in x.recipe:
            fresh = apply_step(fresh, step)
    replace(x, fresh)
    x.version = x.cell.version
    return 0


cdef void replace(Var x, const VarRef& fresh) noexcept:
    """The value of this handle alone."""
    cdef VarRef old = x.value
    if x.trainable:
        TRAINABLE.erase(old.get())
    drop_hook_source(x)
    x.value = fresh
    hold(x.value.get()[0])
    if x.trainable:
        x.value.get().trainable = True
        TRAINABLE[x.value.get()] = <void*>x
    if old.get() != NULL:
        unhold(old.get()[0])


cdef void update_holder(Cell cell) noexcept:
    """Whether the Cell itself must keep the base's value alive (Note [Cells])."""
    cdef bint needed = cell.root == NULL and (cell.views > 1 or (cell.views == 1 and cell.dirty))
    if needed and not cell.holds:
        hold(cell.value.get()[0])
    elif cell.holds and not needed:
        unhold(cell.value.get()[0])
    cell.holds = needed


cdef VarRef apply_step(const VarRef& x, tuple step) except *:
    cdef int kind = step[0]
    if kind == SLICE:
        return make_slice(x, to_ints(step[1]), to_ints(step[2]), to_ints(step[3]))
    if kind == TRANSPOSE:
        return make_transpose(x, to_ints(step[1]))
    if kind == RESHAPE:
        return make_reshape(x, to_ints(step[1]), b"reshape")
    if kind == EXPAND:
        return make_broadcast_to(x, to_ints(step[1]), b"expand")
    return make_detached(x)


cdef VarRef undo_step(const VarRef& x, const VarRef& v, tuple step) except *:
    """x with v where the step looks."""
    cdef int kind = step[0]
    cdef VarRef* base = <VarRef*>&x
    if kind == SLICE:
        return make_insert(x, v, to_ints(step[1]), to_ints(step[2]))
    if kind == TRANSPOSE:
        perm = step[1]
        return make_transpose(v, to_ints(sorted(range(len(perm)), key=perm.__getitem__)))
    if kind == RESHAPE:
        return make_reshape(v, base.get().shape, b"reshape")
    return v  # ALIAS; an expanded view is refused before (refuse_expanded)


def view_of(Var x, *steps):
    """A view of x: `steps` are tuples (kind, arguments) as in enum Step."""
    cdef VarRef value = current(x)[0]
    for step in steps:
        value = apply_step(value, step)
    return view_with(x, value, steps)


cdef Var view_with(Var x, const VarRef& value, tuple steps):
    cdef Cell cell = x.cell
    if x.recipe is not None and cell.root == NULL and cell.views == 1:
        make_own(x)
        cell = None
    if cell is None:
        cell = Cell.__new__(Cell)
        cell.value = x.value
        cell.root = <void*>x
        cell.version = 1
        x.cell, x.version = cell, 1
    cdef Var out = Var.__new__(Var)
    out.value = value
    hold(out.value.get()[0])
    out.cell, out.version = cell, cell.version
    out.recipe = steps if x.recipe is None else x.recipe + steps
    cell.views += 1
    update_holder(cell)
    EXECUTOR.after_record()
    return out


def same_view(Var x, value, tuple steps):
    """Whether `value` is what x holds at `steps` already: x[i] += 1 writes through the view, then assigns it."""
    if not isinstance(value, Var) or x.cell is None or (<Var>value).cell is not x.cell:
        return False
    current(value)
    return ((<Var>value).recipe or ()) == (x.recipe or ()) + steps


def leaf_of(array, bint borrow, str function):
    """A Var of a NumPy array; `borrow`: one that looks at its memory."""
    return wrap(leaf_from_array(array, borrow, function))


cdef void make_own(Var x) noexcept:
    """A view whose base nobody can see any more becomes a Var of its own."""
    cdef Cell cell = x.cell
    x.cell = None
    x.recipe = None
    cell.views -= 1
    update_holder(cell)


cdef int refuse_expanded(Var x) except -1:
    for step in x.recipe:
        if step[0] == EXPAND:
            raise ArgumentError("a write to an expanded view: several of its elements share one place", x=x,
                                help="write to a copy: x.clone()")
    return 0


cdef VarRef stopped_like(VarNode* old, const VarRef& fresh) except *:
    """A Var at which gradients stop keeps that where what is put into it has no path of its own."""
    cdef VarRef value = fresh
    if not old.stop_grad or value.get().stop_grad:
        return value
    if value.get().producer.get() != NULL and value.get().producer.get().differentiable:
        return value
    if value.get().held > 0:
        return make_detached(value)
    value.get().stop_grad = True
    return value


cdef int write(Var x, const VarRef& fresh) except -1:
    current(x)
    if x.recipe is not None:
        refuse_expanded(x)
    cdef VarRef value = own_leaf(fresh) if x.trainable else stopped_like(x.value.get(), fresh)
    cdef Cell cell = x.cell
    if cell is not None and x.recipe is not None and cell.root == NULL and cell.views == 1:
        make_own(x)
        cell = None
    if cell is not None and x.recipe is None and cell.views == 0:
        x.cell = cell = None
    if cell is None:
        replace(x, value)
    elif x.recipe is None:
        write_base(cell, value)
    else:
        write_base(cell, undo_steps(cell.value, fresh, x.recipe))
        replace(x, make_detached(fresh) if x.value.get().stop_grad else value)
        x.version = cell.version
    if x.hooks is not None:
        hook_value(x)
    EXECUTOR.after_record()
    return 0


cdef VarRef undo_steps(const VarRef& base, const VarRef& value, tuple recipe) except *:
    cdef vector[VarRef] before
    cdef VarRef fresh = base
    for step in recipe:
        before.push_back(fresh)
        fresh = apply_step(fresh, step)
    fresh = value
    for i in range(len(recipe) - 1, -1, -1):
        fresh = undo_step(before[i], fresh, recipe[i])
    return fresh


cdef int write_base(Cell cell, const VarRef& fresh) except -1:
    cdef VarRef old = cell.value
    cdef Var root
    cell.value = stopped_like(old.get(), fresh)
    cell.version += 1
    cell.dirty = True
    if cell.holds:
        hold(cell.value.get()[0])
        unhold(old.get()[0])
    if cell.root != NULL:
        root = <Var>cell.root
        replace(root, own_leaf(cell.value) if root.trainable else cell.value)
        root.version = cell.version
    return 0


def add_hook(Var x, call):
    """Gradients of x pass through `call` from here on, also after writes; they are taken of what lies before."""
    if x.hooks is None:
        x.hooks = []
    x.hooks.append(call)
    hook_value(x)


cdef int hook_value(Var x) except -1:
    """x's value becomes a copy behind its hooks; the value itself stays what gradients are taken of, and trained."""
    cdef VarRef source = x.hook_source if x.hook_source.get() != NULL else current(x)[0]
    cdef Refs2 values
    values.push_back(source)
    cdef list hooks = x.hooks

    def through(cotangents):
        cotangent = cotangents[0]
        for call in hooks:
            cotangent = call(cotangent)
        return [cotangent]

    cdef Refs2 copies = make_function(values, values, gradient_callback(<void*>through, call_gradient))
    cdef VarRef old = x.value
    if x.hook_source.get() == NULL:
        x.hook_source = source
        hold(source.get()[0])
    x.value = copies[0]
    hold(x.value.get()[0])
    unhold(old.get()[0])
    return 0


cdef void drop_hook_source(Var x) noexcept:
    if x.hook_source.get() != NULL:
        TRAINABLE.erase(x.hook_source.get())
        unhold(x.hook_source.get()[0])
        x.hook_source.reset()


cdef int call_gradient(void* context, const Refs2* cotangents, Refs3* gradients) noexcept with gil:
    """Calls a Python gradient function; -1 with the error set when it raises."""
    cdef Refs2* given = <Refs2*>cotangents
    cdef size_t i
    try:
        arguments = [wrap(given[0][i]) if given[0][i].get() != NULL else None for i in range(given[0].size())]
        results = (<object>context)(arguments)
        gradients.resize(len(results))
        for i, result in enumerate(results):
            if result is not None:
                gradients[0][i] = value_of(result, "Function", f"gradient {i}")
    except BaseException as error:
        restore_error(error)
        return -1
    return 0


cdef extern from "Python.h":
    void PyErr_SetObject(object kind, object value)


cdef void restore_error(object error) noexcept:
    PyErr_SetObject(type(error), error)


cdef VarRef own_leaf(const VarRef& fresh) except *:
    """A value that gradients start at: a trained Var is a leaf whatever was put into it."""
    cdef VarRef* value = <VarRef*>&fresh
    if value.get().held > 0 or (value.get().producer.get() != NULL and value.get().producer.get().differentiable):
        value = NULL
    cdef VarRef out = make_detached(fresh) if value == NULL else fresh
    out.get().stop_grad = False
    return out


cdef int write_update(Var x, const VarRef& fresh) except -1:
    cdef VarRef value = own_leaf(fresh)
    value.get().stop_grad = current(x).get().stop_grad
    return write(x, value)


cdef Var trainable_of(const void* node):
    if TRAINABLE.count(node) == 0:
        return None
    return <Var>TRAINABLE[node]


def trained_var(uintptr_t node):
    """The trained Var whose value lies at this address, or None."""
    return trainable_of(<const void*>node)


cdef int realize(Var x) except -1:
    cdef VarNode* node = current(x).get()
    cdef vector[VarNode*] targets
    if not node.realized() or node.buffer.get().residency() != Residency.kDevice:
        targets.push_back(node)
        EXECUTOR.flush(targets, FlushReason.kRead)
    cdef Buffer* buffer = node.buffer.get()
    with nogil:
        EXECUTOR.wait(buffer[0])
    return 0


cdef Var checked(object value, str function, str argument):
    """`value` where it is a Var; arrays become one."""
    if isinstance(value, Var):
        return <Var>value
    if isinstance(value, np.ndarray):
        return wrap(leaf_from_array(value, False, function))
    raise ArgumentTypeError(f"{function}: {argument} must be a Var, found {type(value).__name__}",
                            help="make one with jt.array(...)")


cdef VarRef value_of(object value, str function, str argument) except *:
    cdef Var x = checked(value, function, argument)
    return current(x)[0]


cdef VarRef optional(Var x) except *:
    """The value of x, or null where there is none."""
    if x is None:
        return VarRef()
    return current(x)[0]


cdef object binary(OpKind kind, Var a, object b, bint swapped, const char* function):
    """a op b, or b op a where `swapped`; NotImplemented for what is neither Var, number nor array."""
    if isinstance(b, Var):
        return wrap(compose_binary(kind, current(a)[0], current(<Var>b)[0], function))
    if isinstance(b, np.generic):
        b = b.item()
    if isinstance(b, float):
        return wrap(compose_binary_scalar(kind, current(a)[0], swapped, True, b, 0, function))
    cdef VarRef other
    if isinstance(b, bool):
        other = make_full_int(Ints6(), Dtype.kBool, b)
    elif isinstance(b, int):
        if not -(1 << 63) <= b < 1 << 63:
            raise ArgumentError(f"{function.decode()}: {b} does not fit in int64")
        return wrap(compose_binary_scalar(kind, current(a)[0], swapped, False, 0, b, function))
    elif isinstance(b, np.ndarray):
        other = leaf_from_array(b, False, function.decode())
    elif isinstance(b, complex):
        raise DtypeError(f"{function.decode()}: complex numbers are not supported, found {b!r}")
    else:
        return NotImplemented
    if swapped:
        return wrap(compose_binary(kind, other, current(a)[0], function))
    return wrap(compose_binary(kind, current(a)[0], other, function))


cdef object in_place(OpKind kind, Var a, object b, const char* function):
    """Puts a op b into a's cell; its shape and dtype stay."""
    result = binary(kind, a, b, False, function)
    if result is NotImplemented:
        return result
    put(a, <Var>result, function.decode() + "_")
    return a


cdef int category(Dtype code) noexcept:
    """0 bool, 1 integer, 2 floating: an in-place result may not rise above its place."""
    return 0 if code == Dtype.kBool else 2 if is_floating(code) else 1


cdef int put(Var a, Var v, str function) except -1:
    """Writes v, cast and broadcast to a's dtype and shape."""
    cdef VarRef fresh = current(v)[0]
    cdef VarNode* node = current(a).get()
    if category(fresh.get().dtype) > category(node.dtype):
        raise DtypeError(f"{function}: a {v.dtype} result cannot be put into a {a.dtype} var", a=a,
                         help=f"write x = x.astype('{v.dtype}') first")
    if not fresh.get().shape == node.shape:
        name = function.encode()
        fresh = make_broadcast_to(fresh, node.shape, name)
    if fresh.get().dtype != node.dtype:
        fresh = make_cast(fresh, node.dtype)
    return write(a, fresh)


def put_value(Var a, object v, str function):
    """Writes v (a Var of a's shape, or one that broadcasts to it) into a's cell."""
    put(a, checked(v, function, "value"), function)
    return a


def add_methods(functions):
    """Makes functions whose first argument is a Var methods of Var; called once by `ops`."""
    global GET_ITEM, SET_ITEM
    functions = dict(functions)
    GET_ITEM, SET_ITEM = functions.pop("__getitem__", GET_ITEM), functions.pop("__setitem__", SET_ITEM)
    (<dict>(<PyTypeObject*>Var).tp_dict).update(functions)
    PyType_Modified(<PyTypeObject*>Var)


def rebuild(array, dtype, requires_grad, trainable):
    """A Var from what pickling wrote."""
    cdef VarRef value = leaf_from_array(array, False, "unpickle")
    cdef Var out = wrap(value if dtype_object(value.get().dtype) == dtype else make_cast(value, _code(dtype)))
    if trainable:
        return out.requires_grad_()
    out.requires_grad = requires_grad
    return out


cdef Dtype _code(dtype) except *:
    from jittor_cy._convert import canonical_dtype, all_dtypes
    return <Dtype><unsigned char><int>all_dtypes().index(canonical_dtype(dtype))


@cython.freelist(256)
@cython.no_gc_clear
cdef class Var:
    """A tensor that is computed when somebody looks.

    Make one with jt.array, jt.zeros, jt.rand and the like. Arithmetic builds a graph; numpy(), item(), print of a
    realized Var, and jt.sync_all() run it. In-place operations put a new value into the Var; basic slices are views.

    Example:  >>> (jt.array([1.0, 2.0]) + 1).tolist()
              [2.0, 3.0]
    """

    __array_ufunc__ = None  # NumPy arrays leave mixed arithmetic to Var

    def __init__(self, *args, **kwargs):
        raise ArgumentTypeError("Var: not made by calling the class", help="use jt.array(data)")

    def __dealloc__(self):
        if self.value.get() == NULL:
            return
        if self.trainable:
            TRAINABLE.erase(self.value.get())
        drop_hook_source(self)
        if self.cell is not None:
            if self.recipe is None:
                self.cell.root = NULL
            else:
                self.cell.views -= 1
            update_holder(self.cell)
        unhold(self.value.get()[0])

    # ---- what it is ----

    @property
    def shape(self):
        """Extents of the axes."""
        return shape_tuple(self.value.get().shape)

    @property
    def ndim(self):
        """Number of axes."""
        return self.value.get().shape.size()

    @property
    def dtype(self):
        """Element type; compares with strings and NumPy's types."""
        return dtype_object(self.value.get().dtype)

    @property
    def nbytes(self):
        """Bytes of all elements."""
        return self.value.get().nbytes()

    @property
    def itemsize(self):
        """Bytes of one element."""
        return itemsize(self.value.get().dtype)

    @property
    def device(self):
        """Where it lives: "cpu" or "cuda:0"."""
        return self.value.get().device.name().decode()

    @property
    def is_leaf(self):
        """Whether no recorded operation made it, as far as gradients go."""
        cdef VarNode* node = current(self).get()
        return node.producer.get() == NULL or not node.producer.get().differentiable

    @property
    def realized(self):
        """Whether its value is computed, or about to be."""
        return current(self).get().realized()

    @property
    def origin(self):
        """File and line that made it, as "train.py:41"; empty when unknown."""
        return origin_text(current(self).get()[0]).decode()

    def _describe(self):
        where = self.origin
        text = f"{self.dtype}{shape_text(self.value.get().shape).decode()}"
        return f"{text} from {where}" if where else text

    def __repr__(self):
        cdef VarNode* node = current(self).get()
        if not node.realized():
            kind = f"{self.dtype}{shape_text(node.shape).decode()}"
            return f"Var({kind}, {self.device}, pending: {' ← '.join(self._chain())})"
        text = np.array2string(self.numpy(), separator=", ", prefix="Var(", threshold=1000)
        place = "" if self.device == "cpu" else f", device={self.device}"
        return f"Var({text}, dtype={str(self.dtype)}{place})"

    def _chain(self):
        """Names of the pending operations from here backwards, along first inputs."""
        cdef VarNode* node = current(self).get()
        names = []
        while node.producer.get() != NULL and not node.realized():
            if len(names) == 4:
                return names + ["…"]
            name = op_name(node.producer.get().kind)
            names.append(name.data()[:name.size()].decode().lower())
            if node.producer.get().inputs.size() == 0:
                break
            node = node.producer.get().inputs[0].get()
        return names

    # ---- what it holds ----

    def sync(self, device_sync=False, weak_sync=False):
        """Computes the value and waits for it; returns the Var. (The arguments are Jittor's and change nothing.)"""
        realize(self)
        return self

    def numpy(self):
        """The value as a read-only NumPy array that looks at the Var's own memory; bfloat16 becomes float32."""
        realize(self)
        return array_from_leaf(self.value)

    @property
    def data(self):
        """The value as a read-only NumPy array (Jittor's name)."""
        return self.numpy()

    @data.setter
    def data(self, value):
        put(self, checked(np.asarray(value) if not isinstance(value, Var) else value, "data", "value"), "data")

    def __array__(self, dtype=None, copy=None):
        array = self.numpy()
        if dtype is not None and array.dtype != dtype:
            return array.astype(dtype)
        return array.copy() if copy else array

    def __dlpack__(self, *, stream=None, max_version=None, dl_device=None, copy=None):
        """The value for another library: a copy, as some write to what they were given read-only; copy=False shares."""
        array = self.numpy()
        if copy is False:
            return array.__dlpack__(max_version=max_version)
        return array.copy().__dlpack__()

    def __dlpack_device__(self):
        return (1, 0)

    def item(self):
        """The only element as a Python number."""
        if self.value.get().count() != 1:
            raise ArgumentError(f"item: a var with one element is needed, found {self.value.get().count()}", x=self,
                                help="index it first, or use tolist()")
        realize(self)
        return scalar_from_leaf(self.value)

    def tolist(self):
        """The value as nested lists of Python numbers."""
        return self.numpy().tolist()

    def __bool__(self):
        if self.value.get().count() != 1:
            raise ArgumentError("bool: the truth value of a var with more than one element is ambiguous", x=self,
                                help="use any() or all()")
        return bool(self.item())

    def __int__(self):
        return int(self.item())

    def __float__(self):
        return float(self.item())

    def __complex__(self):
        return complex(self.item())

    def __index__(self):
        if is_floating(self.value.get().dtype):
            raise DtypeError(f"index: an integer var is needed, found {self.dtype}", x=self)
        return int(self.item())

    def __len__(self):
        if self.value.get().shape.size() == 0:
            raise ArgumentTypeError("len: a 0-d var has no length", x=self)
        return self.value.get().shape[0]

    def __iter__(self):
        if self.value.get().shape.size() == 0:
            raise ArgumentTypeError("iter: a 0-d var cannot be iterated over", x=self)
        return (self[i] for i in range(self.value.get().shape[0]))

    def __contains__(self, value):
        return bool((self == value).any())

    def __getitem__(self, key):
        return GET_ITEM(self, key)

    def __setitem__(self, key, value):
        SET_ITEM(self, key, value)

    def __hash__(self):
        return <Py_hash_t>(<uintptr_t><void*>self >> 4)

    def __format__(self, spec):
        return format(self.item(), spec) if spec else repr(self)

    def __copy__(self):
        return wrap(current(self)[0])

    def __deepcopy__(self, memo):
        cdef Var out = wrap(make_detached(current(self)[0]))
        out.value.get().stop_grad = self.value.get().stop_grad
        if self.trainable:
            out.requires_grad_()
        memo[id(self)] = out
        return out

    def __reduce__(self):
        return rebuild, (np.array(self.numpy()), str(self.dtype), self.requires_grad, self.trainable)

    # ---- gradients ----

    @property
    def requires_grad(self):
        """Whether gradients flow through it: floating, and not stopped."""
        cdef VarNode* node = current(self).get()
        return is_floating(node.dtype) and not node.stop_grad

    @requires_grad.setter
    def requires_grad(self, value):
        self.requires_grad_(value)

    def requires_grad_(self, requires_grad=True):
        """Makes it a Var that backward() gives a .grad (True), or stops gradients at it (False)."""
        if not requires_grad:
            return self.stop_grad()
        if not is_floating(self.value.get().dtype):
            raise GradientError(f"requires_grad_: only floating vars have gradients, found {self.dtype}", x=self)
        self.start_grad()
        if not self.trainable:
            self.trainable = True
            self.value.get().trainable = True
            TRAINABLE[self.value.get()] = <void*>self
        return self

    def start_grad(self):
        """Lets gradients flow into it from here on."""
        current(self).get().stop_grad = False
        return self

    def stop_grad(self):
        """Stops gradients at it from here on; what was recorded before is as it was."""
        cdef VarNode* node = current(self).get()
        if self.trainable:
            TRAINABLE.erase(node)
            node.trainable = False
            self.trainable = False
        if node.producer.get() != NULL and node.producer.get().differentiable:
            replace(self, make_detached(self.value))
        self.value.get().stop_grad = True
        return self

    def is_stop_grad(self):
        """Whether gradients stop at it (Jittor's name)."""
        return not self.requires_grad

    @property
    def grad(self):
        """The gradient that backward() left, or None."""
        return self.gradient

    @grad.setter
    def grad(self, value):
        if value is not None and not isinstance(value, Var):
            raise ArgumentTypeError(f"grad: a Var or None is needed, found {type(value).__name__}")
        if value is not None and value.shape != self.shape:
            raise ShapeError("grad: the shape differs from the var's", x=self, grad=value)
        self.gradient = value

    def detach(self):
        """A view without a gradient path."""
        return view_of(self, (ALIAS,))

    def clone(self):
        """A copy, with a gradient path."""
        cdef Refs2 inputs
        inputs.push_back(current(self)[0])
        return wrap(make_node(OpKind.kCopy, inputs, Attrs(), self.value.get().shape, self.value.get().dtype))

    # ---- putting values in ----

    def assign(self, value):
        """Takes over another Var's value, gradient path included; shape and dtype stay (Jittor)."""
        put(self, checked(value, "assign", "value"), "assign")
        return self

    def update(self, value):
        """Takes over another Var's value without its gradient path, as optimizers do (Jittor)."""
        cdef Var v = checked(value, "update", "value")
        cdef VarRef fresh = current(v)[0]
        if not fresh.get().shape == current(self).get().shape:
            raise ShapeError("update: shapes differ", var=self, value=v)
        if fresh.get().dtype != self.value.get().dtype:
            fresh = make_cast(fresh, self.value.get().dtype)
        write_update(self, fresh)
        return self

    def copy_(self, value, non_blocking=False):
        """Takes over values, cast and broadcast (PyTorch)."""
        cdef Var v = checked(value, "copy_", "value")
        cdef VarRef fresh = make_broadcast_to(current(v)[0], current(self).get().shape, b"copy_")
        write(self, make_cast(fresh, self.value.get().dtype) if fresh.get().dtype != self.value.get().dtype else fresh)
        return self

    # ---- operators ----

    def __neg__(self): return wrap(compose_unary(OpKind.kNeg, current(self)[0], b"neg"))
    def __pos__(self): return self
    def __abs__(self): return wrap(compose_unary(OpKind.kAbs, current(self)[0], b"abs"))
    def __invert__(self): return wrap(compose_unary(OpKind.kBitNot, current(self)[0], b"bitwise_not"))

    def __add__(self, other): return binary(OpKind.kAdd, self, other, False, b"add")
    def __radd__(self, other): return binary(OpKind.kAdd, self, other, True, b"add")
    def __iadd__(self, other): return in_place(OpKind.kAdd, self, other, b"add")
    def __sub__(self, other): return binary(OpKind.kSub, self, other, False, b"sub")
    def __rsub__(self, other): return binary(OpKind.kSub, self, other, True, b"sub")
    def __isub__(self, other): return in_place(OpKind.kSub, self, other, b"sub")
    def __mul__(self, other): return binary(OpKind.kMul, self, other, False, b"mul")
    def __rmul__(self, other): return binary(OpKind.kMul, self, other, True, b"mul")
    def __imul__(self, other): return in_place(OpKind.kMul, self, other, b"mul")
    def __truediv__(self, other): return binary(OpKind.kDiv, self, other, False, b"div")
    def __rtruediv__(self, other): return binary(OpKind.kDiv, self, other, True, b"div")
    def __itruediv__(self, other): return in_place(OpKind.kDiv, self, other, b"div")
    def __floordiv__(self, other): return binary(OpKind.kFloorDiv, self, other, False, b"floor_divide")
    def __rfloordiv__(self, other): return binary(OpKind.kFloorDiv, self, other, True, b"floor_divide")
    def __ifloordiv__(self, other): return in_place(OpKind.kFloorDiv, self, other, b"floor_divide")
    def __mod__(self, other): return binary(OpKind.kMod, self, other, False, b"remainder")
    def __rmod__(self, other): return binary(OpKind.kMod, self, other, True, b"remainder")
    def __imod__(self, other): return in_place(OpKind.kMod, self, other, b"remainder")
    def __pow__(self, other, modulo): return binary(OpKind.kPow, self, other, False, b"pow")
    def __rpow__(self, other, modulo): return binary(OpKind.kPow, self, other, True, b"pow")
    def __ipow__(self, other): return in_place(OpKind.kPow, self, other, b"pow")
    def __and__(self, other): return binary(OpKind.kBitAnd, self, other, False, b"bitwise_and")
    def __rand__(self, other): return binary(OpKind.kBitAnd, self, other, True, b"bitwise_and")
    def __iand__(self, other): return in_place(OpKind.kBitAnd, self, other, b"bitwise_and")
    def __or__(self, other): return binary(OpKind.kBitOr, self, other, False, b"bitwise_or")
    def __ror__(self, other): return binary(OpKind.kBitOr, self, other, True, b"bitwise_or")
    def __ior__(self, other): return in_place(OpKind.kBitOr, self, other, b"bitwise_or")
    def __xor__(self, other): return binary(OpKind.kBitXor, self, other, False, b"bitwise_xor")
    def __rxor__(self, other): return binary(OpKind.kBitXor, self, other, True, b"bitwise_xor")
    def __ixor__(self, other): return in_place(OpKind.kBitXor, self, other, b"bitwise_xor")
    def __lshift__(self, other): return binary(OpKind.kShiftLeft, self, other, False, b"left_shift")
    def __rlshift__(self, other): return binary(OpKind.kShiftLeft, self, other, True, b"left_shift")
    def __ilshift__(self, other): return in_place(OpKind.kShiftLeft, self, other, b"left_shift")
    def __rshift__(self, other): return binary(OpKind.kShiftRight, self, other, False, b"right_shift")
    def __rrshift__(self, other): return binary(OpKind.kShiftRight, self, other, True, b"right_shift")
    def __irshift__(self, other): return in_place(OpKind.kShiftRight, self, other, b"right_shift")
    def __eq__(self, other): return binary(OpKind.kEq, self, other, False, b"eq")
    def __ne__(self, other): return binary(OpKind.kNe, self, other, False, b"ne")
    def __lt__(self, other): return binary(OpKind.kLt, self, other, False, b"lt")
    def __le__(self, other): return binary(OpKind.kLe, self, other, False, b"le")
    def __gt__(self, other): return binary(OpKind.kGt, self, other, False, b"gt")
    def __ge__(self, other): return binary(OpKind.kGe, self, other, False, b"ge")

    def __matmul__(self, other):
        if not isinstance(other, (Var, np.ndarray)):
            return NotImplemented
        return wrap(compose_matmul(current(self)[0], value_of(other, "matmul", "b")))

    def __rmatmul__(self, other):
        if not isinstance(other, np.ndarray):
            return NotImplemented
        return wrap(compose_matmul(value_of(other, "matmul", "a"), current(self)[0]))

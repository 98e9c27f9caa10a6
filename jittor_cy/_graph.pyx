# cython: language_level=3
# distutils: language = c++
"""Construction of graph nodes, one thin call each: Vars and Python numbers in, Vars out; nothing runs."""
from libc.stdint cimport int64_t, uint16_t, uint32_t, uintptr_t
from libcpp.vector cimport vector

from jittor_cy._convert cimport dtype_code, dtype_object, to_ints, to_shape
from jittor_cy._runtime cimport (
    Attrs,
    CodeEntry,
    Dtype,
    Dtypes2,
    GradientCallback,
    GradientReport,
    Ints6,
    OpKind,
    ReduceKind,
    Refs2,
    ScanKind,
    Shapes2,
    VarNode,
    VarRef,
    check_size,
    compose_contraction,
    compose_mean,
    compose_reduce,
    compose_unary,
    compose_variance,
    compose_where,
    gradient_callback,
    is_floating,
    itemsize,
    kOpKindCount,
    make_broadcast,
    make_broadcast_to,
    make_cast,
    make_code,
    make_concat,
    make_full,
    make_full_int,
    make_function,
    make_insert,
    make_iota,
    make_pad,
    make_random,
    make_reindex,
    make_reindex_reduce,
    make_reshape,
    make_scan,
    make_slice,
    make_transpose,
    op_name,
    promote,
)
cimport jittor_cy._runtime as _runtime
from jittor_cy._var cimport Var, binary as binary_of, call_gradient, checked, current, optional, value_of, wrap

from jittor_cy.errors import ArgumentTypeError

cdef dict KINDS = {op_name(<OpKind><uint16_t>code).data()[:op_name(<OpKind><uint16_t>code).size()].decode(): code
                   for code in range(kOpKindCount)}
cdef dict REDUCTIONS = {"sum": 0, "prod": 1, "max": 2, "min": 3, "argmax": 4, "argmin": 5}
cdef dict SCANS = {"sum": 0, "prod": 1}  # ScanKind in runtime/graph/op_kind.h


cdef Refs2 refs(object values, str function) except *:
    cdef Refs2 out
    for i, value in enumerate(values):
        out.push_back(value_of(value, function, f"input {i}"))
    return out


cdef OpKind kind_of_name(str kind) except *:
    return <OpKind><uint16_t><int>KINDS[kind]


# ---- element by element ----

def unary(str kind, x, str function):
    name = function.encode()
    return wrap(compose_unary(kind_of_name(kind), value_of(x, function, "x"), name))


def binary(str kind, a, b, str function):
    name = function.encode()
    cdef OpKind code = kind_of_name(kind)
    if isinstance(a, Var):
        result = binary_of(code, <Var>a, b, False, name)
    elif isinstance(b, Var):
        result = binary_of(code, <Var>b, a, True, name)
    else:
        result = binary_of(code, checked(a, function, "the first argument"), b, False, name)
    if result is NotImplemented:
        wrong = b if isinstance(a, Var) else a
        raise ArgumentTypeError(f"{function}: a Var or a number is needed, found {type(wrong).__name__}",
                                help="make a Var with jt.array(...)")
    return result


def where(Var condition not None, Var a not None, Var b not None):
    return wrap(compose_where(current(condition)[0], current(a)[0], current(b)[0]))


def cast(Var x not None, dtype, str function="cast"):
    return wrap(make_cast(current(x)[0], dtype_code(dtype, function)))


def result_dtype(Var a not None, Var b not None):
    return dtype_object(promote(current(a).get().dtype, current(b).get().dtype))


def copy(Var x not None):
    return x.clone()


# ---- sources ----

cdef Ints6 source_shape(object shape, Dtype code, str function) except *:
    cdef Ints6 sizes = to_shape(shape, function)
    name = function.encode()
    check_size(name, sizes, itemsize(code))
    return sizes


def full(shape, dtype, value):
    cdef Dtype code = dtype_code(dtype, "full")
    cdef Ints6 sizes = source_shape(shape, code, "full")
    if is_floating(code) or isinstance(value, float):
        return wrap(make_full(sizes, code, value))
    return wrap(make_full_int(sizes, code, value))


def iota(shape, dtype, int axis, double start, double step):
    cdef Dtype code = dtype_code(dtype, "arange")
    return wrap(make_iota(source_shape(shape, code, "arange"), code, axis, start, step))


def random(shape, dtype, int64_t seed, int64_t counter):
    cdef Dtype code = dtype_code(dtype, "rand")
    return wrap(make_random(source_shape(shape, code, "rand"), code, seed, counter))


# ---- movement ----

def broadcast_to(Var x not None, shape, str function="broadcast_to"):
    name = function.encode()
    return wrap(make_broadcast_to(current(x)[0], to_shape(shape, function), name))


def broadcast_axes(Var x not None, shape, input_axes):
    return wrap(make_broadcast(current(x)[0], to_shape(shape, "broadcast"), to_ints(input_axes)))


def transpose(Var x not None, perm):
    return wrap(make_transpose(current(x)[0], to_ints(perm)))


def reshape(Var x not None, shape, str function="reshape"):
    name = function.encode()
    return wrap(make_reshape(current(x)[0], to_shape(shape, function), name))


def slice_(Var x not None, start, step, shape):
    return wrap(make_slice(current(x)[0], to_ints(start), to_ints(step), to_ints(shape)))


def pad(Var x not None, low, shape, double value=0.0):
    return wrap(make_pad(current(x)[0], to_ints(low), to_shape(shape, "pad"), value))


def concat(inputs, int axis, str function="concat"):
    name = function.encode()
    return wrap(make_concat(refs(inputs, function), axis, name))


def insert(Var x not None, Var v not None, start, step):
    return wrap(make_insert(current(x)[0], current(v)[0], to_ints(start), to_ints(step)))


cdef Attrs attrs_of(object structure, object scalars) except *:
    cdef Attrs attrs
    for value in structure:
        attrs.structure.push_back(value)
    for value in scalars:
        if isinstance(value, float):
            attrs.add_float(value)
        else:
            attrs.add_int(value)
    return attrs


def reindex(inputs, structure, scalars, shape, str function):
    name = function.encode()
    return wrap(make_reindex(refs(inputs, function), attrs_of(structure, scalars), to_shape(shape, function), name))


def reindex_reduce(inputs, structure, scalars, shape, str function):
    name = function.encode()
    return wrap(make_reindex_reduce(refs(inputs, function), attrs_of(structure, scalars), to_shape(shape, function),
                                    name))


# ---- reductions ----

def reduce(str kind, Var x not None, uint32_t axes, bint keepdims, str function):
    name = function.encode()
    return wrap(compose_reduce(<ReduceKind><unsigned char><int>REDUCTIONS[kind], current(x)[0], axes, keepdims, name))


def mean(Var x not None, uint32_t axes, bint keepdims):
    return wrap(compose_mean(current(x)[0], axes, keepdims))


def variance(Var x not None, uint32_t axes, bint keepdims, double correction):
    return wrap(compose_variance(current(x)[0], axes, keepdims, correction))


def scan(str kind, Var x not None, int64_t axis, str function):
    name = function.encode()
    cdef VarRef no_factor
    return wrap(make_scan(current(x)[0], no_factor, <ScanKind><unsigned char><int>SCANS[kind], axis, False, name))


def contraction(Var a not None, Var b not None, structure, offsets, shape, str function):
    name = function.encode()
    return wrap(compose_contraction(current(a)[0], current(b)[0], attrs_of(structure, offsets),
                                    to_shape(shape, function), name))


# ---- gradients ----

def backward(Var loss not None, Var cotangent, targets, bint release):
    cdef vector[VarRef] wanted
    cdef vector[VarRef] found
    cdef GradientReport report
    cdef Var target
    for value in targets:
        target = checked(value, "grad", "target")
        current(target)
        wanted.push_back(target.hook_source if target.hook_source.get() != NULL else target.value)
    found = _runtime.backward(current(loss)[0], optional(cotangent), wanted, release, &report)
    gradients = [wrap(found[i]) if found[i].get() != NULL else None for i in range(wanted.size())]
    return gradients, [report.unreached[i].decode() for i in range(wanted.size())]


def trained_leaves(Var loss not None):
    """The Vars with requires_grad_() that `loss` depends on differentiably, in the order of their making."""
    from jittor_cy._var import trained_var

    cdef vector[VarNode*] leaves = _runtime.differentiable_leaves(current(loss)[0])
    found = [trained_var(<uintptr_t>leaves[i]) for i in range(leaves.size())]
    return [x for x in found if x is not None]


def set_grad_enabled(bint enabled):
    """Counts nesting: each False needs its True."""
    _runtime.set_grad_enabled(enabled)


def grad_enabled():
    return _runtime.grad_enabled()


def user_function(values, inputs, callback):
    """Copies of `values` whose gradients `callback(cotangents) -> gradients of inputs` gives."""
    cdef Refs2 out = make_function(refs(values, "Function"), refs(inputs, "Function"),
                                   gradient_callback(<void*>callback, call_gradient))
    return [wrap(out[i]) for i in range(out.size())]


def code(inputs, int64_t spec, scalars, shapes, dtypes, callback):
    """Outputs of a user's kernel that register_code() gave the number `spec`."""
    cdef Shapes2 out_shapes
    cdef Dtypes2 out_dtypes
    cdef GradientCallback gradient
    for shape, dtype in zip(shapes, dtypes, strict=True):
        out_shapes.push_back(to_shape(shape, "code"))
        out_dtypes.push_back(dtype_code(dtype, "code"))
    if callback is not None:
        gradient = gradient_callback(<void*>callback, call_gradient)
    cdef Refs2 out = make_code(refs(inputs, "code"), attrs_of((spec,), scalars), out_shapes, out_dtypes, gradient)
    return [wrap(out[i]) for i in range(out.size())]


def register_code(str name, uintptr_t address):
    """The number of a user's entry point."""
    return _runtime.register_code(name.encode(), <CodeEntry>address)


def with_gradient(Var x not None, callback):
    return user_function([x], [x], lambda cotangents: [callback(cotangents[0])])[0]


def set_schedule(number):
    """Ops recorded from now on carry what this number stands for (compiler/ir/schedule.py)."""
    _runtime.set_schedule(number)

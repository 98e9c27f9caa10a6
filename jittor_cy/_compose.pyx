# cython: language_level=3
# distutils: language = c++
"""Layers and updates as one call each: the formulas are the runtime's (graph/compose.h); nothing runs."""
from libc.stdint cimport int64_t, uint32_t

from jittor_cy._convert cimport shape_tuple, to_ints3
from jittor_cy._runtime cimport (
    AdamSpec,
    ConvSpec,
    Ints6,
    SgdSpec,
    VarRef,
    compose_adam,
    compose_attention,
    compose_batch_norm,
    compose_conv,
    compose_conv_transpose,
    compose_cross_entropy,
    compose_dropout,
    compose_embedding,
    compose_gelu,
    compose_layer_norm,
    compose_linear,
    compose_logsumexp,
    compose_matmul,
    compose_pool,
    compose_relu,
    compose_sgd,
    compose_softmax,
    compose_take,
)
cimport jittor_cy._runtime as _runtime
from jittor_cy._var cimport Var, current, optional, value_of, wrap, write_update

from jittor_cy.errors import ArgumentTypeError, ShapeError

cdef dict LOSS_REDUCTIONS = {"none": 0, "mean": 1, "sum": 2}
cdef uint32_t LAST_GROUP = 0


def linear(Var x not None, Var weight not None, Var bias=None):
    return wrap(compose_linear(current(x)[0], current(weight)[0], optional(bias)))


def conv(Var x not None, Var weight not None, Var bias, stride, padding, dilation, int64_t groups=1):
    cdef ConvSpec spec = conv_spec(stride, padding, dilation, groups)
    return wrap(compose_conv(current(x)[0], current(weight)[0], optional(bias), spec))


def conv_transpose(Var x not None, Var weight not None, Var bias, stride, padding, output_padding, dilation,
                   int64_t groups=1):
    cdef ConvSpec spec = conv_spec(stride, padding, dilation, groups)
    return wrap(compose_conv_transpose(current(x)[0], current(weight)[0], optional(bias), spec,
                                       to_ints3(output_padding)))


cdef ConvSpec conv_spec(object stride, object padding, object dilation, int64_t groups) except *:
    cdef ConvSpec spec
    spec.stride, spec.padding, spec.dilation = to_ints3(stride), to_ints3(padding), to_ints3(dilation)
    spec.groups = groups
    return spec


def pool(Var x not None, bint maximum, kernel, stride, padding, bint ceil_mode=False, bint count_include_pad=True):
    return wrap(compose_pool(current(x)[0], maximum, to_ints3(kernel), to_ints3(stride), to_ints3(padding), ceil_mode,
                             count_include_pad))


def batch_norm(Var x not None, Var mean, Var variance, Var weight, Var bias, double eps, bint training):
    cdef VarRef batch_mean
    cdef VarRef batch_variance
    cdef VarRef y = compose_batch_norm(current(x)[0], optional(mean), optional(variance), optional(weight),
                                       optional(bias), eps, training, &batch_mean, &batch_variance)
    if batch_mean.get() == NULL:
        return wrap(y), None, None
    return wrap(y), wrap(batch_mean), wrap(batch_variance)


def layer_norm(Var x not None, normalized_shape, Var weight, Var bias, double eps):
    cdef VarRef value = current(x)[0]
    cdef Ints6 extents = normalized_extents(normalized_shape)
    cdef size_t dims = extents.size()
    cdef size_t ndim = value.get().shape.size()
    cdef bint fits = dims <= ndim
    cdef size_t i
    for i in range(dims):
        fits = fits and value.get().shape[ndim - dims + i] == extents[i]
    if not fits:
        raise ShapeError(f"layer_norm: x is {x.shape}, which does not end in {shape_tuple(extents)}", x=x)
    return wrap(compose_layer_norm(value, <int>dims, optional(weight), optional(bias), eps))


cdef Ints6 normalized_extents(object shape) except *:
    cdef Ints6 extents
    if isinstance(shape, int):
        extents.push_back(shape)
        return extents
    for extent in shape:
        if not isinstance(extent, int):
            break
        extents.push_back(extent)
    if extents.size() == 0 or extents.size() != <size_t>len(shape):
        raise ArgumentTypeError(f"normalized_shape is {shape!r}", help="give one positive integer, or several")
    return extents


def cross_entropy(Var logits not None, Var target not None, Var weight=None, str reduction="mean",
                  int64_t ignore_index=-100, double label_smoothing=0.0):
    return wrap(compose_cross_entropy(current(logits)[0], current(target)[0], optional(weight),
                                      LOSS_REDUCTIONS[reduction], ignore_index, label_smoothing))


def softmax(Var x not None, int axis, bint logarithm=False):
    return wrap(compose_softmax(current(x)[0], axis, logarithm))


def logsumexp(Var x not None, uint32_t axes, bint keepdims):
    return wrap(compose_logsumexp(current(x)[0], axes, keepdims))


def relu(Var x not None):
    return wrap(compose_relu(current(x)[0]))


def gelu(Var x not None, bint tanh_form=False):
    return wrap(compose_gelu(current(x)[0], tanh_form))


def dropout(Var x not None, double p, int64_t seed, int64_t counter):
    return wrap(compose_dropout(current(x)[0], p, seed, counter))


def embedding(Var weight not None, Var index not None):
    return wrap(compose_embedding(current(weight)[0], current(index)[0]))


def take(Var x not None, Var index not None, int axis, str function="take"):
    name = function.encode()
    return wrap(compose_take(current(x)[0], current(index)[0], axis, name))


def matmul(a, b):
    return wrap(compose_matmul(value_of(a, "matmul", "a"), value_of(b, "matmul", "b")))


def attention(Var q not None, Var k not None, Var v not None, Var mask, double scale, double fill, bint causal):
    """One Attention, a row of nothing gives 0; None where that cannot be or flags.fused_attention is off."""
    cdef VarRef y = compose_attention(current(q)[0], current(k)[0], current(v)[0], optional(mask), scale, fill, causal,
                                      True)
    return wrap(y) if y.get() != NULL else None


def sgd_update(Var parameter not None, Var gradient not None, Var momentum_buffer, double lr, double momentum=0.0,
               double dampening=0.0, double weight_decay=0.0, bint nesterov=False, bint maximize=False,
               bint first=False, uint32_t group=0):
    cdef SgdSpec spec
    spec.lr, spec.momentum, spec.dampening, spec.weight_decay = lr, momentum, dampening, weight_decay
    spec.nesterov, spec.maximize, spec.first = nesterov, maximize, first
    cdef VarRef buffer = optional(momentum_buffer)
    cdef VarRef fresh
    cdef VarRef* place = <VarRef*>NULL
    if momentum_buffer is not None:
        place = &buffer
    _runtime.set_grad_enabled(False)
    try:
        fresh = compose_sgd(current(parameter)[0], current(gradient)[0], place, spec, group)
    finally:
        _runtime.set_grad_enabled(True)
    write_update(parameter, fresh)
    if momentum_buffer is not None:
        write_update(momentum_buffer, buffer)


def adam_update(Var parameter not None, Var gradient not None, Var m not None, Var v not None, Var vmax, double lr,
                double beta1, double beta2, double eps, double weight_decay, bint decoupled, bint maximize,
                int64_t step, uint32_t group):
    cdef AdamSpec spec
    spec.lr, spec.beta1, spec.beta2, spec.eps, spec.weight_decay = lr, beta1, beta2, eps, weight_decay
    spec.decoupled, spec.amsgrad, spec.maximize, spec.step = decoupled, vmax is not None, maximize, step
    cdef VarRef first = current(m)[0]
    cdef VarRef second = current(v)[0]
    cdef VarRef largest = optional(vmax)
    cdef VarRef fresh
    cdef VarRef* place = <VarRef*>NULL
    if vmax is not None:
        place = &largest
    _runtime.set_grad_enabled(False)
    try:
        fresh = compose_adam(current(parameter)[0], current(gradient)[0], &first, &second, place, spec, group)
    finally:
        _runtime.set_grad_enabled(True)
    write_update(parameter, fresh)
    write_update(m, first)
    write_update(v, second)
    if vmax is not None:
        write_update(vmax, largest)


def next_update_group():
    global LAST_GROUP
    LAST_GROUP += 1
    return LAST_GROUP

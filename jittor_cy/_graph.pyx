# cython: language_level=3
# distutils: language = c++
"""Construction of graph nodes, one thin call each: Vars and Python numbers in, Vars out; nothing runs."""
import difflib
import os

from libc.stdint cimport int64_t, uint16_t, uint32_t, uintptr_t
from libcpp.vector cimport vector

from jittor_cy._convert cimport dtype_code, dtype_object, to_ints, to_ints3, to_shape
from jittor_cy._runtime cimport (
    AdamSpec,
    Attrs,
    CodeEntry,
    ConvSpec,
    Dtype,
    Dtypes2,
    ExecStats,
    Executor,
    FlushReason,
    GradientCallback,
    GradientReport,
    Ints6,
    OpKind,
    ReduceKind,
    Refs2,
    SgdSpec,
    Shapes2,
    ThreadPool,
    VarNode,
    VarRef,
    check_size,
    compose_adam,
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
    compose_mean,
    compose_pool,
    compose_reduce,
    compose_relu,
    compose_sgd,
    compose_softmax,
    compose_take,
    compose_unary,
    compose_variance,
    compose_where,
    gradient_callback,
    is_floating,
    itemsize,
    kOpKindCount,
    live_ops,
    live_vars,
    make_broadcast,
    make_broadcast_to,
    make_cast,
    make_code,
    make_concat,
    make_contraction,
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
    make_slice,
    make_transpose,
    op_name,
    promote,
)
cimport jittor_cy._runtime as _runtime
from jittor_cy._var cimport Var, binary as binary_of, call_gradient, checked, current, value_of, wrap, write_update

from jittor_cy.errors import ArgumentError, ArgumentTypeError

cdef Executor* EXECUTOR = &Executor.instance()
cdef dict KINDS = {op_name(<OpKind><uint16_t>code).data()[:op_name(<OpKind><uint16_t>code).size()].decode(): code
                   for code in range(kOpKindCount)}
cdef dict REDUCTIONS = {"sum": 0, "prod": 1, "max": 2, "min": 3, "argmax": 4, "argmin": 5}
cdef dict LOSS_REDUCTIONS = {"none": 0, "mean": 1, "sum": 2}
cdef uint32_t LAST_GROUP = 0


cdef VarRef optional(Var x) except *:
    """The value of x, or null where there is none."""
    if x is None:
        return VarRef()
    return current(x)[0]


cdef Refs2 refs(object values, str function) except *:
    cdef Refs2 out
    for i, value in enumerate(values):
        out.push_back(value_of(value, function, f"input {i}"))
    return out


cdef OpKind kind_of_name(str kind) except *:
    return <OpKind><uint16_t><int>KINDS[kind]


# ---- composites ----

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


def layer_norm(Var x not None, int normalized_dims, Var weight, Var bias, double eps):
    return wrap(compose_layer_norm(current(x)[0], normalized_dims, optional(weight), optional(bias), eps))


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


def set_schedule(number):
    """Ops recorded from now on carry what this number stands for (compiler/ir/schedule.py)."""
    _runtime.set_schedule(number)


def next_update_group():
    global LAST_GROUP
    LAST_GROUP += 1
    return LAST_GROUP


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


def cast(Var x not None, dtype):
    return wrap(make_cast(current(x)[0], dtype_code(dtype, "cast")))


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


def contraction(Var a not None, Var b not None, structure, offsets, shape, str function):
    name = function.encode()
    return wrap(make_contraction(current(a)[0], current(b)[0], attrs_of(structure, offsets), to_shape(shape, function),
                                 name))


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


# ---- state of the runtime ----

def flush(targets):
    cdef vector[VarNode*] nodes
    for target in targets:
        if not isinstance(target, Var):
            raise ArgumentTypeError(f"sync: Vars are needed, found {type(target).__name__}")
        nodes.push_back(current(<Var>target).get())
    EXECUTOR.flush(nodes, FlushReason.kRead)


def sync_all():
    EXECUTOR.flush_everything(FlushReason.kSyncAll)
    with nogil:
        EXECUTOR.wait_all()


def pending_ops():
    """How many operations are recorded and not run yet."""
    return _runtime.pending_ops()


def stats():
    cdef ExecStats s = EXECUTOR.stats()
    return {"launches": s.launches, "interpreted_launches": s.interpreted_launches,
            "flushes": s.flushes[0] + s.flushes[1] + s.flushes[2] + s.flushes[3] + s.flushes[4],
            "flushes_read": s.flushes[0], "flushes_sync_all": s.flushes[1], "flushes_window": s.flushes[2],
            "flushes_memory": s.flushes[3], "flushes_eager": s.flushes[4],
            "programs_compiled": s.programs_compiled, "plan_hits": s.plan_hits, "plan_misses": s.plan_misses,
            "plans": EXECUTOR.plan_count(), "runs": s.runs, "runs_inline": s.runs_inline, "ops_run": s.ops_run,
            "waits": s.waits, "recorded_ops": _runtime.recorded_ops(), "pending_ops": _runtime.pending_ops(),
            "live_vars": live_vars(), "live_ops": live_ops()}


def reset_stats():
    """Starts the counts of stats() at zero."""
    EXECUTOR.reset_stats()


# ---- settings and the process ----

cdef int apply_flag(str name, object value) except -1:
    cdef _runtime.RuntimeFlags* to = &_runtime.runtime_flags()
    if name == "fuse":
        to.fuse = value
    elif name == "eager":
        to.eager = value
    elif name == "interpret":
        to.interpret = value
    elif name == "wait_for_kernels":
        to.wait_for_kernels = value
    elif name == "autotune":
        to.autotune = value
    elif name == "compile_at_once":
        to.compile_at_once = value
    elif name == "plan_cache":
        to.plan_cache = value
    elif name == "verify":
        to.verify = value
    elif name == "window_ops":
        to.window_ops = value
    elif name == "window_nbytes":
        to.window_nbytes = value
    return 0


def apply_threads(int count):
    if count > 0 or ThreadPool.instance().threads() != default_threads():
        ThreadPool.instance().set_threads(count if count > 0 else default_threads())


def default_threads():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def apply_isa(str name):
    """Chooses an instruction set; "" the best one. What is pending keeps its meaning, plans are found anew."""
    cdef bytes text = name.encode()
    if not _runtime.set_instruction_set(<const char*>text if name else NULL):
        raise isa_error(name)
    EXECUTOR.clear_plans()


cdef object isa_error(str name):
    known = [found.decode() for found in _runtime.instruction_sets(False)]
    runs = ", ".join([found.decode() for found in _runtime.instruction_sets(True)])
    where = "JTCY_ISA" if os.environ.get("JTCY_ISA") == name else "flags.isa"
    if name in known:
        return ArgumentError(f"{where}: this machine cannot run {name!r}", help=f"it runs {runs}")
    near = difflib.get_close_matches(name, known, n=1)
    guess = f"did you mean {near[0]}? " if near else ""
    return ArgumentError(f"{where}: there is no instruction set {name!r}", help=f"{guess}this machine runs {runs}")


def apply_trace(value):
    level, _, channels = str(value).partition(",")
    _runtime.set_trace(int(level), channels.encode())


def install():
    """Connects settings, origins, waits, forks and exit with the runtime; called once by the package."""
    import atexit
    import copy

    from jittor_cy.config import flags

    _runtime.install_origins((os.path.dirname(__file__) + os.sep).encode(), copy.__file__.encode())
    _runtime.install_wait_hooks()
    for name in ("fuse", "eager", "interpret", "wait_for_kernels", "autotune", "compile_at_once", "plan_cache",
                 "verify", "window_ops", "window_nbytes"):
        flags.listen(name, lambda value, name=name: apply_flag(name, value))
    flags.listen("threads", apply_threads)
    flags.listen("isa", apply_isa)
    flags.listen("debug", apply_trace)
    os.register_at_fork(after_in_child=after_fork)
    atexit.register(stop)


def after_fork():
    EXECUTOR.after_fork()
    ThreadPool.instance().stop()


def stop():
    with nogil:
        EXECUTOR.stop()

"""Which ops share a kernel; and that the answer does not depend on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from jittor_cy.compiler.schedule import heuristic
from tests.jittor_cy.compiler import patterns
from tests.jittor_cy.compiler.harness import MATMUL, Node, Recorder

# Of a sum that costs no more to add up again than to read: heuristic.CHEAP.
MOST_PARTS = 5

SEED = 5
Outputs = tuple[Recorder, list[Node]]


def normal(*shape: int) -> np.ndarray:
    return np.random.default_rng(SEED + len(shape)).normal(size=shape).astype(np.float32)


def softmax() -> Outputs:
    r = Recorder()
    return r, [patterns.softmax(r, r.leaf(normal(37, 300)))]


def layer_norm() -> Outputs:
    r = Recorder()
    x, w, b = r.leaf(normal(33, 200)), r.leaf(normal(200)), r.leaf(normal(200))
    return r, [patterns.layer_norm(r, x, w, b)[0]]


def layer_norm_with_gradient() -> Outputs:
    r = Recorder()
    x, w, b, dy = r.leaf(normal(33, 200)), r.leaf(normal(200)), r.leaf(normal(200)), r.leaf(normal(33, 200))
    y, normalized, scale = patterns.layer_norm(r, x, w, b)
    return r, [y, *patterns.layer_norm_backward(r, dy, w, normalized, scale)]


def batch_norm() -> Outputs:
    r = Recorder()
    return r, list(patterns.batch_norm(r, r.leaf(normal(8, 20, 9, 9)), r.leaf(normal(20)), r.leaf(normal(20))))


def cross_entropy() -> Outputs:
    r = Recorder()
    labels = np.random.default_rng(SEED).integers(0, 30, 50)
    return r, [patterns.cross_entropy(r, r.leaf(normal(50, 30)), r.leaf(labels))]


def variance_of_everything() -> Outputs:
    r = Recorder()
    x = r.leaf(normal(300, 100))
    count = r.full(30000.0, ())
    centred = r.op("Sub", [x, r.broadcast(r.op("Div", [r.reduce(0, x, 0, 2), count]), x.shape, [-1, -1])])
    return r, [r.op("Div", [r.reduce(0, r.op("Mul", [centred, centred]), 0, 2), count])]


def relu_gradient_and_bias() -> Outputs:
    r = Recorder()
    dy, y = r.leaf(normal(700, 130)), r.leaf(normal(700, 130))
    zero = r.full(0.0, y.shape)
    dz = r.op("Where", [r.op("Gt", [y, zero]), dy, zero])
    return r, [dz, r.reduce(0, dz, 0, 1)]


def pointwise_chain() -> Outputs:
    r = Recorder()
    x = y = r.leaf(normal(40, 50))
    for _ in range(20):
        y = r.op("Mul", [r.op("Add", [y, x]), x])
    return r, [y]


def reshape_for_a_matrix() -> Outputs:
    r = Recorder()
    x = r.leaf(normal(20, 6, 5, 5))
    return r, [r.op("Reshape", [r.op("Neg", [x])], (20, 150))]


ONE_KERNEL = [
    softmax,
    layer_norm,
    layer_norm_with_gradient,
    batch_norm,
    cross_entropy,
    variance_of_everything,
    relu_gradient_and_bias,
    pointwise_chain,
    reshape_for_a_matrix,
]


@pytest.mark.parametrize("make", ONE_KERNEL, ids=lambda f: f.__name__)
def test_known_layer_is_one_launch(make: Callable[[], Outputs]) -> None:
    r, outputs = make()

    program = r.compile(outputs)

    assert len(program.launches) == 1


@pytest.mark.parametrize("make", ONE_KERNEL, ids=lambda f: f.__name__)
def test_fused_kernel_has_the_bits_of_single_ops(make: Callable[[], Outputs], tmp_path: Path) -> None:
    r, outputs = make()

    unfused = r.run(outputs, tmp_path, fuse=False)
    fused = r.run(outputs, tmp_path, cuts=3)

    for a, b in zip(fused, unfused, strict=True):
        np.testing.assert_array_equal(a, b)


def test_softmax_is_right(tmp_path: Path) -> None:
    r, outputs = softmax()
    x = r.leaves[0].data.astype(np.float64)

    (y,) = r.run(outputs, tmp_path)

    e = np.exp(x - x.max(1, keepdims=True))
    np.testing.assert_allclose(y, e / e.sum(1, keepdims=True), rtol=2e-6)


def test_batch_norm_is_right(tmp_path: Path) -> None:
    r, outputs = batch_norm()
    x, weight, bias = (leaf.data.astype(np.float64) for leaf in r.leaves)

    y, mean, variance = r.run(outputs, tmp_path)

    np.testing.assert_allclose(mean, x.mean((0, 2, 3)), atol=1e-6)
    np.testing.assert_allclose(variance, x.var((0, 2, 3)), rtol=1e-5)
    scale = 1 / np.sqrt(x.var((0, 2, 3), keepdims=True) + 1e-5)
    expected = (x - x.mean((0, 2, 3), keepdims=True)) * scale * weight[:, None, None] + bias[:, None, None]
    np.testing.assert_allclose(y, expected, atol=2e-5)


def test_cross_entropy_is_right(tmp_path: Path) -> None:
    r, outputs = cross_entropy()
    x, labels = r.leaves[0].data.astype(np.float64), r.leaves[1].data

    (loss,) = r.run(outputs, tmp_path)

    log_probability = x - np.log(np.exp(x).sum(1, keepdims=True))
    np.testing.assert_allclose(loss, -log_probability[np.arange(50), labels].mean(), rtol=1e-6)


def test_layer_norm_gradient_is_right(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    r, outputs = layer_norm_with_gradient()
    x, w, b, dy = (torch.tensor(leaf.data, dtype=torch.float64, requires_grad=True) for leaf in r.leaves)
    expected = torch.nn.functional.layer_norm(x, (200,), w, b, 1e-5)
    expected.backward(dy.detach())

    y, dx, dw, db = r.run(outputs, tmp_path)

    for got, want in ((y, expected.detach()), (dx, x.grad), (dw, w.grad), (db, b.grad)):
        np.testing.assert_allclose(got, want.numpy(), atol=3e-5)


def test_costly_value_of_two_kernels_is_stored_once() -> None:
    r = Recorder()
    x = r.leaf(normal(50, 60))
    e = r.op("Exp", [x])
    outputs = [r.op("Transpose", [r.op("Neg", [e])], (60, 50), structure=[1, 0]), r.reduce(0, e, 0, 1)]

    program = r.compile(outputs)

    kinds = [[r.ops[o][0] for o in launch.ops].count("Exp") for launch in program.launches]
    assert sum(kinds) == 1


@pytest.mark.parametrize("layers", [3, 12])
def test_running_sum_of_layers_is_not_added_up_again_by_each(layers: int) -> None:
    r = Recorder()
    x = r.leaf(np.ones((20, 30), np.float32))
    w = r.leaf(np.ones((30, 30), np.float32))
    for _ in range(layers):
        total = r.op("Reduce", [x], (20,), structure=(0, 1, 2))
        scaled = r.op("Mul", [x, r.op("Broadcast", [total], (20, 30), structure=(0, -1))])
        x = r.op("Add", [x, r.op("Contraction", [scaled, w], (20, 30), structure=MATMUL, scalars=(0, 0, 0, 0))])

    program = r.compile([x])

    inputs = [len(launch.buffers) - launch.output_count for launch in program.launches if launch.kernel]
    assert max(inputs) <= MOST_PARTS


def test_reductions_behind_a_product_share_a_kernel_whatever_one_of_them_needs_of_the_kernel_before() -> None:
    r = Recorder()
    x, w = r.leaf(normal(20, 30)), r.leaf(normal(30, 30))
    mean = r.op("Div", [r.reduce(0, x, 1, 2), r.full(30.0, (20,))])
    centred = r.op("Sub", [x, r.broadcast(mean, x.shape, [0, -1])])
    squares = r.op("Mul", [centred, centred])
    dy = r.op("Contraction", [squares, w], (20, 30), structure=MATMUL, scalars=(0, 0, 0, 0))
    total = r.reduce(0, dy, 1, 2)
    along = r.reduce(0, r.op("Mul", [dy, centred]), 1, 2)
    outputs = [total, r.op("Sub", [centred, r.broadcast(along, x.shape, [0, -1])])]

    program = r.compile(outputs)

    kinds = [[r.ops[o][0] for o in launch.ops] for launch in program.launches]
    assert [ops.count("Reduce") for ops in kinds] == [1, 0, 2]


def test_cheap_value_of_two_kernels_is_computed_twice() -> None:
    r = Recorder()
    x = r.leaf(normal(50, 60))
    doubled = r.op("Add", [x, x])
    outputs = [r.op("Transpose", [doubled], (60, 50), structure=[1, 0]), r.reduce(0, r.op("Neg", [doubled]), 0, 1)]

    program = r.compile(outputs)

    written = [v for launch in program.launches for v in launch.buffers[-launch.output_count :]]
    assert sorted(written) == sorted(r.number(o) for o in outputs)


def test_long_chain_is_cut_at_the_limit_of_ops(tmp_path: Path) -> None:
    r = Recorder()
    x = y = r.leaf(normal(10, 10) * 1e-3)
    for _ in range(300):
        y = r.op("Add", [y, x])

    program = r.compile([y])
    (value,) = r.run([y], tmp_path)

    assert len(program.launches) == 3
    assert max(len(launch.ops) for launch in program.launches) <= heuristic.MAX_OPS
    expected = x.data.copy()
    for _ in range(300):
        expected = expected + x.data
    np.testing.assert_array_equal(value, expected)


def test_sum_of_many_inputs_is_cut_at_the_limit_of_buffers(tmp_path: Path) -> None:
    r = Recorder()
    leaves = [r.leaf(np.full((5, 5), float(i), np.float32)) for i in range(60)]
    total = leaves[0]
    for leaf in leaves[1:]:
        total = r.op("Add", [total, leaf])

    program = r.compile([total])
    (value,) = r.run([total], tmp_path)

    assert max(len(launch.buffers) for launch in program.launches) <= heuristic.MAX_BUFFERS
    np.testing.assert_array_equal(value, np.full((5, 5), sum(range(60)), np.float32))


def test_refusal_has_words_unless_the_kernel_is_shared_in_another_way() -> None:
    """A sum over all rows is no part of the rows' loop; it may run beside it."""
    r, (y,) = softmax()
    columns = [r.reduce(0, y, 0, 1)]

    apart, beside = r.compile(columns, without=frozenset({"beside"})), r.compile(columns)

    assert len(apart.launches) == 2
    assert any("outer axes differ" in note for note in apart.notes)
    assert len(beside.launches) == 1
    assert beside.notes == ()


def test_updates_of_equal_structure_are_one_batch(tmp_path: Path) -> None:
    r = Recorder()
    outputs = []
    for shape in ((40, 50), (50,), (30, 40, 5)):
        state = [r.leaf(np.abs(normal(*shape))) for _ in range(4)]
        outputs += patterns.adam(r, *state, group=7)

    program = r.compile(outputs)
    values = r.run(outputs, tmp_path)

    assert len(program.launches) == 3
    assert {launch.batch for launch in program.launches} == {1}
    assert len({launch.kernel for launch in program.launches}) == 1
    g, v = r.leaves[1].data, r.leaves[3].data
    f = np.float32
    np.testing.assert_array_equal(values[2], v * f(0.99) + (g * g) * f(0.01))


def test_updates_that_share_a_number_alone_are_a_batch_of_launches() -> None:
    r = Recorder()
    outputs = []
    scale = r.full(0.5, (40, 50))
    for _ in range(3):
        p, g, m, v = (r.leaf(np.abs(normal(40, 50))) for _ in range(4))
        outputs += patterns.adam(r, p, r.op("Mul", [scale, g]), m, v, group=7)

    program = r.compile(outputs)

    assert len(program.launches) == 3
    assert len({launch.kernel for launch in program.launches}) == 1


def test_updates_of_two_groups_stay_apart() -> None:
    r = Recorder()
    p, g, m, v = (r.leaf(np.abs(normal(40, 50))) for _ in range(4))
    first = patterns.adam(r, p, g, m, v, group=1)
    second = patterns.adam(r, first[0], g, first[1], first[2], group=2)

    program = r.compile(second)

    assert len(program.launches) == 2

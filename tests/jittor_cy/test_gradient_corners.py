"""Gradients where formulas break: zeros, ties, bounds, NaN, repeated places. The values are PyTorch's, worked out."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import jittor_cy as jt
from jittor_cy import nn

NAN, INF = math.nan, math.inf
HALF = 0.5

Numbers = Any
# (name, function, inputs, gradients of the sum of the results, one an input)
Row = tuple[str, Callable[..., jt.Var], Sequence[Numbers], Sequence[Numbers]]

ELEMENTWISE: list[Row] = [
    (
        "where drops NaN of the branch not taken",
        lambda x, y: jt.where(x > 0, x, y),
        [[1.0, -1.0], [NAN, 2.0]],
        [[1, 0], [0, 1]],
    ),
    # A NaN slope inside a branch that is not taken is 0 * NaN: PyTorch's answer is NaN as well.
    ("where keeps a NaN slope", lambda x: jt.where(x > 0, jt.sqrt(x), 0.0), [[4.0, -1.0]], [[0.25, NAN]]),
    ("sqrt at 0", jt.sqrt, [[0.0, 4.0, INF]], [[INF, 0.25, 0]]),
    ("rsqrt at 0", jt.rsqrt, [[0.0, 4.0]], [[-INF, -1 / 16]]),
    ("abs at 0", jt.abs, [[0.0, -0.0, -2.0, -INF]], [[0, 0, -1, -1]]),
    ("sign", jt.sign, [[0.0, 2.0]], [[0, 0]]),
    ("log at 0", jt.log, [[0.0, 2.0]], [[INF, HALF]]),
    ("relu at 0", nn.relu, [[0.0, -1.0, 1.0]], [[0, 0, 1]]),
    ("relu6 at its bounds", nn.relu6, [[0.0, 6.0, 3.0]], [[0, 0, 1]]),
    ("hardsigmoid at its bounds", nn.hardsigmoid, [[-3.0, 3.0, 0.0]], [[0, 0, 1 / 6]]),
    ("hardswish at its bounds", nn.hardswish, [[-3.0, 3.0, 0.0, INF]], [[0, 1, HALF, 1]]),
    ("softplus far out", nn.softplus, [[1e4, -1e4, 0.0]], [[1, 0, HALF]]),
    ("elu far out", nn.elu, [[1e4, -1e4]], [[1, 0]]),
    ("sigmoid far out", jt.sigmoid, [[INF, -INF, 0.0]], [[0, 0, 0.25]]),
    ("tanh far out", jt.tanh, [[INF, -INF, 0.0]], [[0, 0, 1]]),
    # d a^b = b a^(b-1) da + a^b log(a) db, with 0 for da where b is 0, and 0 for db where a is 0 and b >= 0
    ("pow of 0", jt.pow, [[0.0, 0.0, 0.0, 0.0], [0.0, 1.0, 2.0, HALF]], [[0, 1, 0, INF], [0, 0, 0, 0]]),
    ("pow to 0", jt.pow, [[2.0, -2.0], [0.0, 0.0]], [[0, 0], [math.log(2), NAN]]),
    ("pow of a negative base", jt.pow, [[-2.0, -2.0], [3.0, 2.0]], [[12, -4], [NAN, NAN]]),
    ("pow to a number", lambda x: x**3, [[0.0, -2.0]], [[0, 12]]),
    ("pow of a number", lambda x: 0.0**x, [[2.0, 0.0]], [[0, 0]]),
    ("maximum of a tie", jt.maximum, [[1.0, 2.0, 0.0], [1.0, 1.0, 1.0]], [[HALF, 1, 0], [HALF, 0, 1]]),
    ("minimum of a tie", jt.minimum, [[1.0, 2.0, 0.0], [1.0, 1.0, 1.0]], [[HALF, 0, 1], [HALF, 1, 0]]),
    ("clamp at its bounds", lambda x: jt.clamp(x, -1, 1), [[-1.0, 1.0, 0.0, 2.0, -3.0]], [[1, 1, 1, 0, 0]]),
    ("clamp with one bound", lambda x: jt.clamp(x, min=0), [[0.0, -1.0, 1.0]], [[1, 0, 1]]),
    ("clamp to vars", jt.clamp, [[0.0, 2.0, -2.0], [0.0] * 3, [1.0] * 3], [[1, 0, 0], [0, 0, 1], [0, 1, 0]]),
    ("atan2 at the origin", jt.atan2, [[0.0, 0.0, 1.0], [0.0, 2.0, 0.0]], [[0, HALF, 0], [0, 0, -1]]),
    ("mod", lambda a, b: a % b, [[5.0, -5.0], [3.0, 3.0]], [[1, 1], [-1, 2]]),
]

REDUCTIONS: list[Row] = [
    ("max of ties", lambda x: x.max(1), [[[2.0, 2, 1], [3, 1, 2]]], [[[HALF, HALF, 0], [1, 0, 0]]]),
    ("max with NaN", lambda x: x.max(1), [[[1.0, NAN, 2], [NAN, NAN, 1]]], [[[0, 1, 0], [HALF, HALF, 0]]]),
    ("min with NaN", lambda x: x.min(1), [[[1.0, NAN, 2], [3, 1, 2]]], [[[0, 1, 0], [0, 1, 0]]]),
    ("max of infinities", lambda x: x.max(), [[-INF, -INF]], [[HALF, HALF]]),
    ("max over axes apart", lambda x: x.max((0, 2)), [[[[1.0, 1]], [[1, 0]]]], [[[[1 / 3, 1 / 3]], [[1 / 3, 0]]]]),
    ("prod by zeros", lambda x: x.prod(1), [[[1.0, 2, 3], [0, 2, 3], [0, 0, 3]]], [[[6, 3, 2], [6, 0, 0], [0, 0, 0]]]),
    ("prod with infinities", lambda x: x.prod(), [[INF, 2.0, 3.0]], [[6, INF, INF]]),
    ("prod that underflows", lambda x: x.prod(), [[1e-200, 1e-200, 1e300]], [[1e100, 1e100, 0]]),
    ("prod of one", lambda x: x.prod(0), [[[0.0, 5.0]]], [[[1, 1]]]),
    ("prod of none", lambda x: x.prod(0), [np.zeros((0, 2))], [np.zeros((0, 2))]),
    ("norm at 0", lambda x: jt.norm(x, dim=1), [[[0.0, 0], [3, 4]]], [[[0, 0], [0.6, 0.8]]]),
    ("norm 3 at 0", lambda x: jt.norm(x, 3, 1), [[[0.0, 0], [0, 2]]], [[[0, 0], [0, 1]]]),
    ("norm 1/2 at 0", lambda x: jt.norm(x, HALF, 1), [[[0.0, 0], [0, 2]]], [[[0, 0], [0, 1]]]),
    ("norm -1 at 0", lambda x: jt.norm(x, -1, 1), [[[0.0, 2], [2, 2]]], [[[0, 0], [0.25, 0.25]]]),
    ("norm 1 at 0", lambda x: jt.norm(x, 1), [[0.0, -2.0]], [[0, -1]]),
    ("norm inf of ties", lambda x: jt.norm(x, INF), [[2.0, -2.0, 1.0]], [[HALF, -HALF, 0]]),
    ("normalize at 0", lambda x: nn.functional.normalize(x, eps=0.5), [[[0.0, 0.0]]], [[[2, 2]]]),
    ("std of equals", lambda x: x.std(1), [[[1.0, 1, 1], [0, 1, 2]]], [[[0, 0, 0], [-HALF, 0, HALF]]]),
    ("std of one", lambda x: x.std(0, unbiased=False), [[3.0]], [[0]]),
    ("var of one", lambda x: x.var(0, unbiased=False), [[3.0]], [[0]]),
    ("var of one, unbiased", lambda x: x.var(0), [[3.0]], [[NAN]]),
    ("softmax with -inf", lambda x: jt.softmax(x, 0)[1], [[-INF, 0.0, 0.0]], [[0, 0.25, -0.25]]),
    ("softmax of -inf alone", lambda x: jt.softmax(x, 0), [[-INF, -INF]], [[NAN, NAN]]),
    ("log_softmax with -inf", lambda x: jt.log_softmax(x, 0)[1], [[-INF, 0.0, 0.0]], [[0, HALF, -HALF]]),
    ("logsumexp with -inf", lambda x: jt.logsumexp(x, 0), [[-INF, 0.0, 0.0]], [[0, HALF, HALF]]),
    ("cumsum", lambda x: jt.cumsum(x, 0), [[1.0, 0.0, 3.0]], [[3, 2, 1]]),
    ("cumprod with a zero", lambda x: jt.cumprod(x, 0), [[2.0, 0.0, 3.0]], [[1, 2 + 6, 0]]),
    ("mean of none", lambda x: x.mean(), [np.zeros((0, 3))], [np.zeros((0, 3))]),
]

PLACES: list[Row] = [
    ("gather twice", lambda x: jt.gather(x, 0, jt.array([0, 0, 2])), [[1.0, 2, 3]], [[2, 0, 1]]),
    ("index twice", lambda x: x[jt.array([0, 2, 0, -1])], [[1.0, 2, 3]], [[2, 0, 2]]),
    ("mask", lambda x: x[x > 1], [[1.0, 2, 3]], [[0, 1, 1]]),
    ("embedding twice", lambda w: nn.embedding(jt.array([1, 1]), w), [[[1.0], [2]]], [[[0], [2]]]),
    ("sort", lambda x: jt.sort(x).values * jt.array([1.0, 2, 3]), [[3.0, 1, 2]], [[3, 1, 2]]),
    ("sort of ties is stable", lambda x: jt.sort(x).values * jt.array([1.0, 2, 3]), [[1.0, 0, 1]], [[2, 1, 3]]),
    ("topk", lambda x: jt.topk(x, 2).values * jt.array([1.0, 2]), [[3.0, 1, 4]], [[2, 0, 1]]),
    ("median", lambda x: jt.median(x), [[4.0, 1, 3, 2]], [[0, 0, 0, 1]]),
    ("median with NaN", lambda x: jt.median(x), [[4.0, NAN, 3, 2]], [[0, 1, 0, 0]]),
    (
        "scatter of equal places",
        lambda x, s: jt.scatter(x, 0, jt.array([1, 1]), s),
        [[1.0, 2, 3], [4.0, 5]],
        [[1, 0, 1], [0, 1]],
    ),
    (
        "scatter_add",
        lambda x, s: jt.scatter_add(x, 0, jt.array([1, 1]), s),
        [[1.0, 2, 3], [4.0, 5]],
        [[1, 1, 1], [1, 1]],
    ),
    (
        "scatter by products with a zero",
        lambda x, s: jt.scatter(x, 0, jt.array([0, 0]), s, "multiply"),
        [[2.0, 1], [0.0, 5]],
        [[0, 1], [10, 0]],
    ),
    (
        "scatter by maxima with NaN",
        lambda x, s: jt.scatter(x, 0, jt.array([0, 0]), s, "maximum"),
        [[-1.0, 1], [NAN, 5]],
        [[1, 1], [1, 0]],
    ),
    ("expand to no rows", lambda x: x.expand(0, 2), [[[1.0, 2]]], [[[0, 0]]]),
    ("add of no rows", lambda x, y: x + y, [[[1.0, 2]], np.zeros((0, 2))], [[[0, 0]], np.zeros((0, 2))]),
    (
        "matmul over no axis",
        lambda a, b: a @ b,
        [np.zeros((2, 0)), np.zeros((0, 3))],
        [np.zeros((2, 0)), np.zeros((0, 3))],
    ),
    (
        "concat with nothing",
        lambda a, b: jt.concat([a, b]),
        [np.zeros((0, 2)), [[1.0, 2]]],
        [np.zeros((0, 2)), [[1, 1]]],
    ),
]

LOSSES: list[Row] = [
    (
        "cross_entropy with -inf",
        lambda x: nn.cross_entropy(x, jt.array([1])),
        [[[-INF, 0.0, 0.0]]],
        [[[0, -HALF, HALF]]],
    ),
    (
        "logits at 0",
        lambda x: nn.functional.binary_cross_entropy_with_logits(x, jt.array([0.0, 1.0]), reduction="sum"),
        [[0.0, 0.0]],
        [[HALF, -HALF]],
    ),
    # (x - t) / (x (1 - x)); the denominator is at least 1e-12
    (
        "certain probabilities",
        lambda x: nn.functional.binary_cross_entropy(x, jt.array([0.0, 1, 1]), reduction="sum"),
        [[HALF, 1.0, 0.0]],
        [[2, -1, -1e12]],
    ),
    ("l1 of equals", lambda x: nn.functional.l1_loss(x, jt.array([1.0, 0.0]), reduction="sum"), [[1.0, 2.0]], [[0, 1]]),
    (
        "kl_div of a target without chance",
        lambda x: nn.functional.kl_div(x, jt.array([0.0, 1.0]), reduction="sum"),
        [[0.0, 0.0]],
        [[0, -1]],
    ),
]


def first_order(function: Callable[..., jt.Var], inputs: Sequence[Numbers]) -> list[jt.Var]:
    variables = [jt.array(np.asarray(x, np.float64)) for x in inputs]
    return jt.grad(function(*variables).sum(), variables)


@pytest.mark.parametrize(
    "function,inputs,expected",
    [row[1:] for row in (*ELEMENTWISE, *REDUCTIONS, *PLACES, *LOSSES)],
    ids=[row[0] for row in (*ELEMENTWISE, *REDUCTIONS, *PLACES, *LOSSES)],
)
def test_gradient(function: Callable[..., jt.Var], inputs: Sequence[Numbers], expected: Sequence[Numbers]) -> None:
    found = first_order(function, inputs)

    for gradient, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(gradient.numpy(), np.asarray(wanted, np.float64), rtol=1e-9, atol=1e-12)


def attention(x: jt.Var, mask: Any) -> jt.Var:
    return nn.functional.scaled_dot_product_attention(x, x, x, jt.array(np.asarray(mask)))


@pytest.mark.parametrize("mask", [[[True, False], [False, False]], [[0.0, -INF], [-INF, -INF]]], ids=["bool", "added"])
def test_attention_of_a_row_that_attends_nothing_is_zero_and_spoils_no_gradient(mask: Any) -> None:
    x = jt.array(np.array([[1.0, 2.0], [3.0, 4.0]]))

    y = attention(x, mask)
    found = jt.grad(y.sum(), x)

    assert y.tolist() == [[1.0, 2.0], [0.0, 0.0]]
    assert found.tolist() == [[1.0, 1.0], [0.0, 0.0]]  # the first row is the first value alone


SECOND: list[tuple[str, Callable[[jt.Var], jt.Var], Numbers, Numbers]] = [
    # d(yz + xz + xy)/dx = y + z
    ("prod without zeros", lambda x: x.prod(), [1.0, 2.0, 3.0], [5, 4, 3]),
    ("prod with one zero", lambda x: x.prod(), [0.0, 2.0, 3.0], [5, 3, 2]),
    ("prod with two zeros", lambda x: x.prod(), [0.0, 0.0, 3.0], [3, 3, 0]),
    ("prod with three zeros", lambda x: x.prod(), [0.0, 0.0, 0.0], [0, 0, 0]),
    ("prod of rows", lambda x: x.prod(1), [[0.0, 2.0, 3.0], [0.0, 0.0, 3.0]], [[5, 3, 2], [3, 3, 0]]),
    ("prod of columns", lambda x: x.prod(0), [[0.0, 0.0], [2.0, 0.0], [3.0, 3.0]], [[5, 3], [3, 3], [2, 0]]),
    # x + xy + xyz has the gradients 1 + y + yz, x + xz, xy: their sum has 1 + z + y, 1 + z + x, y + x
    ("cumprod with a zero", lambda x: jt.cumprod(x, 0), [0.0, 2.0, 3.0], [6, 4, 2]),
    # as prod of (2, 0, 5), of which 2 is x and the others are put
    (
        "scattered products with a zero",
        lambda x: jt.scatter(x[:1], 0, jt.array([0, 0]), x[1:], "multiply"),
        [2.0, 0.0, 5.0],
        [5, 7, 2],
    ),
    (
        "scattered products with two zeros",
        lambda x: jt.scatter(x[:1], 0, jt.array([0, 0]), x[1:], "multiply"),
        [2.0, 0, 0],
        [0, 2, 2],
    ),
    ("std of equals", lambda x: x.std(), [1.0, 1.0], [0, 0]),
    # softplus'' = 1/4
    (
        "logits at 0",
        lambda x: nn.functional.binary_cross_entropy_with_logits(x, jt.array([0.0]), reduction="sum"),
        [0.0],
        [0.25],
    ),
    ("huber at 0", lambda x: nn.functional.huber_loss(x, x.detach() * 0, reduction="sum"), [0.0, 2.0], [1, 0]),
    ("pow to a number", lambda x: x**3, [0.0, 2.0], [0, 12]),
    ("abs at 0", lambda x: x.abs(), [0.0, 1.0], [0, 0]),
]


@pytest.mark.parametrize("function,x,expected", [row[1:] for row in SECOND], ids=[row[0] for row in SECOND])
def test_gradient_of_the_gradients_sum(function: Callable[[jt.Var], jt.Var], x: Numbers, expected: Numbers) -> None:
    x = jt.array(np.asarray(x, np.float64))

    first = jt.grad(function(x).sum(), x)
    second = jt.grad(first.sum(), x)

    np.testing.assert_allclose(second.numpy(), np.asarray(expected, np.float64), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("count", [2, 3, 4, 5, 7, 8, 9])
def test_third_gradient_of_a_product_is_that_of_its_polynomial(count: int) -> None:
    values = np.arange(count) - 1.0  # one zero
    x = jt.array(values)

    y = x.prod()
    for _ in range(3):
        y = jt.grad(y, x).sum()

    # Each of the count (count-1) (count-2) ordered choices of three elements leaves the product of the others.
    polynomial = np.poly(-values)  # its coefficients are the elementary symmetric sums
    expected = 6 * polynomial[count - 3] if count >= 3 else 0
    np.testing.assert_allclose(y.item(), expected)


@pytest.mark.parametrize("count", [17, 300, 5000])
@pytest.mark.parametrize("zero", [False, True])
def test_gradients_of_a_long_product_compile_and_are_the_products_of_the_others(count: int, zero: bool) -> None:
    values = np.linspace(0.999, 1.001, count)
    values[count // 2] = 0.0 if zero else 1.0
    others = np.prod(np.delete(values, count // 2))  # of the element in the middle
    x = jt.array(values)

    with jt.flags(wait_for_kernels=True):
        first = jt.grad(x.prod(), x)
        second = jt.grad(first[count // 2], x)

        np.testing.assert_allclose(
            first.numpy(), np.where(values == 0, others, values.prod() / (values + (values == 0)))
        )
        np.testing.assert_allclose(np.delete(second.numpy(), count // 2), others / np.delete(values, count // 2))


WRITES: list[tuple[str, Callable[[jt.Var, jt.Var], None], Numbers, Numbers]] = [
    ("int", lambda y, v: y.__setitem__(1, v[0]), [2, 0, 6], [6, 0]),
    ("slice", lambda y, v: y.__setitem__(slice(0, 3, 2), v), [0, 4, 0], [6, 8]),
    ("places", lambda y, v: y.__setitem__(jt.array([2, 0]), v), [0, 4, 0], [6, 8]),
    ("one place twice", lambda y, v: y.__setitem__(jt.array([1, 1]), v), [2, 0, 6], [0, 8]),
    ("mask", lambda y, v: y.__setitem__(y > 1, v), [2, 0, 0], [6, 8]),
]


@pytest.mark.parametrize("write,of_x,of_value", [row[1:] for row in WRITES], ids=[row[0] for row in WRITES])
def test_gradient_of_squares_after_a_write(write: Callable, of_x: Numbers, of_value: Numbers) -> None:
    x, value = jt.array([1.0, 2.0, 3.0]), jt.array([3.0, 4.0])
    y = x * 1

    write(y, value)
    found = jt.grad((y * y).sum(), [x, value])

    assert [g.tolist() for g in found] == [of_x, of_value]

"""Rewrites: what users compose of simpler operators is a contraction or an attention, with the same values."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jittor_cy as jt

RNG = np.random.default_rng(3)


def normal(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape)


def kinds(*targets: Any) -> list[str]:
    """The kinds of ops that make the targets."""
    text = jt.debug.explain(*targets)
    return [line.split()[0] for line in text.splitlines() if line.startswith("  ") and line.split()[0].isalpha()]


def matmul(a: Any, b: Any) -> Any:
    """Jittor's example of a user's own matrix product."""
    (m, k), n = a.shape, b.shape[1]
    return (jt.broadcast(a, (m, k, n), [2]) * jt.broadcast(b, (m, k, n), [0])).sum(1)


def unsqueezed(a: Any, b: Any) -> Any:
    return (a.unsqueeze(2) * b.unsqueeze(0)).sum(1)


def of_turned(a: Any, b: Any) -> Any:
    wide = jt.broadcast(a, (*a.shape, b.shape[1]), [2]).transpose(0, 2, 1)
    return (wide * b.transpose(1, 0).unsqueeze(0)).sum(2)


def by_reindex(a: Any, b: Any) -> Any:
    shape = (a.shape[0], b.shape[1], a.shape[1])
    return (jt.reindex(a, shape, ["i0", "i2"]) * jt.reindex(b, shape, ["i2", "i1"])).sum(2)


def by_compute(a: Any, b: Any) -> Any:
    shape = (a.shape[0], b.shape[1], a.shape[1])
    return jt.compute(shape, lambda i, j, k: a[i, k] * b[k, j]).sum(-1)


@pytest.mark.parametrize("write", [matmul, unsqueezed, of_turned, by_reindex, by_compute])
@pytest.mark.parametrize("sizes", [(5, 7, 3), (40, 300, 33)])
def test_a_written_matrix_product_is_a_contraction(write: Callable, sizes: tuple[int, int, int]) -> None:
    m, k, n = sizes
    a, b, dy = normal(m, k), normal(k, n), normal(m, n)
    x, y = jt.array(a), jt.array(b)
    product = write(x, y)
    assert kinds(product) == ["Contraction"]

    gradients = jt.grad((product * jt.array(dy)).sum(), [x, y])

    for found, expected in zip([product, *gradients], [a @ b, dy @ b.T, a.T @ dy], strict=True):
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-11, atol=1e-11)


def conv(x: Any, w: Any, stride: int = 1, padding: int = 0) -> Any:
    """A convolution of (N, H, W, C) by (K, K, C, O), as Jittor's documentation writes it."""
    n, h, v, c = x.shape
    k, _, _, o = w.shape
    rows, columns = ((e + 2 * padding - k) // stride + 1 for e in (h, v))
    shape = (n, rows, columns, k, k, c, o)
    place = [f"i{i}*{stride}+i{i + 2}-{padding}" for i in (1, 2)]
    return (jt.reindex(x, shape, ["i0", *place, "i5"]) * jt.broadcast(w, shape, [0, 1, 2])).sum([3, 4, 5])


def conv_by_slices(x: np.ndarray, w: np.ndarray, stride: int, padding: int) -> np.ndarray:
    x = np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    k = w.shape[0]
    rows, columns = ((e - k) // stride + 1 for e in x.shape[1:3])
    pieces = [
        x[:, i : i + rows * stride : stride, j : j + columns * stride : stride] @ w[i, j]
        for i in range(k)
        for j in range(k)
    ]
    return sum(pieces)


@pytest.mark.parametrize("stride, padding", [(1, 0), (1, 1), (2, 1), (3, 0)])
def test_a_written_convolution_is_a_contraction(stride: int, padding: int) -> None:
    a, b = normal(2, 9, 8, 3), normal(3, 3, 3, 4)
    x, w = jt.array(a), jt.array(b)
    y = conv(x, w, stride, padding)
    assert kinds(y) == ["Contraction"]
    dy = normal(*y.shape)

    dx, dw = (g.numpy() for g in jt.grad((y * jt.array(dy)).sum(), [x, w]))

    np.testing.assert_allclose(y.numpy(), conv_by_slices(a, b, stride, padding), rtol=1e-11, atol=1e-11)
    # y is linear in each: its value in any direction is the gradient's product with it
    da, db = normal(*a.shape), normal(*b.shape)
    np.testing.assert_allclose((dx * da).sum(), (conv_by_slices(da, b, stride, padding) * dy).sum(), rtol=1e-10)
    np.testing.assert_allclose((dw * db).sum(), (conv_by_slices(a, db, stride, padding) * dy).sum(), rtol=1e-10)


def gathered(a: Any, b: Any) -> Any:
    order = jt.array(np.arange(a.shape[0])[::-1].copy())
    shape = (a.shape[0], a.shape[1], b.shape[1])
    return (jt.reindex(a, shape, ["@e0(i0)", "i1"], extras=[order]) * b.unsqueeze(0)).sum(1)


def filled(a: Any, b: Any) -> Any:
    shape = (a.shape[0] + 1, a.shape[1], b.shape[1])
    return (jt.reindex(a, shape, ["i0-1", "i1"], 1.0) * b.unsqueeze(0)).sum(1)


def folded(a: Any, b: Any) -> Any:
    shape = (a.shape[0], a.shape[1], b.shape[1])
    return (jt.reindex(a, shape, ["i0", "i1/2"]) * b.unsqueeze(0)).sum(1)


def of_rows(a: Any, b: Any) -> Any:
    return (a.unsqueeze(2) * b[: a.shape[0]].unsqueeze(1)).sum(2)


STAYS = {
    "an index depends on data": (gathered, lambda a, b: a[::-1] @ b),
    "what is outside is not 0": (filled, lambda a, b: np.vstack([np.ones_like(a[:1]), a]) @ b),
    "an index is not a sum of axes": (folded, lambda a, b: a[:, np.arange(a.shape[1]) // 2] @ b),
    "a summed axis is in one operand only": (of_rows, lambda a, b: a * b[:5].sum(1)[:, None]),
}


@pytest.mark.parametrize("reason", STAYS)
def test_what_no_contraction_computes_stays_and_explain_says_why(reason: str) -> None:
    write, oracle = STAYS[reason]
    a, b = normal(5, 8), normal(8, 3)

    y = write(jt.array(a), jt.array(b))

    text = jt.debug.explain(y)
    assert "Contraction" not in text and f"not rewritten: {reason}" in text
    np.testing.assert_allclose(y.numpy(), oracle(a, b), rtol=1e-11)


def test_switched_off_a_product_and_a_sum_stay() -> None:
    a, b = jt.array(normal(5, 8)), jt.array(normal(8, 3))
    with jt.flags(rewrites=False):
        y = matmul(a, b)
        assert "Contraction" not in kinds(y)
        np.testing.assert_allclose(y.numpy(), a.numpy() @ b.numpy(), rtol=1e-12)


def test_values_between_may_be_used_elsewhere() -> None:
    a, b = normal(5, 8), normal(8, 3)
    product = jt.array(a).unsqueeze(2) * jt.array(b).unsqueeze(0)

    total, largest = product.sum(1), product.max(1)

    np.testing.assert_allclose(total.numpy(), a @ b, rtol=1e-11)
    np.testing.assert_array_equal(largest.numpy(), (a[:, :, None] * b).max(1))


def attention(q: Any, k: Any, v: Any, mask: Any = None, divide: bool = False) -> Any:
    scores = jt.matmul(q, k.transpose(0, 1, 3, 2))
    scores = scores / q.shape[-1] ** 0.5 if divide else scores * q.shape[-1] ** -0.5
    if mask is not None:
        scores = scores + mask
    return jt.matmul(jt.nn.softmax(scores, dim=-1), v)


def attention_oracle(q: np.ndarray, k: np.ndarray, v: np.ndarray, mask: Any = 0.0) -> np.ndarray:
    s = q @ k.transpose(0, 1, 3, 2) * q.shape[-1] ** -0.5 + (0.0 if mask is None else mask)
    e = np.exp(s - s.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True) @ v


CAUSAL = np.triu(np.full((70, 70), -1e9), 1)


@pytest.mark.parametrize("divide", [False, True])
@pytest.mark.parametrize("mask", [None, CAUSAL, normal(2, 1, 1, 70)], ids=["none", "causal", "padding"])
def test_a_written_attention_is_one(mask: Any, divide: bool) -> None:
    arrays = [normal(2, 3, 70, 16) for _ in range(3)]
    variables = [jt.array(x) for x in arrays]

    y = attention(*variables, None if mask is None else jt.array(mask), divide)

    assert "Attention" in kinds(y) and "Contraction" not in kinds(y)
    np.testing.assert_allclose(y.numpy(), attention_oracle(*arrays, mask), rtol=1e-11, atol=1e-12)


def test_gradients_of_a_written_attention_are_those_of_the_products() -> None:
    arrays = [normal(2, 3, 70, 16) for _ in range(4)]

    def gradients(rewrite: bool) -> list[np.ndarray]:
        with jt.flags(rewrites=rewrite):
            q, k, v, dy = (jt.array(x) for x in arrays)
            y = attention(q, k, v, jt.array(CAUSAL))
            assert ("Attention" in kinds(y)) == rewrite
            return [g.numpy() for g in jt.grad((y * dy).sum(), [q, k, v])]

    for found, expected in zip(gradients(True), gradients(False), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-11)


def test_a_learned_mask_keeps_the_products_and_explain_says_why() -> None:
    q, k, v = (jt.array(normal(2, 3, 70, 16)) for _ in range(3))

    y = attention(q, k, v, jt.nn.Parameter(jt.zeros(70, 70, dtype="float64")))

    assert "not rewritten: the mask is learned" in jt.debug.explain(y)


def bits(**flags: Any) -> bytes:
    with jt.flags(**flags):
        generator = np.random.default_rng(5)
        a, b = (jt.array(generator.normal(size=s).astype(np.float32)) for s in ((40, 300), (300, 33)))
        q, k, v = (jt.array(generator.normal(size=(2, 2, 70, 16)).astype(np.float32)) for _ in range(3))
        mask = jt.array(CAUSAL.astype(np.float32))
        found = [matmul(a.exp(), b.exp()), attention(q.exp(), k, v, mask)]
        found += jt.grad((found[0] * found[0]).sum(), [a, b]) + jt.grad((found[1] * found[1]).sum(), [q, k, v])
        with jt.no_grad():
            found.append(attention(q.exp(), k, v, mask, divide=True))
        return b"".join(x.numpy().tobytes() for x in found)


@pytest.mark.parametrize("flags", [{"eager": True}, {"fuse": False}, {"interpret": True}, {"threads": 3}], ids=str)
def test_a_rewrite_is_the_same_in_every_mode(flags: dict) -> None:
    assert bits(**flags) == bits(wait_for_kernels=True)


@pytest.mark.parametrize("grad", [True, False])
@pytest.mark.parametrize("shorten", [lambda x: x, lambda x: x.exp(), lambda x: x.sum(0)], ids=["leaf", "map", "sum"])
def test_a_read_between_does_not_change_a_rewrite(shorten: Callable, grad: bool) -> None:
    a, b = (normal(*s).astype(np.float32) for s in ((2, 40, 300), (2, 300, 33)))

    def product() -> Any:
        x, y = (shorten(jt.array(v)) for v in (a, b))
        return x.unsqueeze(-1) * y.unsqueeze(-3)

    with contextlib.nullcontext() if grad else jt.no_grad():
        expected = product().sum(-2).numpy()
        read = product()
        read.numpy()
        found = read.sum(-2)

        assert kinds(found).count("Contraction") == 1
        assert found.numpy().tobytes() == expected.tobytes()


def test_a_chain_of_read_values_keeps_none_but_the_last() -> None:
    wide = jt.array(normal(64, 64).astype(np.float32))
    with jt.no_grad():
        live = []
        for _ in range(8):
            wide = jt.broadcast(wide.mean(1).exp(), (64, 64), [1])
            wide.numpy()
            gc.collect()
            live.append(jt.memory.stats()["live_nbytes"])

    assert len(set(live[2:])) == 1


def test_nothing_is_stored_for_a_rewrite_that_nobody_asks_for() -> None:
    x = jt.array(normal(512, 512).astype(np.float32))

    def used(rewrite: bool) -> int:
        with jt.flags(rewrites=rewrite), jt.no_grad():
            scaled = (x.mean(1, keepdims=True).exp() * x.mean(0).exp().unsqueeze(0)).exp()
            before = jt.memory.stats()["live_nbytes"]
            scaled.numpy()
            return jt.memory.stats()["live_nbytes"] - before

    assert used(True) == used(False) == x.nbytes


def test_a_gradient_at_a_value_between_names_the_flag() -> None:
    wide = jt.broadcast(jt.array(normal(5, 8)), (5, 8, 3), [2])
    product = wide * jt.array(normal(8, 3)).unsqueeze(0)
    y = product.sum(1)

    for between in (wide, product):
        with pytest.raises(jt.GradientError, match=r"its gradient goes past it\n.*jt\.flags\(rewrites=False\)"):
            jt.grad(y.sum(), [between])


def test_a_gradient_at_the_weights_of_an_attention_names_the_flag() -> None:
    q, k, v = (jt.array(normal(2, 3, 70, 16)) for _ in range(3))
    weights = jt.nn.softmax(jt.matmul(q, k.transpose(0, 1, 3, 2)), dim=-1)
    y = jt.matmul(weights, v)

    with pytest.raises(jt.GradientError, match=r"made one Attention: its gradient goes past it\n.*rewrites=False"):
        jt.grad(y.sum(), [weights])


def test_scores_smaller_than_what_they_are_made_of_and_matrices_stay_products() -> None:
    short = [jt.array(normal(2, 3, 40, 64)) for _ in range(3)]
    q, k, v = (jt.array(normal(70, 16)) for _ in range(3))
    assert "Attention" not in kinds(attention(*short))
    assert "Attention" not in kinds(jt.matmul(jt.nn.softmax(jt.matmul(q, k.transpose(1, 0)), dim=-1), v))


@pytest.mark.parametrize("grad", [True, False])
def test_a_written_attention_leaves_nothing_behind_and_keeps_no_scores(grad: bool) -> None:
    length = 1024
    arrays = [normal(1, 2, length, 16).astype(np.float32) for _ in range(3)]

    def counts() -> tuple[int, int]:
        jt.sync_all(True)
        gc.collect()
        return jt.stats()["live_ops"], jt.memory.stats()["live_nbytes"]

    inputs = [jt.array(x) for x in arrays]
    before = counts()
    jt.memory.reset_peak()
    for _ in range(2):
        with contextlib.nullcontext() if grad else jt.no_grad():
            y = attention(*inputs)
            results = jt.grad((y * y).sum(), inputs) if grad else [y]
            jt.sync(results)
        del y, results

    assert counts() == before
    assert jt.memory.stats()["peak_live_nbytes"] - before[1] < length * length * 4


def test_no_gradient_passes_where_one_was_stopped() -> None:
    a, b = jt.array(normal(5, 8)), jt.array(normal(8, 3))
    tall = a.unsqueeze(2)
    with jt.no_grad():
        wide = jt.broadcast(tall, (5, 8, 3))

    y = (wide * b.unsqueeze(0)).sum(1)

    found = jt.grad(y.sum(), [b])[0]
    np.testing.assert_allclose(found.numpy(), np.repeat(a.numpy().sum(0)[:, None], 3, 1), rtol=1e-12)
    assert "not rewritten" in jt.debug.explain((wide * b.unsqueeze(0)).sum(1))

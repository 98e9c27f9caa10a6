"""Attention as one kernel: values and gradients in float64 NumPy, masks, dtypes, threads, and every way to run it."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import jittor_cy as jt
from jittor_cy import nn

RTOL = {"float64": 1e-11, "float32": 3e-5, "float16": 4e-3, "bfloat16": 3e-2}


def scores_of(q: Any, k: Any, mask: Any, causal: bool, scale: float) -> np.ndarray:
    s = q @ np.swapaxes(k, -1, -2) * scale
    if mask is not None:
        s = np.where(mask, s, -np.inf) if mask.dtype == bool else s + mask
    if causal:
        s = np.where(np.arange(s.shape[-2])[:, None] >= np.arange(s.shape[-1]), s, -np.inf)
    return s


def unbroadcast(g: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    g = g.sum(tuple(range(g.ndim - len(shape))))
    return g.sum(tuple(i for i, n in enumerate(shape) if n == 1 and g.shape[i] != 1), keepdims=True).reshape(shape)


def reference(q: Any, k: Any, v: Any, dy: Any, mask: Any = None, causal: bool = False, scale: float = 1.0) -> list:
    """The result and the gradients of q, k, v and of the scores, in float64 with all scores in memory."""
    s = scores_of(q, k, mask, causal, scale)
    with np.errstate(invalid="ignore"):
        e = np.exp(s - s.max(-1, keepdims=True))
    e = np.where(np.isneginf(s).all(-1, keepdims=True), 0.0, e)
    p = e / np.where(e.sum(-1, keepdims=True) == 0, 1.0, e.sum(-1, keepdims=True))
    dp = dy @ np.swapaxes(v, -1, -2)
    ds = p * (dp - (p * dp).sum(-1, keepdims=True))
    dv = np.swapaxes(p, -1, -2) @ dy
    dq, dk = ds @ k * scale, np.swapaxes(ds, -1, -2) @ q * scale
    return [p @ v, *(unbroadcast(g, x.shape) for g, x in ((dq, q), (dk, k), (dv, v))), ds]


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng([seed, *shape]).normal(size=shape)


def run(arrays: list, dtype: str, mask: Any = None, causal: bool = False, scale: float = 1.0) -> list[np.ndarray]:
    """The result and the gradients of q, k and v."""
    q, k, v, dy = (jt.array(x).astype(dtype) for x in arrays)
    m = (
        None
        if mask is None
        else jt.array(mask if mask.dtype == bool else mask.astype("float64")).astype(
            "bool" if mask.dtype == bool else dtype
        )
    )
    y = nn.scaled_dot_product_attention(q, k, v, m, is_causal=causal, scale=scale)
    results = [y, *jt.grad((y * dy).sum(), [q, k, v])]
    return [x.float64().numpy() for x in results]


def check(arrays: list, dtype: str, **arguments: Any) -> None:
    rounded = [jt.array(x).astype(dtype).float64().numpy() for x in arrays]
    found = run(arrays, dtype, **arguments)
    for x, expected in zip(found, reference(*rounded, **arguments), strict=False):
        assert x.shape == expected.shape
        size = 1.0 + np.abs(expected).max()  # of the terms, which may cancel: inputs are about 1
        np.testing.assert_allclose(x, expected, rtol=RTOL[dtype], atol=RTOL[dtype] * size)


def operands(heads: tuple[int, ...], queries: int, keys: int, dims: int, values: int) -> list[np.ndarray]:
    shapes = (queries, dims), (keys, dims), (keys, values), (queries, values)
    return [normal(*heads, *shape, seed=i) for i, shape in enumerate(shapes)]


def is_fused(*inputs: Any, **arguments: Any) -> bool:
    y = nn.scaled_dot_product_attention(*inputs, **arguments)
    return "Attention" in jt.debug.explain(y)


@pytest.mark.parametrize("dtype", RTOL)
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("sizes", [(5, 7, 3, 4), (33, 35, 3, 4), (70, 70, 16, 16), (130, 65, 32, 20), (1, 200, 64, 64)])
def test_attention_and_its_gradients_are_numpys(dtype: str, causal: bool, sizes: tuple[int, ...]) -> None:
    check(operands((2, 3), *sizes), dtype, causal=causal, scale=0.3)


@pytest.mark.parametrize("dims", [1, 2, 15, 17, 33, 100, 256])
def test_every_size_of_heads_is_numpys(dims: int) -> None:
    check(operands((2,), 67, 66, dims, 257 - dims), "float32", scale=dims**-0.5)


MASKS = {
    "kept": lambda q, k: normal(q, k) > 0,
    "kept of a head": lambda q, k: normal(2, 3, q, k) > -1,
    "padding": lambda q, k: np.arange(k) < np.array([k, max(1, k // 3)])[:, None, None, None],
    "added": lambda q, k: normal(q, k),
    "added to rows": lambda q, k: normal(3, q, 1),
    "causal, added": lambda q, k: np.triu(np.full((q, k), -1e9), 1),
    "band": lambda q, k: np.abs(np.arange(q)[:, None] - np.arange(k)) < 9,
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", MASKS)
@pytest.mark.parametrize("sizes", [(36, 39), (150, 200)])
def test_attention_under_a_mask_is_numpys(name: str, dtype: str, sizes: tuple[int, int]) -> None:
    check(operands((2, 3), *sizes, 8, 12), dtype, mask=MASKS[name](*sizes), scale=0.35)


@settings(max_examples=40, deadline=None)
@given(
    heads=st.lists(st.integers(1, 3), max_size=2),
    sizes=st.tuples(st.integers(24, 140), st.integers(24, 140), st.integers(1, 40), st.integers(1, 40)),
    mask=st.sampled_from([None, *MASKS]),
    causal=st.booleans(),
)
def test_attention_of_any_shape_is_numpys(heads: list[int], sizes: tuple, mask: str | None, causal: bool) -> None:
    lead = tuple(heads) if mask is None else (2, 3)
    chosen = None if mask is None else MASKS[mask](*sizes[:2])
    check(operands(lead, *sizes), "float64", mask=chosen, causal=causal and mask is None, scale=0.5)


def test_dims_in_front_broadcast_and_their_gradients_are_summed() -> None:
    q, _, v, dy = operands((4, 2), 35, 36, 3, 3)
    k = normal(2, 36, 3)
    check([q, k, v, dy], "float64")
    check([q, k, v[:1], dy], "float64")


def test_a_row_of_nothing_is_zero_and_has_no_gradient() -> None:
    arrays = operands((2,), 70, 70, 8, 8)
    mask = np.ones((70, 70), bool)
    mask[3] = mask[69] = False

    y, dq, dk, dv = run(arrays, "float64", mask=mask)

    assert not y[:, [3, 69]].any() and not dq[:, [3, 69]].any()
    for x, expected in zip((y, dq, dk, dv), reference(*arrays, mask=mask), strict=False):
        np.testing.assert_allclose(x, expected, rtol=1e-11, atol=1e-12)


def test_a_value_that_is_not_finite_is_not_lost_under_a_mask() -> None:
    q, k, v, _ = operands((), 33, 130, 4, 4)
    v[100] = np.inf

    y = nn.scaled_dot_product_attention(
        *(jt.array(x) for x in (q, k, v)), jt.array(np.where(np.arange(130) < 64, 0.0, -1e9))
    )

    assert np.isnan(y.numpy()).all()  # 0 times infinity, as in the products


def test_scores_beyond_the_range_of_exp_are_no_overflow() -> None:
    q, k, v, dy = operands((), 34, 130, 8, 8)
    check([q * 300, k, v, dy], "float64")


def test_gradient_of_an_added_mask_is_that_of_the_scores() -> None:
    q, k, v, dy = operands((2,), 35, 36, 3, 4)
    mask = normal(1, 35, 36, seed=9)
    inputs = [jt.array(x) for x in (q, k, v, dy, mask)]
    y = nn.scaled_dot_product_attention(*inputs[:3], inputs[4], scale=0.7)

    found = jt.grad((y * inputs[3]).sum(), [inputs[4]])[0]

    expected = reference(q, k, v, dy, mask, scale=0.7)[4].sum(0, keepdims=True)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kind", ["none", "kept", "added", "causal"])
def test_gradients_of_gradients_are_those_of_the_products(kind: str) -> None:
    arrays = operands((2,), 35, 36, 3, 4)
    mask = {"kept": normal(35, 36) > -0.5, "added": normal(35, 36)}.get(kind)

    def second(fused: bool) -> list[np.ndarray]:
        with jt.flags(fused_attention=fused):
            q, k, v, dy = (jt.array(x) for x in arrays)
            m = None if mask is None else jt.array(mask)
            y = nn.scaled_dot_product_attention(q, k, v, m, is_causal=kind == "causal", scale=0.7)
            first = jt.grad((y * dy).sum(), [q, k, v], retain_graph=True)
            total = sum((g * g * (i + 1)).sum() for i, g in enumerate(first))
            return [g.numpy() for g in jt.grad(total, [q, k, v, dy])]

    for found, expected in zip(second(True), second(False), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-10)


def all_bits(**flags: Any) -> bytes:
    arrays = operands((3,), 150, 140, 24, 40)
    masks = [None, np.triu(np.full((150, 140), -1e9), 1), normal(3, 150, 140) > 0]
    with jt.flags(**flags):
        results = [x for mask in masks for x in run(arrays, "float32", mask=mask, scale=0.2)]
        results += run(arrays, "bfloat16", causal=True)
    return b"".join(x.tobytes() for x in results)


@pytest.mark.parametrize(
    "flags",
    [
        {"threads": 1},
        {"threads": 2},
        {"threads": 3},
        {"threads": 5},
        {"eager": True},
        {"interpret": True},
        {"fuse": False},
    ],
    ids=str,
)
def test_bits_do_not_depend_on_threads_or_how_it_runs(flags: dict) -> None:
    assert all_bits(**flags) == all_bits(wait_for_kernels=True)


@pytest.mark.parametrize("isa", ["avx512", "avx2", "portable"])
def test_every_instruction_set_computes_attention(isa: str) -> None:
    try:
        jt.flags.isa = isa
    except jt.ArgumentError:
        pytest.skip(f"this machine has no {isa}")
    try:
        check(operands((2,), 70, 80, 20, 12), "float32", causal=True)
        check(operands((2,), 70, 80, 20, 12), "float64", mask=MASKS["added"](70, 80))
    finally:
        jt.flags.isa = ""


def test_strided_operands_are_read_where_they_are() -> None:
    whole = normal(2, 70, 3, 4, 8)  # batch, position, which, head, dims
    x = jt.array(whole)
    q, k, v = (x[:, :, i].transpose(0, 2, 1, 3) for i in range(3))

    y = nn.scaled_dot_product_attention(q, k, v, scale=0.4)

    arrays = [whole[:, :, i].transpose(0, 2, 1, 3) for i in range(3)]
    np.testing.assert_allclose(y.numpy(), reference(*arrays, arrays[0], scale=0.4)[0], rtol=1e-11)


def test_a_result_read_before_its_gradient_changes_nothing() -> None:
    arrays = operands((2,), 70, 70, 8, 8)
    q, k, v, dy = (jt.array(x) for x in arrays)
    y = nn.scaled_dot_product_attention(q, k, v)
    y.numpy()

    found = [g.numpy() for g in jt.grad((y * dy).sum(), [q, k, v])]

    for g, expected in zip(found, reference(*arrays, scale=8**-0.5)[1:], strict=False):
        np.testing.assert_allclose(g, expected, rtol=1e-10, atol=1e-12)


def test_switched_off_attention_is_products_and_a_softmax() -> None:
    inputs = [jt.array(x) for x in operands((2,), 35, 36, 3, 4)[:3]]
    assert is_fused(*inputs)

    with jt.flags(fused_attention=False):
        assert not is_fused(*inputs)
        plain = nn.scaled_dot_product_attention(*inputs).numpy()

    np.testing.assert_allclose(nn.scaled_dot_product_attention(*inputs).numpy(), plain, rtol=1e-11)


def test_what_the_kernel_does_not_take_is_products_and_a_softmax() -> None:
    q, k, v = (jt.array(x) for x in operands((2,), 35, 36, 3, 4)[:3])
    assert not is_fused(q, k, v, dropout_p=0.5)
    assert not is_fused(q, k, v, nn.Parameter(jt.zeros(35, 36, dtype="float64")))
    assert not is_fused(jt.ones(40, 257), jt.ones(40, 257), jt.ones(40, 3))


@pytest.mark.parametrize("lengths", [(1, 1), (1, 200), (31, 200), (200, 31), (0, 40), (40, 40)], ids=str)
@pytest.mark.parametrize("heads", [(2, 3), (0, 3)], ids=str)
def test_lengths_alone_say_whether_the_kernel_pays(lengths: tuple[int, int], heads: tuple[int, int]) -> None:
    arrays = operands(heads, *lengths, 4, 5)

    y = nn.scaled_dot_product_attention(*(jt.array(x) for x in arrays[:3]))

    assert y.shape == (*heads, lengths[0], 5)
    assert ("Attention" in jt.debug.explain(y)) == (lengths == (40, 40) and 0 not in heads)
    if 0 not in y.shape:
        np.testing.assert_allclose(y.numpy(), reference(*arrays, scale=0.5)[0], rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("kind", ["none", "causal", "kept", "added"])
def test_attention_and_its_gradients_are_torchs(kind: str) -> None:
    torch = pytest.importorskip("torch")
    arrays = operands((2, 3), 150, 130, 24, 20)
    mask = {"kept": normal(150, 130) > -1, "added": normal(150, 130)}.get(kind)
    q, k, v, dy = (torch.tensor(x, requires_grad=True) for x in arrays)
    y = torch.nn.functional.scaled_dot_product_attention(
        q, k, v, None if mask is None else torch.tensor(mask), is_causal=kind == "causal"
    )
    y.backward(dy)

    found = run(arrays, "float64", mask=mask, causal=kind == "causal", scale=24**-0.5)

    for x, expected in zip(found, (y, q.grad, k.grad, v.grad), strict=True):
        np.testing.assert_allclose(x, expected.detach().numpy(), rtol=1e-10, atol=1e-12)


def peak_of(length: int, **flags: Any) -> int:
    """Counted bytes above the inputs of one forward and backward pass."""
    with jt.flags(**flags):
        inputs = [jt.randn(1, 2, length, 16) for _ in range(3)]
        jt.sync_all(True)
        jt.memory.reset_peak()
        start = jt.memory.stats()["live_nbytes"]

        y = nn.scaled_dot_product_attention(*inputs, is_causal=True)
        gradients = jt.grad(y.sum(), inputs)
        jt.sync([y, *gradients])

        return jt.memory.stats()["peak_live_nbytes"] - start


def test_no_matrix_of_scores_is_in_memory() -> None:
    assert peak_of(4096) < 4096 * 4096  # a quarter of one head's scores


def test_peak_memory_is_not_above_that_of_the_products() -> None:
    assert peak_of(64) < peak_of(64, fused_attention=False)


@pytest.mark.parametrize("grad", [True, False])
def test_nothing_of_it_outlives_its_result(grad: bool) -> None:
    weight = nn.Parameter(jt.randn(2, 40, 8))

    def counts() -> tuple[int, int]:
        jt.sync_all(True)
        gc.collect()
        return jt.stats()["live_ops"], jt.memory.stats()["live_nbytes"]

    before = counts()
    for _ in range(3):
        y = nn.scaled_dot_product_attention(weight * 2, weight * 3, weight * 4)
        gradients = jt.grad((y * y).sum(), [weight]) if grad else [y]
        jt.sync(gradients)
        del y, gradients

    assert counts() == before


BUDGET = """
import json
import numpy as np
import jittor_cy as jt

jt.flags.wait_for_kernels = True
arrays = [np.random.default_rng(i).standard_normal((4, 1024, 64), dtype=np.float32) for i in range(4)]
q, k, v, dy = (jt.array(x) for x in arrays)

def run():
    y = jt.nn.scaled_dot_product_attention(q, k, v)
    gradients = jt.grad((y * dy).sum(), [q, k, v])
    return b"".join(x.numpy().tobytes() for x in (y, *gradients))

expected = run()
jt.memory.trim()
jt.memory.budget("15MiB")
jt.memory.reset_peak()
equal = run() == expected
print(json.dumps([equal, jt.memory.stats()["peak_counted_nbytes"]]))
"""


def test_a_budget_below_the_scores_of_all_heads_is_enough(tmp_path: Path) -> None:
    program = tmp_path / "program.py"  # a process of its own: what other tests still hold would count
    program.write_text(BUDGET)

    done = subprocess.run([sys.executable, str(program)], capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    equal, peak = json.loads(done.stdout)
    assert equal
    assert peak <= 15 << 20 < 4 * 1024 * 1024 * 4


def test_layers_without_weights_are_those_with_weights() -> None:
    layer = nn.MultiheadAttention(12, 3, batch_first=True)
    x = jt.array(normal(2, 7, 12)).float32()
    keep = jt.array(np.arange(7) >= np.array([[7], [5]]))

    with_weights = layer(x, x, x, key_padding_mask=keep)[0].numpy()
    without, weights = layer(x, x, x, key_padding_mask=keep, need_weights=False)

    assert weights is None
    np.testing.assert_allclose(without.numpy(), with_weights, rtol=2e-5, atol=1e-6)

"""flags.without_passes: passes of the compiler can be left out, and the bits stay."""

from __future__ import annotations

import numpy as np
import pytest

import jittor_cy as jt

LARGE = 5 << 20  # float32 elements: 20 MiB, which is written past the caches


@jt.flags(wait_for_kernels=True)
def test_large_outputs_are_equal_with_and_without() -> None:
    data = np.random.default_rng(3).normal(size=(LARGE // 1031, 1031)).astype(np.float32)
    x = jt.array(data)
    found = {}
    for without in ("", "stream", "prefetch", "stream, prefetch"):
        with jt.flags(without_passes=without):
            found[without] = jt.nn.softmax(x * 2.0, dim=-1).numpy()
    e = np.exp(2 * data.astype(np.float64) - 2 * data.max(1, keepdims=True))

    for other in found.values():
        np.testing.assert_array_equal(other, found[""])
    np.testing.assert_allclose(found[""], e / e.sum(1, keepdims=True), rtol=1e-5, atol=1e-9)


@jt.flags(wait_for_kernels=True)
def test_an_update_in_place_of_a_large_var() -> None:
    data = np.arange(LARGE + 3, dtype=np.float32)
    x = jt.array(data).copy()
    jt.sync_all()
    for _ in range(3):
        x = x * 0.5 + 1.0
        jt.sync_all()

    np.testing.assert_array_equal(x.numpy(), ((data * 0.5 + 1) * 0.5 + 1) * 0.5 + 1)


def test_an_unknown_pass_is_refused_by_name() -> None:
    with pytest.raises(jt.errors.ArgumentError, match="there is no pass 'steam'") as error:
        jt.flags.without_passes = "steam"

    assert "stream" in str(error.value)
    assert jt.flags.without_passes == ""


@jt.flags(wait_for_kernels=True)
def test_a_long_chain_takes_over_the_memory_of_what_it_reads() -> None:
    data = np.random.default_rng(4).normal(size=5000).astype(np.float32)
    found = {}
    for without in ("", "split", "donate", "split, donate"):
        with jt.flags(without_passes=without):
            x, y = jt.array(data).copy(), jt.array(data[::-1].copy()).copy()
            jt.sync_all()
            z = (x.tanh().exp() + y).tanh().exp() + x
            x, y = z, (z - y).exp()
            jt.sync_all()
            found[without] = np.stack([x.numpy(), y.numpy()])
    a, b = data.astype(np.float64), data[::-1].astype(np.float64)
    z = np.exp(np.tanh(np.exp(np.tanh(a)) + b)) + a

    for other in found.values():
        np.testing.assert_array_equal(other, found[""])
    np.testing.assert_allclose(found[""], [z, np.exp(z - b)], rtol=1e-5, atol=1e-5)


@jt.flags(wait_for_kernels=True)
def test_updates_of_one_kernel_are_one_launch_unless_batch_is_left_out() -> None:
    launches, found = {}, {}
    for without in ("", "batch"):
        with jt.flags(without_passes=without):
            params = [jt.array(np.full(7, i, np.float32)).requires_grad_() for i in range(5)]
            for p in params:
                p.grad = 2 * p
            jt.sync_all()
            before = jt.stats()["launches"]
            jt.optim.SGD(params, 0.5).step()
            jt.sync_all()
            launches[without] = jt.stats()["launches"] - before
            found[without] = np.stack([p.numpy() for p in params])

    assert launches == {"": 1, "batch": 5}
    np.testing.assert_array_equal(found["batch"], found[""])
    np.testing.assert_array_equal(found[""], np.zeros((5, 7)))  # p - 0.5 * 2 p


@pytest.mark.parametrize("side", [(29, 31), (12, 9), (5, 150)], ids=str)
@pytest.mark.parametrize(("window", "stride", "padding"), [(2, 2, 0), (3, 2, 1), (3, 1, 1), (2, 3, 1), (4, 4, 0)])
@jt.flags(wait_for_kernels=True)
def test_windows_with_and_without_what_makes_vectors_of_them(
    window: int, stride: int, padding: int, side: tuple[int, int]
) -> None:
    torch = pytest.importorskip("torch")
    data = np.random.default_rng(5).normal(size=(3, 4, *side)).astype(np.float32)
    x = torch.tensor(data, requires_grad=True)
    expected = torch.nn.functional.max_pool2d(torch.relu(x - 0.5), window, stride, padding)
    weight = np.random.default_rng(6).normal(size=expected.shape).astype(np.float32)
    (expected * torch.tensor(weight)).sum().backward()

    for without in ("", "interior", "interior, unroll", "parity", "overlap", "parity, overlap"):
        with jt.flags(without_passes=without):
            v = jt.array(data)
            y = jt.nn.max_pool2d(jt.nn.relu(v - 0.5), window, stride, padding)
            dx = jt.grad((y * jt.array(weight)).sum(), v)
            np.testing.assert_array_equal(y.numpy(), expected.detach().numpy())
            np.testing.assert_allclose(dx.numpy(), x.grad.numpy(), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("columns", [3, 4, 7, 8, 14, 15, 16, 63, 64, 65])
@jt.flags(wait_for_kernels=True)
def test_rows_of_any_length_in_place_of_what_they_read(columns: int) -> None:
    """The gradient of pooling takes the memory of what relu saw: no element may be computed from a renewed one."""
    torch = pytest.importorskip("torch")
    data = np.random.default_rng(columns).normal(size=(2, 3, 6, 2 * columns)).astype(np.float32)
    x = torch.tensor(data, requires_grad=True)
    torch.nn.functional.max_pool2d(torch.relu(x), 2).sum().backward()

    for without in ("", "overlap", "donate"):
        with jt.flags(without_passes=without):
            v = jt.array(data).copy()
            jt.sync_all()
            dx = jt.grad(jt.nn.max_pool2d(jt.nn.relu(v), 2).sum(), v)
            del v
            np.testing.assert_array_equal(dx.numpy(), x.grad.numpy())


@jt.flags(wait_for_kernels=True)
def test_a_strip_that_is_written_by_two_loops_compiles() -> None:
    generator = np.random.default_rng(5)
    x, wide = (jt.array(generator.normal(size=shape).astype(np.float32)) for shape in ((4, 8), (4, 16)))
    weight, bias, wide = jt.nn.Parameter(jt.ones(8)), jt.nn.Parameter(jt.zeros(8)), jt.nn.Parameter(wide)
    jt.sync_all()
    for _ in range(24):  # so many that some kernel keeps an intermediate value for the gradient beside its result
        h = x + bias
        h = jt.nn.gelu(h - h.mean(-1, keepdim=True) + wide[:, 4:12])
        x = jt.nn.layer_norm(h, (8,), weight, bias)
    before = jt.stats()["interpreted_launches"]

    x.sync()

    assert jt.stats()["interpreted_launches"] == before


@pytest.mark.parametrize("stride,groups", [(1, 1), (2, 1), (1, 3)])
def test_convolutions_and_their_gradients_without_windows(stride: int, groups: int) -> None:
    rng = np.random.default_rng(7)
    image = rng.normal(size=(5, 6, 13, 11)).astype(np.float32)
    weight = rng.normal(size=(9, 6 // groups, 3, 3)).astype(np.float32)
    found = []
    for without in ("", "window"):
        with jt.flags(without_passes=without):
            x, w = jt.array(image), jt.array(weight)
            y = jt.nn.functional.conv2d(x, w, None, stride, 1, 1, groups)
            found.append([v.numpy().copy() for v in (y, *jt.grad((y * y).sum(), [x, w]))])

    for way, other in zip(*found, strict=True):
        np.testing.assert_array_equal(way, other)


TERMS = [
    ("nchw,c->nchw", (2, 3, 5, 9), (3,)),
    ("bnd,bnd->bn", (7, 90, 5), (7, 90, 5)),
    ("ij,ij->i", (70, 3), (70, 3)),
    ("ijk,jk->ij", (6, 70, 49), (70, 49)),
    ("ik,kn->in", (6, 6), (6, 700)),
    ("ik,nkyx->inyx", (6, 6), (5, 6, 9, 23)),
    ("nkyx,ik->nyxi", (5, 6, 9, 14), (4, 6)),
]


@pytest.mark.parametrize(("equation", "a", "b"), TERMS)
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
@jt.flags(wait_for_kernels=True)
def test_a_contraction_of_few_terms_is_a_map_with_the_same_bits(
    equation: str, a: tuple[int, ...], b: tuple[int, ...], dtype: str
) -> None:
    rng = np.random.default_rng(9)
    arrays = [rng.normal(size=shape).astype(np.float32) for shape in (a, b)]
    found, launches = {}, {}
    for without in ("", "unroll"):
        with jt.flags(without_passes=without):
            x, y = (jt.array(v).astype(dtype) for v in arrays)
            jt.sync_all()
            before = jt.stats()["launches"]
            z = (jt.einsum(equation, x, y) * 2.0).float32()
            found[without] = z.numpy()
            launches[without] = jt.stats()["launches"] - before
    with jt.flags(interpret=True):
        x, y = (jt.array(v).astype(dtype) for v in arrays)
        interpreted = (jt.einsum(equation, x, y) * 2.0).float32().numpy()

    np.testing.assert_array_equal(found[""], found["unroll"])
    np.testing.assert_array_equal(found[""], interpreted)
    tolerance = {"float16": 2e-2, "bfloat16": 1e-1}.get(dtype, 1e-4)
    np.testing.assert_allclose(found[""], 2 * np.einsum(equation, *arrays), rtol=tolerance, atol=tolerance)
    assert launches[""] <= launches["unroll"]


@pytest.mark.parametrize(("stride", "padding", "dilation"), [(1, 1, 1), (1, 0, 1), (2, 1, 1), (1, 2, 2), (3, 2, 1)])
@pytest.mark.parametrize(("side", "dtype"), [(3, "float32"), (37, "float32"), (14, "float16"), (28, "bfloat16")])
@jt.flags(wait_for_kernels=True)
def test_filters_of_a_channel_each_are_maps_with_the_same_bits(
    stride: int, padding: int, dilation: int, side: int, dtype: str
) -> None:
    if side + 2 * padding < 2 * dilation + 1:
        pytest.skip("the filter does not fit")
    rng = np.random.default_rng(10)
    image = rng.normal(size=(2, 5, side, side)).astype(np.float32)
    filters = rng.normal(size=(5, 1, 3, 3)).astype(np.float32)
    image[0, 0, 0, 0], filters[1, 0, 2, 2] = np.inf, np.inf
    found = []
    for settings in ({}, {"without_passes": "unroll"}, {"interpret": True}):
        with jt.flags(**settings):
            x, w = (jt.array(a).cast(dtype) for a in (image, filters))
            y = jt.nn.functional.conv2d(jt.nn.relu(x), w, None, stride, padding, dilation, 5)
            found.append([v.cast("float32").numpy().copy() for v in (y, *jt.grad((y * y).sum(), [x, w]))])
    torch = pytest.importorskip("torch")
    tensor = torch.tensor(np.maximum(image, 0)).double()
    expected = torch.nn.functional.conv2d(tensor, torch.tensor(filters).double(), None, stride, padding, dilation, 5)

    for other in found[1:]:
        for way, ours in zip(other, found[0], strict=True):
            np.testing.assert_array_equal(ours, way)
    tolerance = {"float32": 1e-4, "float16": 1e-2, "bfloat16": 1e-1}[dtype]
    np.testing.assert_allclose(found[0][0], expected.numpy(), rtol=tolerance, atol=tolerance)

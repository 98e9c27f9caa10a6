"""Creation, reductions, products, orders and custom operators, against NumPy and torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import jittor_cy as jt
from jittor_cy.errors import CompileError

RANDOM = np.random.default_rng(5)
X = RANDOM.normal(size=(3, 4, 5)).astype(np.float32)
INTS = RANDOM.integers(-5, 5, (4, 6))


def close(found: Any, expected: Any, rtol: float = 2e-6) -> None:
    assert found.shape == np.shape(expected)
    np.testing.assert_allclose(found.numpy(), expected, rtol=rtol, atol=1e-6)


CREATION: dict[str, tuple[Callable[[], jt.Var], np.ndarray]] = {
    "zeros": (lambda: jt.zeros(2, 3), np.zeros((2, 3), np.float32)),
    "zeros of a tuple and dtype": (lambda: jt.zeros((2, 3), "int32"), np.zeros((2, 3), np.int32)),
    "ones": (lambda: jt.ones([2], dtype="bool"), np.ones(2, bool)),
    "full": (lambda: jt.full((2, 2), 7), np.full((2, 2), 7)),
    "full of an int": (lambda: jt.full(3, 0.5), np.full(3, 0.5, np.float32)),
    "zeros_like": (lambda: jt.zeros_like(jt.array(INTS)), np.zeros_like(INTS)),
    "full_like": (lambda: jt.full_like(jt.array(X), 3), np.full_like(X, 3)),
    "arange": (lambda: jt.arange(5), np.arange(5)),
    "arange down": (lambda: jt.arange(5, 0, -2), np.arange(5, 0, -2)),
    "arange of floats": (lambda: jt.arange(0, 1, 0.25), np.arange(0, 1, 0.25, np.float32)),
    "arange of nothing": (lambda: jt.arange(3, 3), np.arange(0)),
    "linspace": (lambda: jt.linspace(-1, 2, 7), np.linspace(-1, 2, 7, dtype=np.float32)),
    "linspace of one": (lambda: jt.linspace(3, 9, 1), np.array([3], np.float32)),
    "eye": (lambda: jt.eye(3), np.eye(3, dtype=np.float32)),
    "eye of another width": (lambda: jt.eye(2, 4, dtype="int64"), np.eye(2, 4, dtype=np.int64)),
    "list of vars": (lambda: jt.array([jt.array([1.0, 2.0]), jt.zeros(2)]), np.array([[1, 2], [0, 0]], np.float32)),
    "index": (lambda: jt.index((2, 3), 1), np.indices((2, 3))[1]),
}


@pytest.mark.parametrize("make,expected", CREATION.values(), ids=CREATION.keys())
def test_creation_is_numpys(make: Callable, expected: np.ndarray) -> None:
    found = make()

    assert found.dtype == expected.dtype
    close(found, expected)


REDUCTIONS = {
    "sum": (jt.sum, np.sum),
    "prod": (jt.prod, np.prod),
    "mean": (jt.mean, np.mean),
    "max": (jt.max, np.max),
    "min": (jt.min, np.min),
    "any": (jt.any, np.any),
    "all": (jt.all, np.all),
    "amax": (jt.amax, np.amax),
    "std": (lambda x, *a, **k: jt.std(x, *a, unbiased=False, **k), np.std),
    "var": (lambda x, *a, **k: jt.var(x, *a, correction=1, **k), lambda x, *a, **k: np.var(x, *a, ddof=1, **k)),
}


@pytest.mark.parametrize("jittor,numpy", REDUCTIONS.values(), ids=REDUCTIONS.keys())
@pytest.mark.parametrize("axis", [None, 0, 1, -1, (0, 2), (0, 1, 2)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_reductions_are_numpys_by_both_spellings(jittor: Callable, numpy: Callable, axis: Any, keepdims: bool) -> None:
    expected = numpy(X.astype(np.float64), axis=axis, keepdims=keepdims)

    close(jittor(jt.array(X), axis=axis, keepdims=keepdims), expected, 1e-5)
    close(jittor(jt.array(X), dim=axis, keepdim=keepdims), expected, 1e-5)


@pytest.mark.parametrize("dim", [None, 0, 2, -2])
@pytest.mark.parametrize("keepdim", [False, True])
def test_places_of_extremes_are_numpys(dim: Any, keepdim: bool) -> None:
    close(jt.argmax(jt.array(X), dim, keepdim), np.argmax(X, dim, keepdims=keepdim))
    close(jt.array(X).argmin(axis=dim, keepdims=keepdim), np.argmin(X, dim, keepdims=keepdim))


def test_reductions_of_nothing() -> None:
    nothing = jt.zeros(0, 3)

    assert (nothing.sum().item(), nothing.prod().item(), nothing.any().item(), nothing.all().item()) == (
        0.0,
        1.0,
        False,
        True,
    )
    assert nothing.sum(0).tolist() == [0.0, 0.0, 0.0] and np.isnan(nothing.mean().item())


def test_integer_sums_are_int64_and_means_float32() -> None:
    small = jt.array(np.full(1000, 100, np.int8))

    assert (small.sum().dtype, small.sum().item()) == ("int64", 100_000)
    assert (small.mean().dtype, small.mean().item()) == ("float32", 100.0)
    assert jt.array([True, True]).sum().item() == 2


def test_sums_of_many_ones_are_exact() -> None:
    assert jt.ones(20_000_000).sum().item() == 20_000_000


@pytest.mark.parametrize("p", [0, 1, 2, 3, float("inf"), -float("inf")])
def test_norms_are_numpys(p: float) -> None:
    expected = np.linalg.norm(X.astype(np.float64), p, axis=2) if p not in (0,) else (X != 0).sum(2)

    close(jt.norm(jt.array(X), p, -1), expected, 1e-5)


@pytest.mark.parametrize("length", [1, 5, 64, 65, 300, 5000])
@pytest.mark.parametrize("axis", [0, 1])
def test_cumulative_sums_are_numpys(length: int, axis: int) -> None:
    values = RANDOM.integers(-9, 9, (length, 3) if axis == 0 else (3, length))

    close(jt.cumsum(jt.array(values), axis), np.cumsum(values, axis))
    close(jt.array(values.astype(np.float32)).cumsum(axis), np.cumsum(values, axis))


def test_cumulative_sums_keep_what_is_before_an_infinity() -> None:
    assert jt.cumsum(jt.array([1.0, float("inf"), 2.0]), 0).tolist() == [1.0, float("inf"), float("inf")]
    close(jt.cumprod(jt.array([1.5, -2.0, 0.5, 3.0]), 0), np.cumprod([1.5, -2.0, 0.5, 3.0]))


def test_gradient_of_cumsum_counts_the_sums_behind() -> None:
    x = jt.array(X[0, 0])

    assert jt.grad(jt.cumsum(x, 0).sum(), x).tolist() == [5.0, 4.0, 3.0, 2.0, 1.0]


@pytest.mark.parametrize(
    "equation,shapes",
    [
        ("ij,jk->ik", [(2, 3), (3, 4)]),
        ("ij,jk", [(2, 3), (3, 4)]),
        ("bij,bjk->bik", [(2, 3, 4), (2, 4, 5)]),
        ("ii->i", [(3, 3)]),
        ("ii", [(3, 3)]),
        ("ij->ji", [(2, 3)]),
        ("ij->", [(2, 3)]),
        ("i,j->ij", [(2,), (3,)]),
        ("i,i->", [(4,), (4,)]),
        ("ij,j->i", [(2, 3), (3,)]),
        ("...ij,...jk->...ik", [(5, 2, 3), (3, 4)]),
        ("ij,jk,kl->il", [(2, 3), (3, 4), (4, 2)]),
        ("bhqd,bhkd->bhqk", [(2, 2, 3, 4), (2, 2, 5, 4)]),
        ("ij,kj->", [(2, 3), (4, 3)]),
        ("iji->j", [(2, 3, 2)]),
        ("...->...", [(2, 3)]),
    ],
)
def test_einsum_is_numpys(equation: str, shapes: list[tuple[int, ...]]) -> None:
    arrays = [RANDOM.normal(size=shape).astype(np.float32) for shape in shapes]

    close(jt.einsum(equation, *map(jt.array, arrays)), np.einsum(equation, *arrays), 1e-5)


@pytest.mark.parametrize("dims", [0, 1, 2, ([1, 0], [0, 1]), ([0], [2])])
def test_tensordot_is_numpys(dims: Any) -> None:
    a = RANDOM.normal(size=(3, 4)).astype(np.float32)
    b = RANDOM.normal(
        size={0: (2,), 1: (4, 5), 2: (3, 4, 2)}.get(dims if isinstance(dims, int) else -1, (4, 3, 3))
    ).astype(np.float32)

    close(jt.tensordot(jt.array(a), jt.array(b), dims), np.tensordot(a, b, dims), 1e-5)


@pytest.mark.parametrize(
    "a,b",
    [
        ((3,), (3,)),
        ((2, 3), (3,)),
        ((3,), (3, 2)),
        ((2, 3), (3, 4)),
        ((5, 2, 3), (3, 4)),
        ((5, 1, 2, 3), (6, 3, 4)),
        ((0, 3), (3, 2)),
        ((2, 0), (0, 3)),
    ],
)
def test_matmul_is_numpys(a: tuple, b: tuple) -> None:
    left, right = (RANDOM.normal(size=s).astype(np.float32) for s in (a, b))

    close(jt.array(left) @ jt.array(right), left @ right, 1e-5)
    close(jt.array(left) @ right, left @ right, 1e-5)
    close(left @ jt.array(right), left @ right, 1e-5)


def test_integer_matmul_is_exact() -> None:
    a, b = RANDOM.integers(-(2**40), 2**40, (3, 300)), RANDOM.integers(-100, 100, (300, 2))

    close(jt.array(a) @ jt.array(b), a @ b)


def test_small_products() -> None:
    a, b = jt.array([1.0, 2.0]), jt.array([3.0, 4.0])

    assert jt.dot(a, b).item() == 11.0 and jt.outer(a, b).tolist() == [[3.0, 4.0], [6.0, 8.0]]
    assert jt.inner(a, b).item() == 11.0 and jt.addmm(jt.ones(1, 1), a[None], b[:, None], beta=2).tolist() == [[13.0]]


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("dim", [0, 1])
def test_sort_is_torchs(descending: bool, dim: int) -> None:
    torch = pytest.importorskip("torch")
    expected = torch.sort(torch.from_numpy(INTS), dim=dim, descending=descending, stable=True)

    values, indices = jt.sort(jt.array(INTS), dim, descending)

    close(values, expected[0].numpy())
    close(indices, expected[1].numpy())


def test_gradient_of_sort_goes_back_to_the_places() -> None:
    x = jt.array([3.0, 1.0, 2.0])

    found = jt.grad((jt.sort(x).values * jt.array([1.0, 10.0, 100.0])).sum(), x)

    assert found.tolist() == [100.0, 1.0, 10.0]


def test_topk_kthvalue_median_and_unique() -> None:
    x = jt.array([[4.0, 1.0, 3.0, 2.0]])

    assert jt.topk(x, 2).values.tolist() == [[4.0, 3.0]] and jt.topk(x, 2, largest=False).indices.tolist() == [[1, 3]]
    assert jt.kthvalue(x, 2).values.tolist() == [2.0] and jt.median(x).item() == 2.0
    values, inverse, counts = jt.unique(jt.array([3, 1, 3]), return_inverse=True, return_counts=True)
    assert (values.tolist(), inverse.tolist(), counts.tolist()) == ([1, 3], [1, 0, 1], [1, 2])


ELEMENTWISE: dict[str, tuple[Callable, Callable]] = {
    "log2": (jt.log2, np.log2),
    "log10": (jt.log10, np.log10),
    "exp2": (jt.exp2, np.exp2),
    "square": (jt.square, np.square),
    "isfinite": (jt.isfinite, np.isfinite),
    "logical_not": (jt.logical_not, np.logical_not),
    "nan_to_num": (jt.nan_to_num, np.nan_to_num),
    "isnan": (jt.isnan, np.isnan),
    "isinf": (jt.isinf, np.isinf),
    "clamp": (lambda x: jt.clamp(x, -1, 2), lambda x: np.clip(x, -1, 2)),
    "clamp below": (lambda x: x.clamp(min=0.5), lambda x: np.maximum(x, np.float32(0.5))),
    "clip by Jittor's names": (lambda x: jt.clamp(x, min_v=-1, max_v=0), lambda x: np.clip(x, -1, 0)),
    "where": (lambda x: jt.where(x > 0, x, -1.0), lambda x: np.where(x > 0, x, np.float32(-1))),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("jittor,numpy", ELEMENTWISE.values(), ids=ELEMENTWISE.keys())
def test_composed_maths_is_numpys_also_of_special_values(jittor: Callable, numpy: Callable) -> None:
    values = np.array([0.0, -0.0, 1.5, -2.5, 1e30, np.inf, -np.inf, np.nan, 8.0], np.float32)

    close(jittor(jt.array(values)), numpy(values), 1e-5)


@pytest.mark.parametrize(
    "mode,expected", [("floor", [3, -4, -4, 3]), ("trunc", [3, -3, -3, 3]), (None, [3.5, -3.5, -3.5, 3.5])]
)
def test_rounding_of_division(mode: str | None, expected: list[float]) -> None:
    assert jt.divide(jt.array([7, -7, 7, -7]), jt.array([2, 2, -2, -2]), rounding_mode=mode).tolist() == expected


def test_logic_takes_any_dtype() -> None:
    a, b = jt.array([0.0, 2.0, 0.0]), jt.array([1, 1, 0])

    assert jt.logical_and(a, b).tolist() == [False, True, False] and jt.logical_or(a, b).tolist() == [True, True, False]
    assert jt.logical_xor(a, b).tolist() == [True, False, False] and jt.allclose(a, a) and not jt.allclose(a, a + 1)


# ---- meta-operators and custom operators ----


def test_reindex_with_strings_extras_and_conditions() -> None:
    x, order = jt.array(X[0]), jt.array([2, 0])

    np.testing.assert_array_equal(
        jt.reindex(x, (2, 5), ["@e0(i0)", "4-i1"], extras=[order]).numpy(), X[0][[2, 0]][:, ::-1]
    )
    np.testing.assert_array_equal(
        jt.reindex(x, (4, 5), ["i0+1", "i1"], -7.0).numpy(), np.concatenate([X[0][1:], np.full((1, 5), -7)])
    )
    np.testing.assert_array_equal(
        jt.reindex(x, (4, 5), ["i0", "i1"], 9.0, ["i0 > i1"]).numpy(), np.where(np.tril(np.ones((4, 5)), -1), 9, X[0])
    )
    np.testing.assert_array_equal(jt.reindex(x, (4, 2), ["xshape0-1-i0", "i1*2+1"]).numpy(), X[0][::-1, 1:5:2])


def test_reindex_and_reindex_reduce_are_each_others_gradient() -> None:
    x, w = jt.array(X[0]), RANDOM.normal(size=(6, 5)).astype(np.float32)
    expected = np.zeros_like(X[0])
    np.add.at(expected, np.arange(6) // 2, w)

    found = jt.grad((jt.reindex(x, (6, 5), ["i0//2", "i1"]) * jt.array(w)).sum(), x)
    again = jt.grad((jt.reindex_reduce(jt.array(w), "add", (4, 5), ["i0//2", "i1"]) * x).sum(), x)

    close(found, expected)
    close(again, expected)


@pytest.mark.parametrize("op,numpy", [("add", np.sum), ("multiply", np.prod), ("maximum", np.max), ("minimum", np.min)])
def test_reduce_and_reindex_reduce_join(op: str, numpy: Callable) -> None:
    close(jt.reduce(jt.array(X), op, (0, 2)), numpy(X, (0, 2)), 1e-5)
    close(jt.reindex_reduce(jt.array(X), op, (4,), ["i1"]), numpy(X, (0, 2)), 1e-5)


def test_broadcast_makes_new_axes() -> None:
    np.testing.assert_array_equal(
        jt.broadcast(jt.array(X[0]), (4, 3, 5), [1]).numpy(), np.broadcast_to(X[0][:, None], (4, 3, 5))
    )
    np.testing.assert_array_equal(
        jt.broadcast(jt.array(X[0, 0]), jt.zeros(2, 5)).numpy(), np.broadcast_to(X[0, 0], (2, 5))
    )


def test_convolution_written_with_the_meta_operators() -> None:
    torch = pytest.importorskip("torch")
    x, w = RANDOM.normal(size=(2, 3, 6, 6)).astype(np.float32), RANDOM.normal(size=(4, 3, 3, 3)).astype(np.float32)
    shape = [2, 4, 3, 4, 4, 3, 3]  # batch, out, in, rows, columns, kernel rows, kernel columns

    wide = jt.reindex(jt.array(x), shape, ["i0", "i2", "i3+i5", "i4+i6"])
    kernel = jt.broadcast(jt.array(w), shape, (0, 3, 4))
    found = (wide * kernel).sum((2, 5, 6))

    close(found, torch.nn.functional.conv2d(torch.from_numpy(x), torch.from_numpy(w)).numpy(), 1e-4)


def test_compute_reads_elements_at_index_expressions() -> None:
    x, index = jt.array(X[0]), jt.array([3, 0, 1])

    np.testing.assert_array_equal(jt.compute((4, 4), lambda i, j: x[i, j + 1] - x[i, j]).numpy(), np.diff(X[0], axis=1))
    np.testing.assert_array_equal(jt.compute((3, 5), lambda i, j: x[index[i], 4 - j]).numpy(), X[0][[3, 0, 1], ::-1])
    np.testing.assert_array_equal(
        jt.compute((2,), lambda i: x[i * 2, i % 2] * 2).numpy(), [X[0, 0, 0] * 2, X[0, 2, 1] * 2]
    )
    np.testing.assert_array_equal(jt.compute((5,), lambda i: x[i, 0]).numpy(), [*X[0, :, 0], 0])


EACH = "for (int i = 0; i < in0_shape0; i++) for (int j = 0; j < in0_shape1; j++)"
SQUARE = f"{EACH} @out(i, j) = @in0(i, j) * @in0(i, j);"
SQUARE_GRADIENT = f"{EACH} @out(i, j) = 2 * @in0(i, j) * @dout(i, j);"


def test_code_runs_the_users_source_and_gradient() -> None:
    x = jt.array(X[0])

    y = jt.code(x.shape, x.dtype, [x], cpu_src=SQUARE, cpu_grad_src=[SQUARE_GRADIENT])

    np.testing.assert_array_equal(y.numpy(), X[0] * X[0])
    np.testing.assert_array_equal(jt.grad((y * 3).sum(), x).numpy(), 6 * X[0])


def test_code_of_several_inputs_and_outputs_with_header_and_data() -> None:
    a, b = jt.array([1.0, 4.0, 9.0]), jt.array([2, 3, 4])
    source = """
    @alias(n, in1)
    for (int i = 0; i < in0_shape0; i++) {
      @out0(i) = std::sqrt(@in0(i)) * data["scale"];
      @out1(i) = @n(i) + n_shape0;
    }"""

    first, second = jt.code(
        [(3,), (3,)], ["float32", "int64"], [a, b], source, cpu_header="#include <cmath>", data={"scale": 10.0}
    )

    assert (first.tolist(), second.tolist()) == ([10.0, 20.0, 30.0], [5, 6, 7])


def test_code_with_another_number_compiles_nothing() -> None:
    from jittor_cy.ops import custom

    source = "for (int i = 0; i < out_shape0; i++) @out(i) = data['k'];"
    found = [jt.code((2,), "float32", [], source, data={"k": 1.0}).tolist()]
    before = len(custom.ENTRIES)

    found.append(jt.code((2,), "float32", [], source, data={"k": 2.5}).tolist())

    assert found == [[1.0, 1.0], [2.5, 2.5]] and len(custom.ENTRIES) == before


def test_code_that_does_not_compile_shows_the_line() -> None:
    with pytest.raises(CompileError) as caught:
        jt.code((2,), "float32", [], "int x = 1;\nthis is wrong;")

    assert "| this is wrong;" in str(caught.value) and "error" not in str(caught.value).splitlines()[0]


# ---- random numbers ----


def test_random_numbers_follow_the_seed_and_nothing_else() -> None:
    jt.seed(7)
    first, second = jt.rand(1000), jt.randn(1000)
    values = [second.numpy(), first.numpy()]

    jt.seed(7)
    again = [jt.rand(1000).numpy(), jt.randn(1000).numpy()]

    np.testing.assert_array_equal(values[1], again[0])
    np.testing.assert_array_equal(values[0], again[1])
    assert not np.array_equal(again[0], jt.rand(1000).numpy())


def test_distributions_have_their_moments() -> None:
    jt.seed(3)
    n = 200_000
    uniform, normal, ints = (
        jt.uniform(-1, 3, (n,)).numpy(),
        jt.normal(2.0, 3.0, (n,)).numpy(),
        jt.randint(-2, 3, (n,)).numpy(),
    )

    assert abs(uniform.mean() - 1) < 0.02 and -1 <= uniform.min() and uniform.max() <= 3
    assert abs(normal.mean() - 2) < 0.04 and abs(normal.std() - 3) < 0.03 and np.isfinite(normal).all()
    np.testing.assert_allclose(np.bincount(ints + 2, minlength=5) / n, 0.2, atol=0.005)
    assert abs(jt.bernoulli(jt.full((n,), 0.3)).mean().item() - 0.3) < 0.005


def test_randperm_holds_each_number_once() -> None:
    assert sorted(jt.randperm(100).tolist()) == list(range(100))


# ---- files ----


def test_save_and_load_keep_nesting_values_and_dtypes(tmp_path: Any) -> None:
    state = {
        "w": jt.array(X),
        "half": jt.array([0.5]).bfloat16(),
        "list": [1, 2.5, "a", None, (True,)],
        3: np.arange(4),
    }

    jt.save(state, tmp_path / "state.pkl")
    found = jt.load(tmp_path / "state.pkl")

    np.testing.assert_array_equal(found["w"].numpy(), X)
    assert found["half"].dtype == "bfloat16" and found["half"].tolist() == [0.5]
    assert found["list"] == state["list"] and found[3].tolist() == [0, 1, 2, 3]


def test_safetensors_are_written_and_read(tmp_path: Any) -> None:
    jt.save({"a": jt.array(X), "b": jt.array([1, 2])}, tmp_path / "state.safetensors")

    found = jt.load(tmp_path / "state.safetensors")

    np.testing.assert_array_equal(found["a"].numpy(), X)
    assert found["b"].dtype == "int64" and found["b"].tolist() == [1, 2]

"""class Var: attributes, conversions, operators against NumPy and torch's promotion, printing, copying."""

from __future__ import annotations

import copy
import gc
import operator
import pickle
import sys
import weakref

import numpy as np
import pytest

import jittor_cy as jt

DTYPES = ("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64")
BINARY = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "truediv": operator.truediv,
    "floordiv": operator.floordiv,
    "mod": operator.mod,
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
}


def test_attributes() -> None:
    x = jt.zeros(2, 3, 4)

    assert (x.shape, x.ndim, x.size(), x.size(-1), x.numel(), len(x)) == ((2, 3, 4), 3, (2, 3, 4), 4, 24, 2)
    assert (x.nbytes, x.itemsize, x.device, x.T.shape, x.mT.shape) == (96, 4, "cpu", (4, 3, 2), (2, 4, 3))
    assert x.requires_grad and x.is_leaf and x.grad is None


@pytest.mark.parametrize("name", [*DTYPES, "uint16", "uint32", "uint64"])
def test_arrays_keep_dtype_and_values(name: str) -> None:
    values = np.array([[0, 1], [1, 0]]).astype(name)

    x = jt.array(values)

    assert x.dtype == name and x.dtype == np.dtype(name)
    assert x.numpy().dtype == values.dtype
    np.testing.assert_array_equal(x.numpy(), values)


@pytest.mark.parametrize(
    "data,dtype",
    [
        (1, "int64"),
        (1.5, "float32"),
        (True, "bool"),
        ([1, 2], "int64"),
        ([1.0], "float32"),
        ([True], "bool"),
        ([], "float32"),
        (np.float64(1), "float64"),
        (2**40, "int64"),
        (np.zeros(2), "float64"),
        (range(3), "int64"),
    ],
)
def test_dtype_of_new_vars(data: object, dtype: str) -> None:
    assert jt.array(data).dtype == dtype


def test_dtype_objects() -> None:
    assert jt.float32 == "float32" and jt.float32 == np.float32 and jt.float32 == jt.zeros(1).dtype
    assert jt.float32 != jt.float64 and jt.int64 != np.float32
    assert jt.int32([1.9, -1.9]).tolist() == [1, -1]
    assert pickle.loads(pickle.dumps(jt.bfloat16)) == "bfloat16"
    assert {jt.float32: 1}["float32"] == 1


@pytest.mark.parametrize(
    "layout",
    ["contiguous", "transposed", "strided", "reversed", "broadcast", "big endian", "unaligned", "empty", "scalar"],
)
@pytest.mark.parametrize("make", [jt.array, jt.asarray])
def test_arrays_of_any_layout_are_read(layout: str, make: object) -> None:
    base = np.arange(24, dtype=np.float32).reshape(4, 6)
    array = {
        "contiguous": base,
        "transposed": base.T,
        "strided": base[::2, 1::3],
        "reversed": base[::-1, ::-2],
        "broadcast": np.broadcast_to(base[:1], (3, 6)),
        "big endian": base.astype(">f4"),
        "unaligned": np.frombuffer(b"x" + base.tobytes(), np.uint8)[1:].view(np.float32),
        "empty": base[:0],
        "scalar": base[1, 1].reshape(()),
    }[layout]

    x = make(array)

    np.testing.assert_array_equal(x.numpy(), array)
    np.testing.assert_array_equal((x + 1).numpy(), array + 1)


def test_array_copies_and_asarray_looks() -> None:
    source = np.zeros(3, np.float32)
    copied, looked = jt.array(source), jt.asarray(source)

    source[0] = 5

    assert copied.tolist() == [0.0, 0.0, 0.0]
    assert looked.tolist() == [5.0, 0.0, 0.0]


def test_asarray_keeps_the_arrays_memory_alive() -> None:
    x = jt.asarray(np.arange(100_000, dtype=np.int64) * 3)
    gc.collect()

    assert x.sum().item() == 3 * 99_999 * 50_000


def test_numpy_is_read_only_without_a_copy_and_outlives_the_var() -> None:
    x = jt.arange(1000).sync()
    first, second = x.numpy(), x.numpy()

    assert first.ctypes.data == second.ctypes.data
    with pytest.raises(ValueError, match="read-only"):
        first[0] = 1
    del x
    jt.zeros(1000, dtype="int64").sync()
    assert first.sum() == 499_500


def test_numpy_of_bfloat16_is_float32() -> None:
    assert jt.array([1.0, 2.5, 1 / 3]).bfloat16().numpy().tolist() == [1.0, 2.5, 0.333984375]


def test_dlpack_both_ways_with_torch() -> None:
    torch = pytest.importorskip("torch")
    x = jt.array([[1.0, 2.0], [3.0, 4.0]])

    there = torch.from_dlpack(x)
    there += 1
    back = jt.from_dlpack(torch.arange(3))

    assert there.tolist() == [[2.0, 3.0], [4.0, 5.0]]
    assert x.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert back.tolist() == [0, 1, 2]
    assert jt.array(torch.ones(2, requires_grad=True)).tolist() == [1.0, 1.0]


def test_python_conversions() -> None:
    x = jt.array([[1, 2], [3, 4]])

    assert (int(x[0, 1]), float(x[1, 0]), bool(x[0, 0]), [10, 20, 30][x[0, 1]]) == (2, 3.0, True, 30)
    assert [row.tolist() for row in x] == [[1, 2], [3, 4]]
    assert 3 in x and 7 not in x
    assert f"{jt.array(0.5):.3f}" == "0.500"
    assert np.asarray(x).tolist() == x.tolist() == [[1, 2], [3, 4]]


def test_repr_of_a_pending_var_shows_its_operations_and_runs_nothing() -> None:
    before = jt.stats()["runs"]
    x = jt.ones(32, 10)

    text = repr((x + 1).exp())

    assert text == "Var(float32[32, 10], cpu, pending: exp ← add ← full)"
    assert jt.stats()["runs"] == before


def test_repr_of_a_realized_var_shows_values() -> None:
    assert repr(jt.array([1.5, 2.0])) == "Var([1.5, 2. ], dtype=float32)"


@pytest.mark.parametrize("symbol", BINARY.values(), ids=BINARY.keys())
@pytest.mark.parametrize(
    "right", [2, 2.5, np.float32(1.5), np.arange(1, 4, dtype=np.float32)], ids=["int", "float", "scalar", "array"]
)
def test_operators_beside_numbers_and_arrays_are_numpys(symbol: object, right: object) -> None:
    left = np.array([[1.0, -2.0, 2.5], [3.5, 2.0, -0.5]], np.float32)

    np.testing.assert_allclose(symbol(jt.array(left), right).numpy(), symbol(left, right), rtol=1e-6)
    np.testing.assert_allclose(symbol(right, jt.array(left)).numpy(), symbol(right, left), rtol=1e-6)


@pytest.mark.parametrize("left", DTYPES)
@pytest.mark.parametrize("right", DTYPES)
@pytest.mark.parametrize("shapes", [((2,), (2,)), ((), (2,)), ((2,), ()), ((), ())])
def test_promotion_is_torchs(left: str, right: str, shapes: tuple) -> None:
    torch = pytest.importorskip("torch")
    expected = torch.result_type(
        torch.ones(shapes[0], dtype=getattr(torch, left)), torch.ones(shapes[1], dtype=getattr(torch, right))
    )

    found = jt.ones(shapes[0], dtype=left) * jt.ones(shapes[1], dtype=right)

    assert f"torch.{found.dtype}" == str(expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("number", [True, 2, 2.5])
def test_promotion_with_numbers_is_torchs(dtype: str, number: object) -> None:
    torch = pytest.importorskip("torch")
    expected = torch.result_type(torch.ones(2, dtype=getattr(torch, dtype)), number)

    assert f"torch.{(jt.ones(2, dtype=dtype) + number).dtype}" == str(expected)
    assert f"torch.{(number * jt.ones(2, dtype=dtype)).dtype}" == str(expected)


@pytest.mark.parametrize("a", [7, -7, 0])
@pytest.mark.parametrize("b", [2, -2, 3])
@pytest.mark.parametrize("dtype", ["int32", "int64", "float32"])
def test_floor_division_and_remainder_floor(a: int, b: int, dtype: str) -> None:
    x, y = jt.array(a, dtype=dtype), jt.array(b, dtype=dtype)

    assert ((x // y).item(), (x % y).item()) == (a // b, a % b)


@pytest.mark.parametrize("exponent", [0, 1, 2, 3, -1, -2, 0.5, 2.0, -0.5])
def test_power_is_numpys(exponent: float) -> None:
    base = np.array([0.5, 1.0, 3.0], np.float32)

    np.testing.assert_allclose((jt.array(base) ** exponent).numpy(), base**exponent, rtol=1e-6)
    np.testing.assert_allclose((2.0 ** jt.array(base)).numpy(), 2.0**base, rtol=1e-6)


def test_unary_operators() -> None:
    x = jt.array([1, -2])

    assert ((-x).tolist(), abs(x).tolist(), (~x).tolist(), (+x).tolist()) == ([-1, 2], [1, 2], [-2, 1], [1, -2])


def test_comparison_with_what_is_no_number_is_identity() -> None:
    x = jt.array([1.0])

    assert (x == None) is False  # noqa: E711
    assert (x != "a") is True
    assert hash(x) == hash(x) and len({x, x, jt.array([1.0])}) == 2


def test_casts() -> None:
    x = jt.array([1.7, -1.7, 0.0])

    assert [getattr(x, n)().dtype for n in ("half", "double", "int", "long", "bool", "bfloat16", "byte")] == [
        "float16",
        "float64",
        "int32",
        "int64",
        "bool",
        "bfloat16",
        "uint8",
    ]
    assert x.int().tolist() == [1, -1, 0] and x.bool().tolist() == [True, True, False]
    assert (
        x.astype("float32") is x
        and x.to(jt.float64).dtype == x.type_as(jt.zeros(1, dtype="float64")).dtype == "float64"
    )


def test_pickle_and_deepcopy_keep_values_and_training() -> None:
    w = jt.array([1.0, 2.0]).requires_grad_()
    stopped = jt.array([3.0]).stop_grad()
    half = jt.array([0.5]).bfloat16()

    for again in (pickle.loads(pickle.dumps([w, stopped, half])), copy.deepcopy([w, stopped, half])):
        assert [x.tolist() for x in again] == [[1.0, 2.0], [3.0], [0.5]]
        assert again[2].dtype == "bfloat16" and not again[1].requires_grad
        (again[0] * 2).sum().backward()
        assert again[0].grad.tolist() == [2.0, 2.0] and w.grad is None


def test_deepcopy_does_not_share() -> None:
    x = jt.array([1.0])
    y = copy.deepcopy(x)

    y += 1

    assert x.tolist() == [1.0]


def test_vars_take_attributes_and_weak_references_and_die() -> None:
    x = jt.zeros(2)
    x.label = "loss"
    reference = weakref.ref(x)

    assert x.label == "loss" and reference() is x
    del x
    assert reference() is None


def test_origin_is_the_users_line() -> None:
    x = jt.softmax(jt.zeros(2, 2).exp())
    line = sys._getframe().f_lineno - 1

    assert x.origin == f"test_var.py:{line}"


def test_recording_holds_no_reference_to_frames() -> None:
    def record() -> jt.Var:
        marker = weakref.WeakSet()
        local = jt.zeros(2)
        marker.add(local)
        return local * 2, marker

    y, marker = record()

    assert len(marker) == 0 and y.tolist() == [0.0, 0.0]


def test_a_million_pending_operations_work() -> None:
    x, one = jt.zeros(1), jt.ones(1)

    for _ in range(1_000_000):
        x = x + one

    assert x.item() == 1_000_000


def test_nothing_is_computed_before_somebody_looks() -> None:
    before = jt.stats()["runs"]
    x = jt.ones(10) * 2 + 1

    assert jt.stats()["runs"] == before and not x.realized
    x.sync()
    assert jt.stats()["runs"] == before + 1 and x.realized

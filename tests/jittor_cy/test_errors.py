"""Programs that must fail: the class that a NumPy user expects, a message that names function, operands and cure."""

from __future__ import annotations

import copy
import inspect
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import jittor_cy as jt
from jittor_cy import errors


def x() -> jt.Var:
    return jt.zeros(2, 3)


FAILURES: list[tuple[str, Callable, type[Exception], tuple[str, ...]]] = [
    ("add shapes", lambda: x() + jt.zeros(4), errors.ShapeError, ("add", "[2, 3]", "[4]", "test_errors.py")),
    (
        "matmul inner",
        lambda: jt.zeros(2, 3) @ jt.zeros(4, 5),
        errors.ShapeError,
        ("matmul", "3", "4", "test_errors.py"),
    ),
    ("reshape count", lambda: x().reshape(4, 2), errors.ShapeError, ("reshape", "6", "[4, 2]")),
    ("reshape two unknown", lambda: x().reshape(-1, -1), errors.ArgumentError, ("reshape", "one may be -1")),
    ("sum axis", lambda: x().sum(2), errors.IndexError_, ("sum", "dim 2", "2-d", "from -2 to 1")),
    ("sum axis twice", lambda: x().sum((0, 0)), errors.ArgumentError, ("sum", "twice")),
    ("both axis spellings", lambda: jt.sum(x(), 0, axis=0), errors.ArgumentTypeError, ("sum", "dim and axis")),
    ("softmax axis", lambda: jt.softmax(x(), 5), errors.IndexError_, ("softmax", "dim 5")),
    ("transpose axis", lambda: x().transpose(0, 2), errors.IndexError_, ("dim 2",)),
    ("permute incomplete", lambda: x().permute(0, 0), errors.ArgumentError, ("permute", "each of the 2 dims once")),
    ("concat nothing", lambda: jt.concat([]), errors.ArgumentError, ("concat",)),
    ("concat shapes", lambda: jt.concat([jt.zeros(2, 3), jt.zeros(3, 3)], 1), errors.ShapeError, ("concat",)),
    ("stack shapes", lambda: jt.stack([jt.zeros(2), jt.zeros(3)]), errors.ShapeError, ("stack", "input 1")),
    ("expand", lambda: x().expand(4, 3), errors.ShapeError, ("expand",)),
    ("max of nothing", lambda: jt.zeros(0).max(), errors.ShapeError, ("max", "no elements")),
    ("argmax of nothing", lambda: jt.zeros(0).argmax(), errors.ShapeError, ("argmax",)),
    ("bitwise of floats", lambda: x() & x(), errors.DtypeError, ("bitwise_and", "float32")),
    ("unknown dtype", lambda: jt.zeros(2, dtype="float31"), errors.DtypeError, ("float31", "float32")),
    ("complex", lambda: x() + 1j, errors.DtypeError, ("complex",)),
    ("object array", lambda: jt.array(np.array([object()])), errors.DtypeError, ("object",)),
    ("ragged list", lambda: jt.array([[1], [1, 2]]), errors.ArgumentError, ("ragged",)),
    ("text", lambda: jt.array("abc"), errors.ArgumentTypeError, ("array", "str")),
    ("negative size", lambda: jt.zeros(-1), errors.ArgumentError, ("not negative", "-1")),
    ("size of another type", lambda: jt.zeros("a"), errors.ArgumentTypeError, ("sizes must be ints",)),
    ("huge size", lambda: jt.zeros(2**40, 2**40), errors.ArgumentError, ("full",)),
    ("item of many", lambda: x().item(), errors.ArgumentError, ("item", "6")),
    ("truth of many", lambda: bool(x()), errors.ArgumentError, ("ambiguous", "any() or all()")),
    ("length of a number", lambda: len(jt.array(1)), errors.ArgumentTypeError, ("0-d",)),
    ("index of a float", lambda: [1, 2][jt.array(1.0)], errors.DtypeError, ("integer",)),
    ("operand of another type", lambda: jt.add(x(), "a"), errors.ArgumentTypeError, ("add", "str")),
    ("function of another type", lambda: jt.exp("a"), errors.ArgumentTypeError, ("exp", "str")),
    ("split sizes", lambda: x().split([1, 1], 1), errors.ArgumentError, ("split", "3")),
    ("pad mode", lambda: jt.pad(x(), (1, 1), mode="mirror"), errors.ArgumentError, ("mirror", "constant")),
    ("gather dims", lambda: jt.gather(x(), 0, jt.array([1])), errors.ShapeError, ("gather",)),
    ("gather dtype", lambda: jt.gather(x(), 0, x()), errors.DtypeError, ("integers",)),
    ("topk", lambda: jt.topk(x(), 4), errors.ArgumentError, ("topk", "4", "3")),
    ("einsum operands", lambda: jt.einsum("ij,jk", x()), errors.ArgumentError, ("2 operands",)),
    ("einsum sizes", lambda: jt.einsum("ij,jk->ik", x(), jt.zeros(2, 2)), errors.ShapeError, ("'j'", "3 and 2")),
    ("reindex text", lambda: jt.reindex(x(), (2,), ["i0+", "0"]), errors.ArgumentError, ("reindex", "'i0+'")),
    ("reindex axes", lambda: jt.reindex(x(), (2,), ["i0"]), errors.ArgumentError, ("1 index expressions", "2-d")),
    ("reindex unknown axis", lambda: jt.reindex(x(), (2,), ["i1", "0"]), errors.ArgumentError, ("i1", "1 axes")),
    ("reindex_reduce op", lambda: jt.reindex_reduce(x(), "avg", (2,), ["i0"]), errors.ArgumentError, ("avg", "add")),
    ("randint empty", lambda: jt.randint(3, 3, (2,)), errors.ArgumentError, ("randint",)),
    ("arange step", lambda: jt.arange(0, 3, 0), errors.ArgumentError, ("step",)),
    ("grad of another type", lambda: jt.grad(1.0, x()), errors.ArgumentTypeError, ("loss", "float")),
    ("class call", lambda: jt.Var(), errors.ArgumentTypeError, ("jt.array",)),
    ("device", lambda: x().to("cuda:7"), errors.DeviceError, ("use_cuda",)),
    ("load of a stranger's file", lambda: jt.load(__file__), errors.ArgumentError, ("not a file of jt.save",)),
]


@pytest.mark.parametrize("run,kind,words", [f[1:] for f in FAILURES], ids=[f[0] for f in FAILURES])
def test_failure_has_its_class_and_names_what_is_wrong(
    run: Callable, kind: type[Exception], words: tuple[str, ...]
) -> None:
    with pytest.raises(kind) as caught:
        run()

    missing = [word for word in words if word not in str(caught.value)]
    assert not missing, str(caught.value)


@pytest.mark.parametrize(
    "kind,base",
    [
        (errors.ShapeError, ValueError),
        (errors.DtypeError, TypeError),
        (errors.IndexError_, IndexError),
        (errors.ArgumentTypeError, TypeError),
        (errors.ArgumentError, ValueError),
        (errors.MemoryBudgetError, MemoryError),
        (errors.CompileError, RuntimeError),
        (errors.RunError, RuntimeError),
        (errors.ForkError, RuntimeError),
        (errors.GradientError, RuntimeError),
        (errors.DeviceError, RuntimeError),
        (errors.InternalError, RuntimeError),
    ],
)
def test_classes_are_what_a_numpy_user_expects(kind: type[Exception], base: type[Exception]) -> None:
    assert issubclass(kind, base) and issubclass(kind, errors.JittorError)
    assert "Cause:" in kind.__doc__ and "Cure:" in kind.__doc__


def test_an_error_leaves_everything_else_usable() -> None:
    a = jt.ones(3)
    b = a * 2

    with pytest.raises(errors.ShapeError):
        b + jt.zeros(4)

    assert b.tolist() == [2.0, 2.0, 2.0]


def test_operands_stand_below_the_first_line() -> None:
    error = errors.ShapeError("f: shapes differ", help="turn one", a=jt.zeros(2, 3))

    lines = str(error).splitlines()
    assert lines[0] == "f: shapes differ"
    assert lines[1].startswith("  a: float32[2, 3]")
    assert lines[2] == "  help: turn one"


def test_the_line_of_a_layer_is_where_it_was_made() -> None:
    """Its parameters are copies; so are those of a model that the user copies."""
    layer = copy.deepcopy(jt.nn.Linear(10, 5))

    with pytest.raises(jt.errors.ShapeError, match=r"b: float32\[5, 10\] from test_errors.py:\d+"):
        layer(jt.ones((3, 7)))


def test_the_line_of_a_var_is_known_when_its_value_is_there() -> None:
    x = jt.ones((3, 4)) + 1
    made = inspect.currentframe().f_lineno - 1
    x.sync()
    jt.sync_all()

    for value in (x, jt.array(np.ones((3, 4)))):
        with pytest.raises(jt.errors.ShapeError, match=rf"a: float\d+\[3, 4\] from test_errors.py:({made}|{made + 5})"):
            value + jt.ones((2, 4))


@pytest.mark.parametrize(
    "function", ["sum", "prod", "mean", "cumsum", "cumprod", "softmax", "log_softmax", "to", "cast"]
)
def test_a_dtype_that_is_none_names_who_asked(function: str) -> None:
    arguments = (0,) if function in ("cumsum", "cumprod", "softmax", "log_softmax") else ()
    with pytest.raises(jt.errors.DtypeError, match=rf"^{function}: dtype 'int33' is not supported"):
        getattr(jt.ones((2, 2)), function)(*arguments, dtype="int33")


def test_a_dtype_of_a_product_that_is_none_names_matmul() -> None:
    with pytest.raises(jt.errors.DtypeError, match="^matmul: dtype 'int33' is not supported"):
        jt.matmul(jt.ones((2, 2)), jt.ones((2, 2)), dtype="int33")


def test_a_size_that_is_none_names_who_asked() -> None:
    with pytest.raises(jt.errors.ArgumentError, match="memory.budget: 'lots' is not a number of bytes"):
        jt.memory.budget("lots")
    with pytest.raises(jt.errors.DtypeError, match="zeros: dtype 'float33' is not supported"):
        jt.zeros(3, dtype="float33")


def test_what_does_not_fit_names_the_largest_vars(tmp_path: Path) -> None:
    """In a process of its own: what other tests still hold would count."""
    program = tmp_path / "train.py"
    program.write_text(
        "import jittor_cy as jt\n"
        "held = jt.ones((1 << 18,)) + 1\n"
        "held.sync()\n"
        "jt.memory.budget('2MiB')\n"
        "try:\n"
        "    (held.reshape(1, -1) + jt.ones((16, 1))).sync()\n"
        "except jt.errors.MemoryBudgetError as error:\n"
        "    print(error)\n"
        "print((held == 2).all().item())\n"
    )

    done = subprocess.run([sys.executable, str(program)], capture_output=True, text=True)

    lines = done.stdout.splitlines()
    assert lines[0].startswith("memory.budget: Add from train.py:6 needs "), done.stdout + done.stderr
    assert lines[0].endswith(" bytes at once, the budget is 2097152 bytes")
    assert "  1048576 bytes: float32[262144] from train.py:2" in lines
    assert lines[-1] == "True"

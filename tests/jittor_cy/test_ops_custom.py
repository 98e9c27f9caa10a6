"""Custom operators: the user's C++ runs, keeps its kernel when a number changes, and shows its wrong lines."""

from __future__ import annotations

import numpy as np
import pytest

import jittor_cy as jt
from jittor_cy.errors import CompileError

RANDOM = np.random.default_rng(5)
X = RANDOM.normal(size=(3, 4, 5)).astype(np.float32)

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

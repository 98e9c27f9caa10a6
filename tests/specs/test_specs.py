"""Every OpSpec row: values for dtypes and layouts, gradients of first and second order, special values."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
import pytest

import jittor_cy as jt
from jittor_cy.testing.opspec import LAYOUTS, OpSpec, check_gradient, check_second_gradient, check_values
from tests.specs.rows import ROWS

SPECIAL = np.array([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 1e-40, -1e-40, 3e38, -3e38], np.float32)


@pytest.fixture(autouse=True)
def compiled() -> Iterator[None]:
    """Kernels are waited for: without this most rows would be answered by the interpreter alone."""
    with jt.flags(wait_for_kernels=True):
        yield


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("spec", ROWS, ids=lambda spec: spec.name)
def test_value_equals_the_oracle(spec: OpSpec, dtype: str, layout: str) -> None:
    check_values(spec, dtype, layout, jt)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("spec", ROWS, ids=lambda spec: spec.name)
def test_value_by_the_interpreter_equals_the_oracle(spec: OpSpec, dtype: str) -> None:
    with jt.flags(interpret=True):
        check_values(spec, dtype, "sliced", jt)


@pytest.mark.parametrize("spec", [s for s in ROWS if s.gradient], ids=lambda spec: spec.name)
def test_gradient_equals_central_differences(spec: OpSpec) -> None:
    check_gradient(spec, jt)


@pytest.mark.parametrize("spec", [s for s in ROWS if s.gradient and s.second], ids=lambda spec: spec.name)
def test_second_gradient_equals_central_differences(spec: OpSpec) -> None:
    check_second_gradient(spec, jt)


@pytest.mark.parametrize("spec", [s for s in ROWS if s.special], ids=lambda spec: spec.name)
def test_special_values_are_those_of_numpy(spec: OpSpec) -> None:
    found = spec.function(jt, jt.array(SPECIAL)).numpy()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            expected = np.asarray(spec.oracle(SPECIAL.astype(np.float64)), np.float64).astype(np.float32)
        except (ValueError, OverflowError):
            pytest.fail(f"{spec.name}: the oracle takes no special values; give the row special=False")
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-44, equal_nan=True)
    zero = expected == 0
    np.testing.assert_array_equal(np.signbit(found[zero]), np.signbit(expected[zero]))

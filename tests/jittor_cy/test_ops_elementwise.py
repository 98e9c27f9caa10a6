"""Composed maths, rounding and logic, against NumPy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import jittor_cy as jt
from tests.jittor_cy.closeness import close

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

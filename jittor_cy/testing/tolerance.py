"""Tolerances from dtype and length: how far two right answers may lie apart. Never tuned to make a test pass."""

from __future__ import annotations

import numpy as np

__all__ = ["assert_bits_equal", "assert_close", "epsilon"]

# Unit roundoff times two: the distance from 1 to the next number.
EPSILON = {"float16": 2.0**-10, "bfloat16": 2.0**-7, "float32": 2.0**-23, "float64": 2.0**-52}


def epsilon(dtype: str) -> float:
    """Distance from 1 to the next number of a floating dtype; 0 for others."""
    return EPSILON.get(dtype, 0.0)


def assert_bits_equal(got: np.ndarray, expected: np.ndarray, what: str = "") -> None:
    """Same shape, dtype and bits; a NaN equals any NaN (docs/bits.md)."""
    got, expected = np.asarray(got), np.asarray(expected)
    assert got.shape == expected.shape, f"{what}: shape {got.shape}, expected {expected.shape}"
    assert got.dtype == expected.dtype, f"{what}: dtype {got.dtype}, expected {expected.dtype}"
    if got.dtype.kind == "f":
        nan = np.isnan(got) & np.isnan(expected)
        bits = f"u{got.dtype.itemsize}"
        same = nan | (np.ascontiguousarray(got).view(bits) == np.ascontiguousarray(expected).view(bits))
    else:
        same = got == expected
    if not np.all(same):
        at = tuple(int(i[0]) for i in np.nonzero(~np.atleast_1d(same)))
        found, wanted = np.atleast_1d(got)[at], np.atleast_1d(expected)[at]
        count = f"{np.sum(~same)} of {same.size}"
        raise AssertionError(f"{what}: bits differ at {at}: {found!r}, expected {wanted!r}; {count}")


def assert_close(got: np.ndarray, expected: np.ndarray, dtype: str, operations: float, what: str = "") -> None:
    """Within `operations` roundings of `dtype`, relative to the largest finite magnitude of the expected values."""
    got, expected = np.asarray(got), np.asarray(expected)
    assert got.shape == expected.shape, f"{what}: shape {got.shape}, expected {expected.shape}"
    if epsilon(dtype) == 0.0:
        np.testing.assert_array_equal(got, expected, err_msg=what)
        return
    got, expected = got.astype(np.float64), expected.astype(np.float64)
    finite = expected[np.isfinite(expected)]
    scale = max(1.0, float(np.max(np.abs(finite))) if finite.size else 1.0)
    allowed = operations * epsilon(dtype)
    np.testing.assert_allclose(got, expected, rtol=allowed, atol=allowed * scale, err_msg=what, equal_nan=True)

"""What the tests of operations call equal: one shape, and values within a few roundings."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["close"]


def close(found: Any, expected: Any, rtol: float = 2e-6) -> None:
    assert found.shape == np.shape(expected)
    np.testing.assert_allclose(found.numpy(), expected, rtol=rtol, atol=1e-6)

"""What random programs found, each in its smallest form."""
from __future__ import annotations

import numpy as np

import jittor_cy as jt


def test_axes_joined_into_a_product_are_divided_by_the_whole_product() -> None:
    """The two middle axes are one loop of 2 * n iterations behind a first axis."""
    wide = np.arange(5 * 2 * 257 * 7, dtype=np.float32).reshape(5, 2, 257, 7)
    row = np.arange(5 * 7, dtype=np.float32).reshape(5, 1, 1, 7)

    with jt.flags(wait_for_kernels=True):
        found = (jt.array(wide) + jt.array(row)).numpy()

    np.testing.assert_array_equal(found, wide + row)

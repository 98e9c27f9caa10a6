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


def test_a_chain_of_pairs_stays_a_chain() -> None:
    """Each level reads the one below at two indices: as one expression it would double fourteen times."""
    data = np.random.default_rng(1).normal(1, 0.01, 1 << 14).astype(np.float32)
    x, expected = jt.array(data), data
    with jt.flags(wait_for_kernels=True):
        while len(expected) > 1:
            x, expected = x[0::2] * x[1::2], expected[0::2] * expected[1::2]

        np.testing.assert_array_equal(x.numpy(), expected)

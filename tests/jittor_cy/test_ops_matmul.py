"""Products, against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import jittor_cy as jt
from tests.jittor_cy.closeness import close

RANDOM = np.random.default_rng(5)


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
        ("ii...->i...", [(3, 3, 2)]),
        ("i...j,...jk->...ik", [(3, 2, 4), (2, 4, 5)]),
        ("ij...,jk...->ik...", [(2, 3, 5), (3, 4, 5)]),
        ("...i,...i", [(4, 1, 3), (2, 3)]),
        ("Ij, jK -> KI", [(2, 3), (3, 4)]),
        ("ijk,jil,kl->il", [(2, 3, 4), (3, 2, 5), (4, 5)]),
        ("ij,ij,ij->", [(2, 3)] * 3),
        ("i,j,k->kij", [(2,), (3,), (4,)]),
        ("iij,jkk->ik", [(2, 2, 3), (3, 4, 4)]),
        (",ij->ji", [(), (2, 3)]),
        ("ij,jk->ik", [(2, 0), (0, 3)]),
    ],
)
def test_einsum_is_numpys(equation: str, shapes: list[tuple[int, ...]]) -> None:
    arrays = [RANDOM.normal(size=shape).astype(np.float32) for shape in shapes]

    close(jt.einsum(equation, *map(jt.array, arrays)), np.einsum(equation, *arrays), 1e-5)


def test_einsum_gradients_are_einsums() -> None:
    a, b, c, dy = (RANDOM.normal(size=s) for s in ((2, 2, 3), (3, 4), (4, 5), (2, 5)))
    x = [jt.array(v) for v in (a, b, c)]

    found = jt.grad((jt.einsum("iij,jk,kl->il", *x) * jt.array(dy)).sum(), x)

    diagonal = np.einsum("jk,kl,il->ij", b, c, dy)
    expected = [np.einsum("in,ij->inj", np.eye(2), diagonal), np.einsum("iij,kl,il->jk", a, c, dy)]
    for g, e in zip(found, [*expected, np.einsum("iij,jk,il->kl", a, b, dy)], strict=True):
        close(g, e, 1e-10)


@pytest.mark.parametrize(
    "equation, shapes, kind, words",
    [
        ("i1,1j->ij", [(2, 3), (3, 4)], jt.ArgumentError, "'1' is no letter"),
        ("ij,jk->ikz", [(2, 3), (3, 4)], jt.ArgumentError, "'ikz' must name axes of the operands"),
        ("ij->ii", [(2, 3)], jt.ArgumentError, "'ii' must name axes of the operands, each once"),
        ("ijk->ij", [(2, 3)], jt.ShapeError, "'ijk' does not fit operand 0 of 2 dims"),
        ("i...jk->i", [(2, 3)], jt.ShapeError, r"'i\.\.\.jk' does not fit operand 0"),
        ("ii->i", [(2, 3)], jt.ShapeError, "axes of the same label in 'ii' differ"),
        ("i......->i", [(2, 3)], jt.ArgumentError, r"'\.\.\.' stands twice in 'i\.\.\.\.\.\.'"),
    ],
)
def test_a_wrong_einsum_says_what_is_wrong(equation: str, shapes: list, kind: type, words: str) -> None:
    with pytest.raises(kind, match=words):
        jt.einsum(equation, *(jt.zeros(s) for s in shapes))


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


@pytest.mark.parametrize("extents", [(1, 3), (3, 1)])
def test_tensordot_repeats_an_extent_of_one(extents: tuple[int, int]) -> None:
    a, b = (np.arange(1.0, 1 + 2 * n, dtype=np.float32).reshape(2, n) for n in extents)
    expected = np.broadcast_to(a, (2, 3)) @ np.broadcast_to(b, (2, 3)).T

    np.testing.assert_array_equal(jt.tensordot(jt.array(a), jt.array(b), ([1], [1])).numpy(), expected)

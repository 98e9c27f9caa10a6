"""Index arithmetic: splitting and joining indices cancels; bounds are proven, not guessed."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jittor_cy.compiler.ir import expr as e
from jittor_cy.compiler.ir import index as ix
from jittor_cy.compiler.schedule.values import Values, unflatten

C, H, W = (e.dim(i) for i in range(3))


def evaluate(expr: e.Expr, values: dict[e.Expr, int]) -> int:
    if expr in values:
        return values[expr]
    match expr.kind:
        case "const":
            return int(str(expr.data))
        case "div":
            return evaluate(expr.args[0], values) // evaluate(expr.args[1], values)
    total = 0
    for coefficient, atoms in ix.terms_of(expr):
        term = coefficient
        for atom in atoms:
            term *= evaluate(atom, values)
        total += term
    return total


def test_equal_expressions_are_one_object() -> None:
    assert ix.add(C, ix.mul(H, W)) is ix.add(ix.mul(W, H), C)


def test_split_and_joined_index_is_itself() -> None:
    r = e.axis("r1", ix.product([C, H, W]))

    assert Values.flatten(unflatten(r, [C, H, W]), [C, H, W]) is r


def test_joined_and_split_index_is_itself() -> None:
    axes = [e.axis(name, extent) for name, extent in zip("chw", (C, H, W), strict=True)]

    assert unflatten(Values.flatten(axes, [C, H, W]), [C, H, W]) == axes


def test_quotient_of_a_larger_remainder_stays() -> None:
    i = e.axis("i", ix.mul(C, H))

    quotient = ix.floor_div(ix.add(ix.mul(i, W), e.axis("j", ix.mul(W, W))), W)

    assert quotient.kind == "div"


def test_nested_quotients_are_one() -> None:
    i = e.axis("i", ix.product([C, H, W]))

    assert ix.floor_div(ix.floor_div(i, W), H) is ix.floor_div(i, ix.mul(H, W))


@given(st.lists(st.integers(1, 5), min_size=3, max_size=3), st.permutations(range(3)))
def test_split_in_another_order_has_the_right_values(extents: list[int], order: list[int]) -> None:
    dims = [(C, H, W)[i] for i in order]
    r = e.axis("r1", ix.product(dims))
    parts = unflatten(r, dims)
    sizes = {dim: extents[i] for i, dim in enumerate((C, H, W))}

    for number, expected in enumerate(itertools.product(*(range(sizes[d]) for d in dims))):
        assert tuple(evaluate(p, {**sizes, r: number}) for p in parts) == expected


@pytest.mark.parametrize(("bound", "proven"), [(ix.mul(H, W), True), (W, False), (ix.sub(ix.mul(H, W), ix.ONE), False)])
def test_bound_of_two_joined_axes(bound: e.Expr, proven: bool) -> None:
    joined = ix.add(ix.mul(e.axis("h", H), W), e.axis("w", W))

    assert ix.is_below(joined, bound) == proven


def test_substitution_keeps_the_normal_form() -> None:
    h, w, joined = e.axis("h", H), e.axis("w", W), e.axis("hw", ix.mul(H, W))
    place = ix.add(ix.mul(h, W), w)

    (changed,) = e.substitute([place], {h: ix.floor_div(joined, W), w: ix.mod(joined, W)})

    assert changed is joined

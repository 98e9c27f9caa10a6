"""Index arithmetic in a normal form: polynomials with integer coefficients over atoms (axes, dims, quotients, values).

A remainder is written a - b * (a / b), so that splitting an index into axes and joining them again cancels by itself.
"""

from __future__ import annotations

from jittor_cy.compiler.ir.expr import INDEX, Expr, const, node

__all__ = [
    "ONE",
    "ZERO",
    "add",
    "const",
    "divide_term",
    "floor_div",
    "from_terms",
    "is_below",
    "mod",
    "mul",
    "product",
    "rebuild",
    "sub",
    "terms_of",
    "value_of",
]

Term = tuple[int, tuple[Expr, ...]]
ZERO, ONE = const(0), const(1)


def value_of(expr: Expr) -> int | None:
    """The number that a constant is."""
    return int(str(expr.data)) if expr.kind == "const" else None


def terms_of(expr: Expr) -> tuple[Term, ...]:
    if expr.kind == "sum":
        return expr.data  # type: ignore[return-value]
    value = value_of(expr)
    if value is None:
        return ((1, (expr,)),)
    return ((value, ()),) if value else ()


def from_terms(terms: list[Term]) -> Expr:
    """The normal form: equal atoms joined, terms of the highest degree first, then by structure."""
    joined: dict[tuple[Expr, ...], int] = {}
    for coefficient, atoms in terms:
        joined[atoms] = joined.get(atoms, 0) + coefficient
    kept = [(c, atoms) for atoms, c in joined.items() if c]
    kept.sort(key=lambda t: (-len(t[1]), [a.key for a in t[1]]))
    if not kept:
        return ZERO
    if len(kept) == 1 and not kept[0][1]:
        return const(kept[0][0])
    if len(kept) == 1 and kept[0][0] == 1 and len(kept[0][1]) == 1:
        return kept[0][1][0]
    atoms = tuple(dict.fromkeys(a for _, group in kept for a in group))
    return node("sum", INDEX, tuple(kept), atoms)


def add(*parts: Expr) -> Expr:
    return from_terms([t for p in parts for t in terms_of(p)])


def mul(a: Expr, b: Expr) -> Expr:
    def joined(x: tuple[Expr, ...], y: tuple[Expr, ...]) -> tuple[Expr, ...]:
        return tuple(sorted(x + y, key=lambda e: e.key))

    return from_terms([(c1 * c2, joined(x, y)) for c1, x in terms_of(a) for c2, y in terms_of(b)])


def sub(a: Expr, b: Expr) -> Expr:
    return add(a, mul(const(-1), b))


def product(factors: list[Expr]) -> Expr:
    result = ONE
    for factor in factors:
        result = mul(result, factor)
    return result


def divide_term(term: Term, by: Term) -> Term | None:
    """term / by where that leaves no rest."""
    coefficient, atoms = term[0], list(term[1])
    if coefficient % by[0]:
        return None
    for atom in by[1]:
        if atom not in atoms:
            return None
        atoms.remove(atom)
    return coefficient // by[0], tuple(atoms)


def floor_div(a: Expr, b: Expr) -> Expr:
    """a / b of a >= 0 and b > 0."""
    if b is ONE or a is ZERO:
        return a
    x, y = value_of(a), value_of(b)
    if x is not None and y is not None:
        return const(x // y) if y else ZERO
    if a.kind == "div":
        return floor_div(a.args[0], mul(a.args[1], b))
    divisor = terms_of(b)
    if len(divisor) == 1:
        quotients = [(t, divide_term(t, divisor[0])) for t in terms_of(a)]
        rest = from_terms([t for t, q in quotients if q is None])
        quotient = from_terms([q for _, q in quotients if q is not None])
        if rest is ZERO or is_below(rest, b):
            return quotient
    return node("div", INDEX, None, (a, b))


def mod(a: Expr, b: Expr) -> Expr:
    return sub(a, mul(b, floor_div(a, b)))


def is_below(expr: Expr, bound: Expr) -> bool:
    """Whether 0 <= expr < bound can be proven."""
    highest = upper_bound(expr)
    if highest is None:
        return False
    slack = sub(sub(bound, ONE), highest)
    return all(c >= 0 for c, _ in terms_of(slack))


def upper_bound(expr: Expr) -> Expr | None:
    """The largest value of a sum of positive multiples of axes, quotients and remainders; None where unknown."""
    rest = list(terms_of(expr))
    highest = ZERO
    for quotient in [a for a in expr.args if a.kind == "div"] if expr.kind == "sum" else []:
        whole, divisor = quotient.args
        for scale, atoms in [t for t in rest if t[0] < 0 and quotient in t[1]]:
            others = list(atoms)
            others.remove(quotient)
            factor = divide_term((scale, tuple(others)), terms_of(divisor)[0]) if len(terms_of(divisor)) == 1 else None
            if factor is None:
                return None
            positive = from_terms([(-factor[0], factor[1])])
            without = sub(from_terms(rest), sub(mul(positive, whole), mul(mul(positive, divisor), quotient)))
            rest = list(terms_of(without))
            highest = add(highest, mul(positive, sub(divisor, ONE)))
    for coefficient, atoms in rest:
        bound = term_bound(coefficient, atoms)
        if bound is None:
            return None
        highest = add(highest, bound)
    return highest


def term_bound(coefficient: int, atoms: tuple[Expr, ...]) -> Expr | None:
    if coefficient < 0:
        return None
    bound = const(coefficient)
    for atom in atoms:
        extent = extent_of(atom)
        if extent is None:
            return None
        bound = mul(bound, atom if atom.kind == "dim" else sub(extent, ONE))
    return bound


def extent_of(atom: Expr) -> Expr | None:
    """A number that an atom stays below."""
    match atom.kind:
        case "dim":
            return atom
        case "axis":
            return atom.args[0]
        case "div":
            highest = upper_bound(atom.args[0])
            divisor = terms_of(atom.args[1])
            if highest is None or len(divisor) != 1:
                return None
            quotients = [divide_term(t, divisor[0]) for t in terms_of(add(highest, ONE))]
            return from_terms([q for q in quotients if q is not None]) if all(quotients) else None
    return None


def rebuild(expr: Expr, replaced: dict[Expr, Expr]) -> Expr:
    """A sum or quotient with its atoms exchanged, in normal form again."""
    if expr.kind == "div":
        return floor_div(replaced[expr.args[0]], replaced[expr.args[1]])
    parts = []
    for coefficient, atoms in terms_of(expr):
        parts.append(mul(const(coefficient), product([replaced[a] for a in atoms])))
    return add(*parts)

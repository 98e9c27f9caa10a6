"""Index and value expressions: immutable and hash-consed, so that equal ones are the same object."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from weakref import WeakValueDictionary

__all__ = [
    "Expr",
    "axis",
    "checked",
    "const",
    "dim",
    "element",
    "load",
    "node",
    "op",
    "postorder",
    "reduction",
    "scalar",
    "select",
    "substitute",
    "variable",
]

INDEX = "int64"


class Expr:
    """A node of an expression.

    kind    data                        args                    meaning
    const   repr of the value           -                       a number
    dim     position                    -                       KernelArgs.dim[position]
    scalar  (position, is_float)        -                       KernelArgs.scalar[position]
    axis    name                        (extent,)               a loop's index
    sum     ((coefficient, atoms), ..)  atoms                   polynomial over atoms; see ir/index.py
    div     -                           (a, b)                  a / b of a >= 0 and b > 0
    op      name                        operands                a primitive, or an index token
    load    buffer                      (index,) or (.., guard) an element of a buffer, 0 where the guard is false
    reduce  (kind, lanes, block)        (axis, extent, body)    the reduction of body over axis
    random  -                           (index, seed, counter)  Philox
    checked op's position               (condition, index, limit[, guard])  the condition; false is an error
    var     name                        -                       a local that a statement defines
    element name                        (index,)                an element of a local array
    """

    __slots__ = ("__weakref__", "args", "data", "dtype", "free", "key", "kind", "pinned")

    kind: str
    dtype: str
    data: object
    args: tuple[Expr, ...]
    free: frozenset[str]  # names of the axes and locals that it depends on
    pinned: bool  # must stay in the loop that uses it: it may trap where that loop does not run, or reads what changes
    key: bytes  # a digest of the structure: an order that does not depend on addresses

    def __repr__(self) -> str:
        inner = ", ".join(map(repr, self.args))
        return f"{self.kind}:{self.data}({inner})" if inner else f"{self.kind}:{self.data}"


_interned: WeakValueDictionary[tuple, Expr] = WeakValueDictionary()


def node(kind: str, dtype: str, data: object = None, args: tuple[Expr, ...] = ()) -> Expr:
    """The one Expr with this content."""
    identity = (kind, dtype, data, args)
    found = _interned.get(identity)
    if found is not None:
        return found
    made = Expr()
    made.kind, made.dtype, made.data, made.args = kind, dtype, data, args
    made.free = free_of(kind, data, args)
    made.pinned = is_pinned(kind, args)
    text = f"{kind}|{dtype}|{data_text(kind, data)}|".encode()
    made.key = hashlib.blake2b(text + b"".join(a.key for a in args), digest_size=12).digest()
    _interned[identity] = made
    return made


def free_of(kind: str, data: object, args: tuple[Expr, ...]) -> frozenset[str]:
    if kind in ("axis", "var"):
        return frozenset((str(data),))
    below = frozenset().union(*(a.free for a in args)) if args else frozenset()
    if kind == "reduce":
        return below - {str(args[0].data)}
    return below | {str(data)} if kind == "element" else below


def is_pinned(kind: str, args: tuple[Expr, ...]) -> bool:
    if kind == "axis":
        return False
    if kind in ("element", "checked") or any(a.pinned for a in args):
        return True
    return kind == "load" and len(args) == 1 and not plain_index(args[0])


def plain_index(index: Expr) -> bool:
    """Whether an index is made of axes, dims and constants alone."""
    atoms = index.args if index.kind == "sum" else (index,)
    return all(a.kind in ("axis", "dim", "const") for a in atoms)


def data_text(kind: str, data: object) -> str:
    if kind != "sum":
        return repr(data)
    return ";".join(f"{c}*{[a.key.hex() for a in atoms]}" for c, atoms in data)  # type: ignore[union-attr]


def const(value: float, dtype: str = INDEX) -> Expr:
    return node("const", dtype, repr(value))


def dim(position: int) -> Expr:
    return node("dim", INDEX, position)


def scalar(position: int, is_float: bool) -> Expr:
    return node("scalar", "float64" if is_float else INDEX, (position, is_float))


def axis(name: str, extent: Expr) -> Expr:
    return node("axis", INDEX, name, (extent,))


def variable(name: str, dtype: str) -> Expr:
    return node("var", dtype, name)


def element(name: str, dtype: str, index: Expr) -> Expr:
    return node("element", dtype, name, (index,))


def op(name: str, dtype: str, *args: Expr) -> Expr:
    return node("op", dtype, name, args)


def load(buffer: int, dtype: str, index: Expr, guard: Expr | None = None) -> Expr:
    return node("load", dtype, buffer, (index,) if guard is None else (index, guard))


def reduction(kind: str, lanes: int, block: int, dtype: str, over: Expr, extent: Expr, body: Expr) -> Expr:
    return node("reduce", dtype, (kind, lanes, block), (over, extent, body))


def select(condition: Expr, a: Expr, b: Expr) -> Expr:
    return a if a is b else op("Where", a.dtype, condition, a, b)


def checked(op: int, condition: Expr, index: Expr, limit: Expr, guard: Expr | None) -> Expr:
    """`condition`; where it is false (and `guard` is not) the kernel reports op, index and limit."""
    return node("checked", "bool", op, (condition, index, limit) if guard is None else (condition, index, limit, guard))


def postorder(roots: Iterable[Expr], into: Callable[[Expr], bool] | None = None) -> Iterator[Expr]:
    """Every node below `roots` once, operands first. Does not look below a node for which `into` is false."""
    seen: set[Expr] = set()
    stack = [(root, False) for root in reversed(list(roots))]
    while stack:
        expr, done = stack.pop()
        if done:
            yield expr
        elif expr not in seen:
            seen.add(expr)
            stack.append((expr, True))
            if into is None or into(expr):
                stack.extend((a, False) for a in reversed(expr.args) if a not in seen)


def substitute(roots: Iterable[Expr], replaced: dict[Expr, Expr]) -> list[Expr]:
    """`roots` with every node that is a key of `replaced` exchanged."""
    from jittor_cy.compiler.ir import index  # index is built on this module

    roots = list(roots)
    done = dict(replaced)
    for expr in postorder(roots, into=lambda e: e not in replaced):
        if expr in done:
            continue
        args = tuple(done[a] for a in expr.args)
        if args == expr.args:
            done[expr] = expr
        elif expr.kind in ("sum", "div"):
            done[expr] = index.rebuild(expr, done)
        else:
            done[expr] = node(expr.kind, expr.dtype, expr.data, args)
    return [done[r] for r in roots]

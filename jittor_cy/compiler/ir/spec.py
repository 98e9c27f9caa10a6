"""What kernel IR must look like at each stage; run between passes where verify is on."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from jittor_cy.compiler.ir.expr import Expr, postorder
from jittor_cy.compiler.ir.kernel import (
    Assign,
    Check,
    Define,
    Kernel,
    Loop,
    Partial,
    Recall,
    ReduceLoop,
    Statement,
    Strip,
    begin_of,
    end_of,
    from_of,
    to_of,
)
from jittor_cy.errors import InternalError

__all__ = ["loops", "named", "verify"]

KINDS = ("const", "dim", "scalar", "axis", "sum", "div", "op", "load", "reduce", "random", "checked", "var", "element")
NAMELESS = ("random", "checked", "reduce")


def verify(kernel: Kernel, form: Callable[[Kernel], None], after: str) -> None:
    """Raises InternalError, naming the pass, where `kernel` does not have `form`."""
    try:
        form(kernel)
    except ValueError as error:
        raise InternalError(
            f"internal error: compiler: after {after} the kernel {kernel.name} is not legal: {error}",
            help="please report this with the program",
        ) from error


def loops(kernel: Kernel) -> None:
    """Every axis is bound by a loop, every position is that of a buffer, dim or scalar, and outputs are written."""
    written: dict[int, None] = {}
    for phase in kernel.phases:
        known = {str(a.data) for a in phase.axes} | {a.name for a in (*kernel.local, *kernel.shared)}
        if phase.tile or phase.spans:
            known |= {str(x.data) for x in (begin_of(phase.axes[-1]), end_of(phase.axes[-1]))}
        for statement in (*phase.before, *phase.body):
            check_statement(kernel, statement, known, written)
    missing = [b.name for i, b in enumerate(kernel.buffers) if b.is_output and i not in written]
    if missing:
        raise ValueError(f"nothing writes {', '.join(missing)}")


def named(kernel: Kernel) -> None:
    """As loops(); and random numbers, checks and reductions stand in statements of their own."""
    loops(kernel)
    for statement in walk([s for p in kernel.phases for s in (*p.before, *p.body)]):
        values = [statement.value] if isinstance(statement, Assign) else []
        for node in postorder(values):
            if node.kind in NAMELESS:
                raise ValueError(f"a {node.kind} has no name")


def walk(statements: list[Statement]) -> Iterator[Statement]:
    for statement in statements:
        yield statement
        if isinstance(statement, (Loop, Strip, ReduceLoop)):
            yield from walk(list(statement.body))
        elif isinstance(statement, Partial):
            yield from walk(list(statement.loop.body))


def check_statement(kernel: Kernel, statement: Statement, known: set[str], written: dict[int, None]) -> None:
    match statement:
        case Define(target=target, value=value):
            check_value(kernel, value, known)
            known.add(str(target.data))
        case Assign(target=target, value=value):
            check_value(kernel, value, known)
            for index in target.args:
                check_value(kernel, index, known)
            if target.kind == "load":
                written[int(target.data)] = None  # type: ignore[call-overload]
        case Check(index=index, limit=limit, inside=inside):
            for value in (index, limit, inside):
                check_value(kernel, value, known)
        case Loop(axis=axis, body=body):
            inner = known | {str(axis.data)}
            for s in body:
                check_statement(kernel, s, inner, written)
        case Strip(axis=axis, arrays=arrays, body=body):
            inner = known | {str(x.data) for x in (from_of(axis), to_of(axis))} | {a.name for a in arrays}
            for s in body:
                check_statement(kernel, s, inner, written)
        case ReduceLoop():
            check_reduce(kernel, statement, known, written)
        case Partial(loop=loop):
            check_reduce(kernel, loop, known, written, has_body=statement.first)
        case Recall(target=target):
            known.add(str(target.data))


def check_reduce(
    kernel: Kernel, loop: ReduceLoop, known: set[str], written: dict[int, None], has_body: bool = True
) -> None:
    inner = known | {str(loop.axis.data)} | ({str(loop.columns.data)} if loop.columns is not None else set())
    inner |= {a.name for a in loop.arrays} | {str(row.data) for row, _ in loop.rows} | {"at"}
    if has_body:
        for s in (*[s for stage in loop.stages for s in stage], *loop.body):
            check_statement(kernel, s, inner, written)
        for value in loop.ahead:
            check_value(kernel, value, inner)
        for result in loop.results:
            check_value(kernel, result.value, inner)
    known.update(str(r.target.data) for r in loop.results)


def check_value(kernel: Kernel, value: Expr, known: set[str]) -> None:
    if not value.free <= known:
        raise ValueError(f"{sorted(value.free - known)} is not known where it is used")
    for node in postorder([value]):
        if node.kind not in KINDS:
            raise ValueError(f"there is no kind of expression {node.kind!r}")
        limits = {"load": len(kernel.buffers), "dim": len(kernel.dims)}
        if node.kind in limits and not 0 <= int(node.data) < limits[node.kind]:  # type: ignore[call-overload]
            raise ValueError(f"{node.kind} {node.data} does not exist")

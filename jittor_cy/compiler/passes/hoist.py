"""hoist: names every value once, in the outermost loop in which all that it depends on is known."""

from __future__ import annotations

from dataclasses import replace

from jittor_cy.compiler.ir.expr import Expr, node, postorder, substitute, variable
from jittor_cy.compiler.ir.kernel import (
    Assign,
    Check,
    Define,
    Kernel,
    Loop,
    Partial,
    PhaseBody,
    Recall,
    ReduceLoop,
    ReduceResult,
    Statement,
    Strip,
    end_of,
    from_of,
    to_of,
)
from jittor_cy.compiler.ir.primitives import is_half
from jittor_cy.compiler.ir.statements import roots_of

__all__ = ["hoist"]

NAMED = ("op", "load", "random", "checked", "reduce")


def hoist(kernel: Kernel) -> Kernel:
    arrays = frozenset(a.name for a in (*kernel.local, *kernel.shared))
    return replace(kernel, phases=tuple(Hoister().phase(p, arrays) for p in kernel.phases))


class Hoister:
    """Names are unique in a phase; `table` maps expressions to the names that are visible where it is used."""

    def __init__(self) -> None:
        self.count = 0

    def phase(self, phase: PhaseBody, arrays: frozenset[str]) -> PhaseBody:
        known = arrays | {str(a.data) for a in phase.axes}
        if phase.tile or phase.spans:
            last = str(phase.axes[-1].data)
            known = known - {last} | {f"{last}_begin", f"{last}_end"}
        table: dict[Expr, Expr] = {}
        before: list[Statement] = []
        roots = [x for statement in phase.body for x in roots_of(statement)]
        self.bind(roots, frozenset(), table, before, in_place=False)
        return replace(phase, body=tuple(self.scope(phase.body, known, table)), before=tuple(before))

    def scope(
        self, statements: tuple[Statement, ...], known: frozenset[str], table: dict[Expr, Expr]
    ) -> list[Statement]:
        """The statements of one loop's body; `known`: axes and locals that stand."""
        out: list[Statement] = []
        for statement in statements:
            match statement:
                case Assign(target=target, value=value):
                    args = self.bind([*target.args, unrounded(target, value)], known, table, out, in_place=True)
                    out.append(Assign(node(target.kind, target.dtype, target.data, tuple(args[:-1])), args[-1]))
                case Loop():
                    self.bind(roots_of(statement), known, table, out, in_place=False)
                    if statement.end is end_of(statement.axis):  # the run of a phase has at least one iteration
                        checks = [n for n in postorder(roots_of(statement)) if n.kind == "checked" and n.free <= known]
                        self.bind(checks, known, table, out, in_place=True)
                    body = self.scope(statement.body, known | {str(statement.axis.data)}, dict(table))
                    out.append(replace(statement, body=tuple(body)))
                case Strip():
                    self.bind(roots_of(statement), known, table, out, in_place=False)
                    out.append(self.strip(statement, known, table))
                case ReduceLoop():
                    known = self.reduce_loop(statement, known, table, out)
                case Partial():
                    known = self.partial(statement, known, table, out)
                case Recall() | Define():
                    out.append(statement)
                    known = known | {str(statement.target.data)}
                case _:
                    out.append(statement)
        return out

    def strip(self, strip: Strip, known: frozenset[str], table: dict[Expr, Expr]) -> Strip:
        inner = known | {str(x.data) for x in (from_of(strip.axis), to_of(strip.axis))}
        inner |= {a.name for a in strip.arrays}
        return replace(strip, body=tuple(self.scope(strip.body, inner, dict(table))))  # type: ignore[arg-type]

    def reduce_loop(
        self, loop: ReduceLoop, known: frozenset[str], table: dict[Expr, Expr], out: list[Statement]
    ) -> frozenset[str]:
        self.bind(roots_of(loop), known, table, out, in_place=False)
        out.append(self.inside(loop, known, table))
        return known | {str(r.target.data) for r in loop.results}

    def inside(self, loop: ReduceLoop, known: frozenset[str], table: dict[Expr, Expr]) -> ReduceLoop:
        """The loop with its body's values named."""
        axes = {str(loop.axis.data)} | ({str(loop.columns.data)} if loop.columns is not None else set())
        if loop.stages:
            axes |= {a.name for a in loop.arrays} | {"at"}
        stages = tuple(tuple(self.scope(stage, known | axes, dict(table))) for stage in loop.stages)
        visible = dict(table)
        body = self.scope(loop.body, known | axes, visible)
        values = self.bind([r.value for r in loop.results], known | axes, visible, body, in_place=True)
        results = tuple(replace(r, value=v) for r, v in zip(loop.results, values, strict=True))
        return replace(loop, results=results, body=tuple(body), stages=stages)  # type: ignore[arg-type]

    def partial(
        self, partial: Partial, known: frozenset[str], table: dict[Expr, Expr], out: list[Statement]
    ) -> frozenset[str]:
        if partial.first:
            self.bind(roots_of(partial.loop), known, table, out, in_place=False)
            out.append(replace(partial, loop=self.inside(partial.loop, known, table)))
            return known
        out.append(partial)
        return known | {str(r.target.data) for r in partial.loop.results}

    def bind(
        self, roots: list[Expr], known: frozenset[str], table: dict[Expr, Expr], out: list[Statement], in_place: bool
    ) -> list[Expr]:
        """Defines what can be named here. in_place: this very body uses these expressions, not a loop in it."""
        self.define(roots, known, table, out, pinned=False)
        if in_place:
            self.define(roots, known, table, out, pinned=True)
        return substitute(roots, table)

    def define(
        self, roots: list[Expr], known: frozenset[str], table: dict[Expr, Expr], out: list[Statement], pinned: bool
    ) -> None:
        def look_below(expr: Expr) -> bool:
            return expr not in table and not (pinned and expr.kind == "reduce")

        for expr in postorder(roots, into=look_below):
            if expr in table or expr.kind not in NAMED or (expr.pinned and not pinned) or not expr.free <= known:
                continue
            table[expr] = self.name_it(expr, known, table, out)

    def name_it(self, expr: Expr, known: frozenset[str], table: dict[Expr, Expr], out: list[Statement]) -> Expr:
        name = variable(f"v{self.count}", expr.dtype)
        self.count += 1
        if expr.kind == "reduce":
            kind, lanes, block = expr.data  # type: ignore[misc]
            axis, extent, body = expr.args
            dtype = body.dtype if kind.startswith("Arg") else expr.dtype
            loop = ReduceLoop(axis, extent, lanes, block, (ReduceResult(name, kind, dtype, body),))
            out.append(self.inside(loop, known, table))
            return name
        args = tuple(substitute(expr.args, table))
        if expr.kind == "checked":
            guard = args[3] if len(args) > 3 else None
            out.append(Check(int(str(expr.data)), args[1], args[2], args[0], guard))
            return args[0]
        out.append(Define(name, node(expr.kind, expr.dtype, expr.data, args)))
        return name


def unrounded(target: Expr, value: Expr) -> Expr:
    """A 16-bit float's store rounds it: what is rounded just before needs not be."""
    if target.kind != "load" or not is_half(target.dtype) or value.kind != "op" or value.dtype != target.dtype:
        return value
    from_float = value.data == "Round16" or (value.data == "Cast" and value.args[0].dtype == "float32")
    return value.args[0] if from_float else value

"""Kernel IR as text, a line a statement; what traces and dumps show."""

from __future__ import annotations

from jittor_cy.compiler.ir.expr import Expr
from jittor_cy.compiler.ir.index import terms_of
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
    Statement,
    Strip,
)

__all__ = ["expr_text", "kernel_text"]

INDENT = "  "


def kernel_text(kernel: Kernel) -> str:
    """The whole kernel; equal kernels have equal text."""
    buffers = ", ".join(
        f"{b.name}:{b.dtype}{' aliased' if b.aliased else ''}{' streamed' if b.streamed else ''}"
        for b in kernel.buffers
    )
    lines = [f"kernel {kernel.name}({buffers})"]
    lines += [f"{INDENT}schedule {text}" for text in (kernel.schedule.differences(),) if text]
    lines += [f"{INDENT}local {a.name}:{a.dtype}[{expr_text(a.length)}]" for a in kernel.local]
    lines += [f"{INDENT}shared {a.name}:{a.dtype}[{expr_text(a.length)}]" for a in kernel.shared]
    for number, phase in enumerate(kernel.phases):
        lines += [f"{INDENT}{line}" for line in phase_lines(number, phase)]
    return "\n".join(lines)


def phase_lines(number: int, phase: PhaseBody) -> list[str]:
    axes = ", ".join(f"{a.data} < {expr_text(a.args[0])}" for a in phase.axes)
    tile = f" tile {phase.tile}" if phase.tile else " spans" if phase.spans else ""
    before = [f"{INDENT}before: {line}" for s in phase.before for line in lines_of(s)]
    return [f"phase {number} over ({axes}){tile}", *before, *body_lines(phase.body)]


def body_lines(body: tuple[Statement, ...]) -> list[str]:
    return [INDENT + line for s in body for line in lines_of(s)]


def lines_of(statement: Statement) -> list[str]:
    match statement:
        case Define(target=target, value=value):
            return [f"{target.data}:{target.dtype} = {expr_text(value)}"]
        case Assign(target=target, value=value):
            return [f"{expr_text(target)} <- {expr_text(value)}"]
        case Check(op=op, index=index, limit=limit):
            return [f"check op {op}: 0 <= {expr_text(index)} < {expr_text(limit)}"]
        case Loop(axis=axis, begin=begin, end=end, lanes=lanes, body=body, step=step, overlap=overlap):
            kind, by = "lanes" if lanes else "loop", f" by {step}" if step > 1 else ""
            by += ", overlap" if overlap else ""
            return [f"{kind} {axis.data} from {expr_text(begin)} to {expr_text(end)}{by}", *body_lines(body)]
        case Strip(axis=axis, begin=begin, end=end, length=length, body=body):
            head = f"strips {axis.data} from {expr_text(begin)} to {expr_text(end)} by {length}"
            return [head, *body_lines(body)]
        case ReduceLoop():
            return reduce_lines(statement)
        case Partial(loop=loop, first=True, number=number):
            return [f"block {number.data} of", *[INDENT + line for line in reduce_lines(loop)]]
        case Partial(loop=loop):
            lanes = f" of {statement.lanes} lanes" if statement.lanes > 1 else ""
            return [f"combine {', '.join(str(r.target.data) for r in loop.results)}{lanes}"]
        case Recall(target=target, array=array):
            return [f"recall {target.data} from {array}"]
    raise AssertionError(f"internal error: printer: {type(statement).__name__} is no statement")


def reduce_lines(loop: ReduceLoop) -> list[str]:
    columns = f" columns {loop.columns.data}" if loop.columns is not None else ""
    head = f"reduce {loop.axis.data} to {expr_text(loop.extent)} in {loop.lanes} lanes, blocks of {loop.block}{columns}"
    results = [f"{INDENT}{expr_text(r.target)} = {r.kind} {r.dtype} {expr_text(r.value)}" for r in loop.results]
    ahead = [f"{INDENT}ahead {expr_text(a)}" for a in loop.ahead]
    stages = [line for stage in loop.stages for line in (f"{INDENT}before", *[INDENT + x for x in body_lines(stage)])]
    return [head, *ahead, *stages, *body_lines(loop.body), *results]


def expr_text(expr: Expr) -> str:
    """One expression; `[i]` of a buffer by its position."""
    match expr.kind:
        case "const" | "axis" | "var":
            return str(expr.data)
        case "dim":
            return f"d{expr.data}"
        case "scalar":
            return f"c{expr.data[0]}"  # type: ignore[index]
        case "sum":
            terms = [
                "*".join([*([] if c == 1 and atoms else [str(c)]), *map(expr_text, atoms)])
                for c, atoms in terms_of(expr)
            ]
            return "(" + " + ".join(terms) + ")"
        case "div":
            return f"({expr_text(expr.args[0])} / {expr_text(expr.args[1])})"
        case "load":
            guard = f" if {expr_text(expr.args[1])}" if len(expr.args) > 1 else ""
            return f"buffer{expr.data}[{expr_text(expr.args[0])}{guard}]"
        case "element":
            return f"{expr.data}[{expr_text(expr.args[0])}]"
    name = expr.data if expr.kind == "op" else f"{expr.kind} {expr.data}"
    return f"{name}({', '.join(map(expr_text, expr.args))})"

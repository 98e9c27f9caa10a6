"""What a kernel reads and writes piece by piece: it may run while a contraction makes or packs its elements."""

from __future__ import annotations

from collections.abc import Callable

from jittor_cy.compiler.ir import index as ix
from jittor_cy.compiler.ir.contraction import operand_dims
from jittor_cy.compiler.ir.expr import INDEX, Expr, postorder
from jittor_cy.compiler.ir.graph import Op
from jittor_cy.compiler.ir.kernel import Assign, Kernel, Loop, PhaseBody
from jittor_cy.compiler.ir.primitives import cost_of
from jittor_cy.compiler.ir.statements import roots_of
from jittor_cy.compiler.schedule.heuristic import CHEAP

__all__ = ["aligned_inputs", "is_packable", "makes_elements"]


def aligned_inputs(kernel: Kernel, count_of: Callable[[int], Expr | None]) -> tuple[int, ...]:
    """Positions of the inputs of which iteration i reads the i-th of equal pieces alone: an element, a row.

    `count_of`: the number of elements of a var, None where the kernel does not know it. Kernels that check indices,
    which report their own errors, have none.
    """
    if len(kernel.phases) != 1 or not kernel.phases[0].axes or kernel.phases[0].tile:
        return ()
    phase = kernel.phases[0]
    nodes = list(postorder([x for s in phase.body for x in roots_of(s)]))
    if any(n.kind == "checked" for n in nodes):
        return ()
    number, count = iteration(phase), ix.product([a.args[0] for a in phase.axes])
    loads: dict[int, list[Expr]] = {}
    for n in nodes:
        if n.kind == "load":
            loads.setdefault(int(str(n.data)), []).append(n)
    found = []
    for position, buffer in enumerate(kernel.buffers):
        pieces = {piece(phase, number, n.args[0]) for n in loads.get(position, [])}
        length = pieces.pop() if len(pieces) == 1 else None
        if not buffer.is_output and length is not None and count_of(buffer.var) is ix.mul(count, length):
            found.append(position)
    return tuple(found)


def makes_elements(kernel: Kernel, count_of: Callable[[int], Expr | None]) -> bool:
    """Whether iteration i writes element i of the one output, all elements in all, and is done sooner than a load."""
    outputs = [b for b in kernel.buffers if b.is_output]
    if len(kernel.phases) != 1 or len(outputs) != 1 or kernel.phases[0].tile or kernel.phases[0].together:
        return False
    phase = kernel.phases[0]
    (statement,) = phase.body if len(phase.body) == 1 else (None,)
    if isinstance(statement, Loop) and phase.spans and len(statement.body) == 1:
        (statement,) = statement.body
    if not isinstance(statement, Assign) or statement.target.args[0] is not iteration(phase):
        return False
    nodes = list(postorder([statement.value]))
    cost = sum(cost_of(str(n.data)) for n in nodes if n.kind == "op" and n.dtype != INDEX)
    large = {n.data for n in nodes if n.kind == "load" and piece(phase, iteration(phase), n.args[0]) is ix.ONE}
    count = ix.product([a.args[0] for a in phase.axes])
    simple = all(n.kind not in ("checked", "random", "reduce") for n in nodes) and cost <= CHEAP and len(large) <= 1
    return simple and count_of(outputs[0].var) is count


def is_packable(op: Op, operand: int) -> bool:
    """Whether neighbours of a contraction's operand are neighbours of its sum, so that they are packed in long runs."""
    dims = operand_dims(op)[operand]
    if not dims:
        return False
    last = dims[-1]
    return last.axis1 >= op.structure[0] and last.coef1 == 1 and last.axis2 < 0 and last.divisor == 1


def iteration(phase: PhaseBody) -> Expr:
    """The number of an iteration of the parallel range."""
    position = ix.ZERO
    for axis in phase.axes:
        position = ix.add(ix.mul(position, axis.args[0]), axis)
    return position


def piece(phase: PhaseBody, number: Expr, index: Expr) -> Expr | None:
    """The length of an iteration's piece, of which `index` is an element; None where it is not one."""
    if index is number:
        return ix.ONE
    inner = [n for n in postorder([index]) if n.kind == "axis" and n not in phase.axes]
    if len(inner) != 1:
        return None
    length = inner[0].args[0]
    return length if index is ix.add(ix.mul(number, length), inner[0]) else None

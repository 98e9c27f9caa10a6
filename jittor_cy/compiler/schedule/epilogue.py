"""Which inputs a kernel reads piece by piece, in step with its iterations: it may run while they are made."""

from __future__ import annotations

from collections.abc import Callable

from jittor_cy.compiler.ir import index as ix
from jittor_cy.compiler.ir.expr import Expr, postorder
from jittor_cy.compiler.ir.kernel import Kernel, PhaseBody
from jittor_cy.compiler.ir.statements import roots_of

__all__ = ["aligned_inputs"]


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

"""Which inputs a map kernel reads element by element: it may go on from them piece by piece, while they are made."""

from __future__ import annotations

from collections.abc import Callable

from jittor_cy.compiler.ir import index as ix
from jittor_cy.compiler.ir.expr import Expr, postorder
from jittor_cy.compiler.ir.kernel import Kernel, PhaseBody
from jittor_cy.compiler.ir.statements import roots_of

__all__ = ["aligned_inputs"]


def aligned_inputs(kernel: Kernel, count_of: Callable[[int], Expr | None]) -> tuple[int, ...]:
    """Positions of the inputs of which iteration i reads element i alone, all elements in all.

    `count_of`: the number of elements of a var, None where the kernel does not know it. Kernels that check indices,
    which report their own errors, have none.
    """
    if len(kernel.phases) != 1 or not by_element(kernel.phases[0]):
        return ()
    phase = kernel.phases[0]
    nodes = list(postorder([x for s in phase.body for x in roots_of(s)]))
    if kernel.local or any(n.kind == "checked" for n in nodes):
        return ()
    own = own_element(phase)
    count = ix.product([a.args[0] for a in phase.axes])
    loads: dict[int, list[Expr]] = {}
    for n in nodes:
        if n.kind == "load":
            loads.setdefault(int(str(n.data)), []).append(n)
    return tuple(
        position
        for position, buffer in enumerate(kernel.buffers)
        if not buffer.is_output
        and all(n.args[0] is own for n in loads.get(position, []))
        and count_of(buffer.var) is count
    )


def by_element(phase: PhaseBody) -> bool:
    """Whether the parallel range counts single elements."""
    return phase.spans or (len(phase.axes) == 1 and not phase.tile and not phase.together)


def own_element(phase: PhaseBody) -> Expr:
    """The number of an iteration's element."""
    position = ix.ZERO
    for axis in phase.axes:
        position = ix.add(ix.mul(position, axis.args[0]), axis)
    return position

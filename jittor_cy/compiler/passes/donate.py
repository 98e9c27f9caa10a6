"""donate: an output may take over the memory of an input that it reads element on element."""

from __future__ import annotations

from dataclasses import replace

from jittor_cy.compiler.ir.expr import Expr, postorder
from jittor_cy.compiler.ir.kernel import Assign, Kernel, Loop, PhaseBody, ReduceLoop, Statement
from jittor_cy.compiler.ir.primitives import ITEMSIZE

__all__ = ["donate", "donations_of"]


def donate(kernel: Kernel) -> Kernel:
    """Marks the buffers of donations_of() as aliased, so that they are not declared restrict."""
    pairs = donations_of(kernel)
    aliased = {position for pair in pairs for position in pair}
    buffers = tuple(replace(b, aliased=i in aliased) for i, b in enumerate(kernel.buffers))
    return replace(kernel, buffers=buffers)


def donations_of(kernel: Kernel) -> tuple[tuple[int, int], ...]:
    """(output, input) positions, only in kernels of one loop over elements; the first that can be had is taken.

    An output's inputs stand in order of how many outputs could have them: where Adam's gradient lives on, its
    parameter and moments are all renewed in place.
    """
    if not kernel.schedule.donate or len(kernel.phases) != 1 or not is_map(kernel.phases[0]):
        return ()
    stores = [s for s in assigns(kernel.phases[0].body)]
    reads: dict[int, list[Expr]] = {}
    for s in stores:
        for node in postorder([s.value, *s.target.args]):
            if node.kind == "load" and node not in reads.setdefault(int(node.data), []):
                reads[int(node.data)].append(node)
    takers = {i: [s for s in stores if may_share(kernel, s, i, reads[i])] for i in sorted(reads)}
    pairs: list[tuple[int, int]] = []
    for s in stores:
        offered = sorted((i for i in takers if s in takers[i]), key=lambda i: len(takers[i]))
        pairs += [(int(s.target.data), i) for i in offered]
    return tuple(pairs)


def may_share(kernel: Kernel, store: Assign, position: int, loads: list[Expr]) -> bool:
    """The one load of the input is at the element that the store writes, and the store waits for it."""
    if len(loads) != 1 or len(loads[0].args) != 1 or loads[0].args[0] is not store.target.args[0]:
        return False
    same_size = ITEMSIZE[kernel.buffers[position].dtype] == ITEMSIZE[store.target.dtype]
    return same_size and loads[0] in set(postorder([store.value]))


def is_map(phase: PhaseBody) -> bool:
    return not any(isinstance(s, ReduceLoop) for s in phase.body) and bool(phase.axes)


def assigns(body: tuple[Statement, ...]) -> list[Assign]:
    out: list[Assign] = []
    for s in body:
        if isinstance(s, Assign):
            out.append(s)
        elif isinstance(s, Loop):
            out += assigns(s.body)
    return out

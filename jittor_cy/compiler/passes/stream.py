"""stream: a kernel's only output, where it is large, is written past the caches (codegen/cpu_stream.py).

before:  buffer1[(p0*d1 + r1)] <- ...      reads each line of the output before it writes it
after:   the same, out0 streamed           whole lines go to memory at once (a fifth less time for softmax)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from jittor_cy.compiler.ir.expr import Expr, postorder
from jittor_cy.compiler.ir.index import terms_of
from jittor_cy.compiler.ir.kernel import Assign, Kernel, Loop, Partial, ReduceLoop, Statement

__all__ = ["stream"]

# The loop is printed twice, and what computes longer than this does not wait for memory.
MAX_NODES = 32


def stream(kernel: Kernel) -> Kernel:
    """Marks the output as streamed where one loop writes it, element behind element, and no loop reads it.

    Two outputs at a time were slower than through the caches.
    """
    outputs = [i for i, b in enumerate(kernel.buffers) if b.is_output]
    if len(outputs) != 1:
        return kernel
    (output,) = outputs
    found = [w for p in kernel.phases for w in writes(p.body, p.axes[0] if len(p.axes) == 1 and not p.tile else None)]
    found = [(axis, assign) for axis, assign in found if assign.target.kind == "load"]
    if len(found) != 1 or not runs_along(*found[0]):
        return kernel
    streamed = replace(kernel.buffers[output], streamed=True)
    return replace(kernel, buffers=(*kernel.buffers[:output], streamed, *kernel.buffers[output + 1 :]))


def writes(body: tuple[Statement, ...], axis: Expr | None) -> Iterator[tuple[Expr | None, Assign]]:
    """Each Assign with the axis of its loop; None where that loop does more than to assign."""
    simple = all(isinstance(s, Assign) for s in body)
    for statement in body:
        match statement:
            case Assign():
                yield axis if simple else None, statement
            case Loop():
                yield from writes(statement.body, statement.axis if statement.lanes else None)
            case ReduceLoop():
                yield from ((None, a) for _, a in writes(statement.body, None))
            case Partial(loop=loop):
                yield from ((None, a) for _, a in writes(loop.body, None))


def is_guarded(node: Expr) -> bool:
    return node.kind == "load" and len(node.args) > 1


def runs_along(axis: Expr | None, assign: Assign) -> bool:
    """Whether neighbouring iterations write neighbouring elements, each without a loop of its own."""
    nodes = list(postorder([assign.value]))
    if axis is None or len(nodes) > MAX_NODES or any(n.kind == "reduce" or is_guarded(n) for n in nodes):
        return False
    terms = [t for t in terms_of(assign.target.args[0]) if any(str(axis.data) in a.free for a in t[1])]
    return terms == [(1, (axis,))]

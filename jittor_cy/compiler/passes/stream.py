"""stream: what a kernel's one writing loop writes goes past the caches where it is large (codegen/cpu_stream.py).

before:  buffer1[(p0*d1 + r1)] <- ...      reads each line of the output before it writes it
after:   the same, out0 streamed           whole lines go to memory at once (a fifth less time for softmax)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from jittor_cy.compiler.ir.expr import Expr, postorder
from jittor_cy.compiler.ir.index import terms_of
from jittor_cy.compiler.ir.kernel import Assign, Kernel, Loop, Partial, PhaseBody, ReduceLoop, Statement

__all__ = ["stream"]

# The loop is printed twice, and what computes longer than this does not wait for memory.
MAX_NODES = 32


def stream(kernel: Kernel) -> Kernel:
    """Marks the output as streamed that one loop writes, element behind element; others may get a value a row.

    Two loops that write at a time were slower than through the caches.
    """
    found = [w for phase in kernel.phases for w in phase_writes(phase)]
    if len(found) != 1 or not runs_along(*found[0]):
        return kernel
    output = int(str(found[0][1].target.data))
    streamed = replace(kernel.buffers[output], streamed=True)
    return replace(kernel, buffers=(*kernel.buffers[:output], streamed, *kernel.buffers[output + 1 :]))


def phase_writes(phase: PhaseBody) -> Iterator[tuple[Expr | None, Assign]]:
    """Each Assign to a buffer in an innermost loop; a flat phase is one itself."""
    if all(isinstance(s, Assign) for s in phase.body):
        flat = phase.axes[0] if len(phase.axes) == 1 and not phase.tile else None
        yield from ((flat, s) for s in phase.body if isinstance(s, Assign))
    for statement in phase.body:
        yield from loop_writes(statement)


def loop_writes(statement: Statement) -> Iterator[tuple[Expr | None, Assign]]:
    """Each Assign to a buffer inside a loop, with the loop's axis; None where the loop is not one to stream."""
    match statement:
        case Loop(body=body, axis=axis, lanes=lanes):
            simple = lanes and all(isinstance(s, Assign) for s in body)
        case ReduceLoop(body=body) | Partial(loop=ReduceLoop(body=body)):
            axis, simple = None, False
        case _:
            return
    for inner in body:
        if isinstance(inner, Assign) and inner.target.kind == "load":
            yield axis if simple else None, inner
        yield from loop_writes(inner)


def is_guarded(node: Expr) -> bool:
    return node.kind == "load" and len(node.args) > 1


def runs_along(axis: Expr | None, assign: Assign) -> bool:
    """Whether neighbouring iterations write neighbouring elements, each without a loop of its own."""
    nodes = list(postorder([assign.value]))
    if axis is None or len(nodes) > MAX_NODES or any(n.kind == "reduce" or is_guarded(n) for n in nodes):
        return False
    terms = [t for t in terms_of(assign.target.args[0]) if any(str(axis.data) in a.free for a in t[1])]
    return terms == [(1, (axis,))]

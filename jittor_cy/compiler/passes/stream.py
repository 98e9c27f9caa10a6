"""stream: what loops over whole rows write goes past the caches where it is large (codegen/cpu_stream.py).

before:  buffer1[(p0*d1 + r1)] <- ...      reads each line of the output before it writes it
after:   the same, out0 streamed           whole lines go to memory at once (a fifth less time for softmax)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from jittor_cy.compiler.ir.expr import Expr, postorder
from jittor_cy.compiler.ir.index import terms_of
from jittor_cy.compiler.ir.kernel import (
    Assign,
    Kernel,
    Loop,
    Partial,
    PhaseBody,
    ReduceLoop,
    Statement,
    Strip,
    in_lanes,
)

__all__ = ["stream"]

# Such a loop is printed twice, and what computes longer than this does not wait for memory.
MAX_NODES = 48
# Lines of outputs share the processor's few buffers for them (loops that write 1, 2, 3, 4 outputs of 64 MB: 1.3, 2.2,
# 2.8, 3.7 ms streamed, 1.6, 2.9, 4.0, 5.3 ms through the caches).
MAX_STREAMS = 4
# Each is printed twice as well.
MAX_LOOPS = 4


def stream(kernel: Kernel) -> Kernel:
    """Marks the outputs that loops write, element behind element: one, or a few that each write a part."""
    writes: dict[int, list[bool]] = {}
    for phase in kernel.phases:
        for axis, assign in phase_writes(phase):
            writes.setdefault(int(str(assign.target.data)), []).append(runs_along(axis, assign))
    streamed = [number for number, found in writes.items() if all(found) and len(found) <= MAX_LOOPS]
    if kernel.schedule.stream == "never" or not 0 < len(streamed) <= MAX_STREAMS:
        return kernel
    buffers = tuple(replace(b, streamed=i in streamed) for i, b in enumerate(kernel.buffers))
    return replace(kernel, buffers=buffers)


def phase_writes(phase: PhaseBody) -> Iterator[tuple[Expr | None, Assign]]:
    """Each Assign to a buffer, with the axis of its loop where that is one to stream; a flat phase is one itself."""
    flat = len(phase.axes) == 1 and not phase.tile and not phase.spans
    yield from writes_of(phase.body, phase.axes[0] if flat else None)


def writes_of(body: tuple[Statement, ...], axis: Expr | None) -> Iterator[tuple[Expr | None, Assign]]:
    written = [s.target.data for s in body if isinstance(s, Assign)]
    simple = len(written) == len(body) and len(set(written)) == len(written)  # an output has one line at a time
    for statement in body:
        match statement:
            case Assign(target=target) if target.kind == "load":
                yield axis if simple else None, statement
            case Loop(body=inner, axis=own, lanes=lanes):
                yield from writes_of(inner, own if lanes else None)
            case Strip(body=inner):
                yield from writes_of(inner, None)
            case ReduceLoop() | Partial(loop=ReduceLoop()):
                yield from reduce_writes(statement if isinstance(statement, ReduceLoop) else statement.loop)


def reduce_writes(loop: ReduceLoop) -> Iterator[tuple[Expr | None, Assign]]:
    axis = loop.columns if loop.columns is not None else loop.axis if in_lanes(loop) else None
    for body in (*loop.stages, loop.body):
        yield from writes_of(body, axis)


def is_guarded(node: Expr) -> bool:
    return node.kind == "load" and len(node.args) > 1


def runs_along(axis: Expr | None, assign: Assign) -> bool:
    """Whether neighbouring iterations write neighbouring elements, each without a loop of its own."""
    nodes = list(postorder([assign.value]))
    if axis is None or len(nodes) > MAX_NODES or any(n.kind == "reduce" or is_guarded(n) for n in nodes):
        return False
    terms = [t for t in terms_of(assign.target.args[0]) if any(str(axis.data) in a.free for a in t[1])]
    return terms == [(1, (axis,))]

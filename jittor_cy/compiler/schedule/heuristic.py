"""The numbers behind fusion and loops, each with its reason, and the schedule that they make for a kernel."""

from __future__ import annotations

from dataclasses import replace

from jittor_cy.compiler.ir.graph import Graph
from jittor_cy.compiler.ir.schedule import Schedule
from jittor_cy.compiler.schedule.group import Group

__all__ = [
    "CHEAP",
    "COLUMN_BLOCK",
    "COLUMN_LANES",
    "LOAD_COST",
    "MAX_BUFFERS",
    "MAX_CONCAT",
    "MAX_OPS",
    "MAX_REDUCTIONS",
    "MAX_TERMS",
    "ROW_BLOCK",
    "ROW_LANES",
    "SMALL_EXTENT",
    "WHOLE_RUN",
    "WINDOW_COST",
    "default_schedule",
    "reduction_order",
]

# Part of the bits (docs/bits.md), not to be tuned.
ROW_LANES, ROW_BLOCK = 64, 4096
COLUMN_LANES, COLUMN_BLOCK = 4, 256

# A block that no run is longer than.
WHOLE_RUN = 1 << 48
# Schedule.reduction → lanes and block of a reduction with nothing behind it, and of one with axes behind.
ORDERS = {
    "blocks": ((ROW_LANES, ROW_BLOCK), (COLUMN_LANES, COLUMN_BLOCK)),
    "serial": ((1, WHOLE_RUN), (1, WHOLE_RUN)),
    "vector": ((ROW_LANES, WHOLE_RUN), (COLUMN_LANES, WHOLE_RUN)),
    "tree": ((ROW_LANES, ROW_LANES), (COLUMN_LANES, COLUMN_LANES)),
}
# The defaults of Schedule, where a reason is worth its line: column_tile 64: four cache lines of float32 a row;
# transpose_tile 8: 1024 x 1024 takes 0.6 ms, with 16 2.3 ms, untiled 4 ms: lines share L1 sets;
# wide_tile 1024: runs that long keep memory's prefetchers going, and the lanes stay in the first level of cache (gelu
# forward and backward of 4096 x 4096: 64 36 ms, 256 and 1024 24 ms; the sum of 4096 x 1024 rows: 64 1.0 ms, 256 0.7 ms,
# 1024 0.4 ms); strip 512: what a kernel keeps of one, and what it reads and writes, fits into the first level of cache;
# grain 10 us: waking a thread costs a few; row_buffer 4: more would leave the first cache.
# Constant last axes up to here stay in one iteration.
SMALL_EXTENT = 16


# docs/architecture.md §5.3: beyond these a kernel spills registers and takes long to compile.
MAX_OPS = 128
# Values that one expression names: a chain of slices of pairs doubles them at each step.
MAX_TERMS = 512
# Each is a nest of loops of its own: batch normalization with its gradient has 8.
MAX_REDUCTIONS = 16
MAX_BUFFERS = 24
# A Concat of more parts is run by the interpreter: every part is a comparison an element.
MAX_CONCAT = 12

# A value of at most this cost (primitives.COSTS) is computed again rather than written and read: a float32 that
# passes through memory costs about as much as eight simple operations on vectors.
CHEAP = 8
LOAD_COST = 2
# A reduction of a window reads several elements, mostly with an index calculation each.
WINDOW_COST = 16


def reduction_order(reduction: str, is_row: bool) -> tuple[int, int]:
    """(lanes, block) of a reduction; "blocks" is the order of docs/bits.md."""
    return ORDERS[reduction][0 if is_row else 1]


def default_schedule(graph: Graph, chain: tuple[Group, ...]) -> Schedule:
    """What the kernel of these groups gets, with what was given by hand."""
    split = any(is_split(graph, group) for group in chain)
    schedule = replace(Schedule(), second_pass=split).given(chain[0].given)
    # A run that is one block has nothing to split.
    return schedule if ORDERS[schedule.reduction][0][1] < WHOLE_RUN else replace(schedule, second_pass=False)


def is_split(graph: Graph, group: Group) -> bool:
    """Whether nothing but tiles of columns could be done side by side otherwise (a GPU has a block a tile)."""
    if group.kind == "full":
        return True
    if group.kind != "column" or graph.device != "cpu":
        return False
    ops = [graph.ops[o] for o in group.reduces]
    return not any(s.value != 1 for op in ops for s in graph.vars[op.inputs[0]].shape[: op.structure[1]])

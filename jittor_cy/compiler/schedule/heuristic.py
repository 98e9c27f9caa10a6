"""The numbers behind fusion and loops, each with its reason."""

from __future__ import annotations

__all__ = [
    "CHEAP",
    "COLUMN_BLOCK",
    "COLUMN_LANES",
    "COLUMN_TILE",
    "LOAD_COST",
    "MAX_BUFFERS",
    "MAX_CONCAT",
    "MAX_OPS",
    "MAX_REDUCTIONS",
    "MAX_TERMS",
    "ROW_BLOCK",
    "ROW_LANES",
    "SMALL_EXTENT",
    "TRANSPOSE_TILE",
    "WIDE_TILE",
    "WINDOW_COST",
]

# Part of the bits (docs/bits.md), not to be tuned.
ROW_LANES, ROW_BLOCK = 64, 4096
COLUMN_LANES, COLUMN_BLOCK = 4, 256

# Columns that one iteration of a column reduction works on: four cache lines of float32 a row.
COLUMN_TILE = 64
# Columns where a block of rows is reduced: runs that long keep memory's prefetchers going, and the lanes stay in the
# first level of cache (gelu forward and backward of 4096 x 4096: 64 36 ms, 256 and 1024 24 ms; the sum of 4096 x 1024
# rows: 64 1.0 ms, 256 0.7 ms, 1024 0.4 ms).
WIDE_TILE = 1024
# Constant last axes up to here stay in one iteration.
SMALL_EXTENT = 16

# Rows that a transposition writes side by side (1024 x 1024: 8 0.6 ms, 16 2.3 ms, untiled 4 ms: lines share L1 sets).
TRANSPOSE_TILE = 8

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

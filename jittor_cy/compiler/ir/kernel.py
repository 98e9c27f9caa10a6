"""Kernel IR: what one Group does, as loops over expressions; free of any target's spelling."""

from __future__ import annotations

from dataclasses import dataclass

from jittor_cy.compiler.ir.expr import Expr, variable
from jittor_cy.compiler.ir.program import DimRef
from jittor_cy.compiler.ir.schedule import Schedule

__all__ = [
    "Array",
    "Assign",
    "Buffer",
    "Check",
    "Define",
    "Kernel",
    "Loop",
    "Partial",
    "PhaseBody",
    "Recall",
    "ReduceLoop",
    "ReduceResult",
    "Statement",
    "Strip",
    "begin_of",
    "end_of",
    "from_of",
    "in_lanes",
    "to_of",
]


@dataclass(frozen=True, slots=True)
class Buffer:
    """A pointer of KernelArgs.

    `aliased`: an output may lie in the memory of an input, element on element.
    `streamed`: an output that one loop writes, element behind element; a large one may be written past the caches.
    """

    name: str
    dtype: str
    var: int
    is_output: bool
    aliased: bool = False
    streamed: bool = False


@dataclass(frozen=True, slots=True)
class Define:
    """A local constant: `target` is a var."""

    target: Expr
    value: Expr


@dataclass(frozen=True, slots=True)
class Assign:
    """`target` is a load (an element of a buffer), an element (of a local array) or a var."""

    target: Expr
    value: Expr


@dataclass(frozen=True, slots=True)
class Check:
    """Reports op, index and limit where `inside` is false and `guard` (None: always) is true."""

    op: int
    index: Expr
    limit: Expr
    inside: Expr
    guard: Expr | None


@dataclass(frozen=True, slots=True)
class Loop:
    """`axis` runs over [begin, end), `step` at a time. lanes: iterations are independent and contiguous in memory.

    overlap: an iteration may be done twice, where that makes whole vectors of them.
    """

    axis: Expr
    begin: Expr
    end: Expr
    lanes: bool
    body: tuple[Statement, ...]
    step: int = 1
    overlap: bool = False


@dataclass(frozen=True, slots=True)
class Strip:
    """`axis` runs over [begin, end) in strips of `length`; the loops of `body` run over [from_of, to_of) of it.

    `arrays`: memory of one strip, a place an element.
    """

    axis: Expr
    begin: Expr
    end: Expr
    length: int
    arrays: tuple[Array, ...]
    body: tuple[Loop, ...]


@dataclass(frozen=True, slots=True)
class ReduceResult:
    """One reduction inside a ReduceLoop. `target`: a var, or an element of an array with one place a column.

    ArgMax and ArgMin: the target is the index.
    """

    target: Expr
    kind: str
    dtype: str  # of the accumulator
    value: Expr


@dataclass(frozen=True, slots=True)
class ReduceLoop:
    """Reductions over `axis` in blocks of `block` and `lanes` lanes, in the order that docs/bits.md fixes.

    `columns`: an axis over which the reductions run side by side (I > 1); None: one reduction at a time.
    `body`: statements done for each element beside the reductions (values that other loops need).
    `ahead`: loads of a later iteration, which may be fetched meanwhile; where `ahead_nbytes`, all that it reads of
    them, stay in the caches until then (None: always).
    `stages`: statements that run over the same columns (or lanes) before `body`, a loop each; `arrays`: what they keep,
    a place a column (or lane).
    `rows`: (var, length), the var being axis / length where values are computed: a row at a time.
    """

    axis: Expr
    extent: Expr
    lanes: int
    block: int
    results: tuple[ReduceResult, ...]
    columns: Expr | None = None
    body: tuple[Statement, ...] = ()
    ahead: tuple[Expr, ...] = ()
    stages: tuple[tuple[Assign, ...], ...] = ()
    arrays: tuple[Array, ...] = ()
    ahead_nbytes: Expr | None = None
    rows: tuple[tuple[Expr, Expr], ...] = ()


@dataclass(frozen=True, slots=True)
class Partial:
    """One half of a reduction, in a phase of its own; `shared` memory holds a value a block and column.

    first: reduces block `number` of `loop` into the shared arrays; else: combines all blocks pairwise, defines the
    loop's targets and keeps them where block 0 was. `lanes`: rows of the arrays for each block, halved first.
    """

    loop: ReduceLoop
    first: bool
    number: Expr
    arrays: tuple[tuple[str, ...], ...]  # names of the shared arrays of each result: one, or value and index
    place: Expr  # of the column in a row of the arrays; 0 where everything is reduced
    pitch: Expr  # length of a row of the arrays: number of columns
    lanes: int = 1


@dataclass(frozen=True, slots=True)
class Recall:
    """Defines `target` as what an earlier phase left at `place` of a shared array; the identity where extent is 0."""

    target: Expr
    array: str
    identity: Expr
    extent: Expr
    columns: Expr | None
    place: Expr


Statement = Define | Assign | Check | Loop | Strip | ReduceLoop | Partial | Recall


@dataclass(frozen=True, slots=True)
class PhaseBody:
    """One parallel range: the product of the extents of `axes`, row-major; the body is one iteration.

    `before`: what no iteration changes; done once by whoever works on a part of the range.
    `tile`: the last axis is cut into tiles of this length; inside the body it runs over [begin_of, end_of) of itself.
    `spans`: a part of the range is worked on in runs along the last axis, over [begin_of, end_of) of it; any two
    numbers bound a part.
    `work`: rough nanoseconds of one iteration, as (factor, extents).
    """

    axes: tuple[Expr, ...]
    body: tuple[Statement, ...]
    tile: int = 0
    work: tuple[int, tuple[Expr, ...]] = (1, ())
    together: bool = False  # on a GPU the threads of a block share one iteration
    before: tuple[Statement, ...] = ()
    spans: bool = False


@dataclass(frozen=True, slots=True)
class Array:
    """Scratch memory: of a thread (row buffers) or of a launch (a value a block)."""

    name: str
    dtype: str
    length: Expr


@dataclass(frozen=True, slots=True)
class Kernel:
    name: str
    buffers: tuple[Buffer, ...]
    dims: tuple[DimRef, ...]
    scalars: tuple[tuple[int, int], ...]
    phases: tuple[PhaseBody, ...]
    local: tuple[Array, ...] = ()
    shared: tuple[Array, ...] = ()
    ops: tuple[int, ...] = ()
    schedule: Schedule = Schedule()


def in_lanes(loop: ReduceLoop) -> bool:
    """Whether a row is reduced in whole sets of lanes, a loop over each: it may be long, and has no inner loop."""
    simple = all(isinstance(s, (Define, Assign, Check)) for s in loop.body)
    short = loop.extent.kind == "const" and int(str(loop.extent.data)) <= loop.lanes
    search = any(r.kind.startswith("Arg") for r in loop.results)
    return loop.columns is None and loop.lanes > 1 and simple and not short and not search


def begin_of(axis: Expr) -> Expr:
    """Where the tile of an axis starts."""
    return variable(f"{axis.data}_begin", "int64")


def end_of(axis: Expr) -> Expr:
    return variable(f"{axis.data}_end", "int64")


def from_of(axis: Expr) -> Expr:
    """Where the strip of an axis starts."""
    return variable(f"{axis.data}_from", "int64")


def to_of(axis: Expr) -> Expr:
    return variable(f"{axis.data}_to", "int64")

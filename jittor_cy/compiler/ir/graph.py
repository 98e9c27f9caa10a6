"""Graph IR: a GraphSnapshot as Python values; what the compiler is given."""

from __future__ import annotations

from dataclasses import dataclass

from jittor_cy.compiler.ir.schedule import Choices

__all__ = ["Graph", "Op", "Symbol", "Var"]


@dataclass(frozen=True, slots=True)
class Symbol:
    """An extent. Two axes have the same extent if and only if they have the same symbol.

    `value` is None unless the extent is constant (0, 1, or small and not leading), and may then stand in kernel text.
    """

    id: int
    value: int | None = None


@dataclass(frozen=True, slots=True)
class Var:
    """A value in the graph. `layout` is "contiguous" or "strided" for leaves, None for what the graph computes."""

    id: int
    dtype: str
    shape: tuple[Symbol, ...]
    layout: str | None
    producer: int | None
    output: bool  # must be in memory afterwards
    repeated: tuple[int, ...] = ()  # strided leaf: axes with stride 0
    unit_axis: int | None = None  # strided leaf: an axis with stride 1


@dataclass(frozen=True, slots=True)
class Op:
    """A primitive; attributes as written down in runtime/graph/op_kinds.def. `kind` is the name there ("Add")."""

    id: int
    kind: str
    family: str  # "elementwise", "movement", ... (Family in runtime/graph/op_kind.h, without the k, lower snake case)
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    structure: tuple[int, ...]
    scalar_is_float: tuple[bool, ...]  # one entry a scalar Slot; values are not known here
    update_group: int
    given: Choices = ()  # by hand, for the schedule of the kernel that computes it


@dataclass(frozen=True, slots=True)
class Graph:
    """Vars (leaves first, then outputs in the order of the ops) and ops in topological order."""

    vars: tuple[Var, ...]
    ops: tuple[Op, ...]
    leaf_count: int
    device: str  # "cpu" or "cuda"
    signature: str

"""Random programs: typed, in range, with every layout; run by jittor_cy and by NumPy, and compared."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from jittor_cy.testing.program_kinds import Operand, OpRow
from jittor_cy.testing.program_ops import OPS

__all__ = ["Choices", "Leaf", "Program", "RandomChoices", "Step", "build_program", "random_program"]

DTYPES = ("float32", "float32", "float32", "float64", "int32", "int64", "bool", "float16", "uint8")
LAYOUTS = ("contiguous", "contiguous", "transposed", "sliced", "reversed", "expanded")
EXTENTS = (1, 2, 3, 4, 5, 7, 8, 17, 33, 64, 65)
# Reductions over these have several blocks (docs/bits.md: 256 elements where axes stand behind, 4096 where none do).
LONG_EXTENTS = (257, 700, 1030, 4100, 8200, 12300)
MAX_ELEMENTS = 1 << 14


class Choices:
    """Where a program's decisions come from: a seeded generator, or hypothesis (which then shrinks them)."""

    def integer(self, low: int, high: int) -> int:
        """A number in [low, high]."""
        raise AssertionError("Choices is abstract: use RandomChoices or the hypothesis strategy")

    def pick(self, values: Sequence[Any]) -> Any:
        return values[self.integer(0, len(values) - 1)]


class RandomChoices(Choices):
    """Decisions from a seed."""

    def __init__(self, seed: int) -> None:
        self.generator = random.Random(seed)

    def integer(self, low: int, high: int) -> int:
        return self.generator.randint(low, high)


@dataclass(frozen=True, slots=True)
class Leaf:
    """An input: values from a seed, in a memory layout."""

    shape: tuple[int, ...]
    dtype: str
    layout: str
    seed: int

    def array(self) -> np.ndarray:
        """The NumPy array, strided as the layout says."""
        generator = np.random.default_rng(self.seed)
        full = layout_base_shape(self.shape, self.layout)
        if self.dtype == "bool":
            base = generator.integers(0, 2, full).astype(bool)
        elif self.dtype.startswith("float"):
            base = generator.standard_normal(full).astype(self.dtype)
        else:
            base = generator.integers(0 if self.dtype.startswith("u") else -5, 6, full).astype(self.dtype)
        return apply_layout(base, self.layout, self.shape)


def layout_base_shape(shape: tuple[int, ...], layout: str) -> tuple[int, ...]:
    match layout:
        case "transposed":
            return shape[::-1]
        case "sliced":
            return tuple(2 * n + 1 for n in shape)
        case "expanded":
            return tuple(1 if i == 0 else n for i, n in enumerate(shape))
        case _:
            return shape


def apply_layout(base: Any, layout: str, shape: tuple[int, ...]) -> Any:
    """The same indexing for a NumPy array and for a Var."""
    match layout:
        case "transposed":
            return base.transpose(*range(len(shape))[::-1]) if len(shape) > 1 else base
        case "sliced":
            return base[tuple(slice(1, None, 2) for _ in shape)] if shape else base
        case "reversed":
            return base[tuple(slice(None, None, -1) for _ in shape)] if shape else base
        case "expanded":
            return np.broadcast_to(base, shape) if isinstance(base, np.ndarray) else base.broadcast_to(shape)
        case _:
            return base


@dataclass(frozen=True, slots=True)
class Step:
    """One operation on earlier values (leaves first, then steps)."""

    op: OpRow
    operands: tuple[int, ...]
    parameters: tuple[Any, ...]


@dataclass(slots=True)
class Program:
    """Leaves, steps, and which values are asked for."""

    leaves: list[Leaf] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    kinds: list[Operand] = field(default_factory=list)
    results: list[int] = field(default_factory=list)

    def run_numpy(self) -> list[np.ndarray]:
        """Every value, by NumPy."""
        values = [leaf.array() for leaf in self.leaves]
        with np.errstate(all="ignore"):
            for step in self.steps:
                values.append(np.asarray(step.op.numpy(*[values[i] for i in step.operands], *step.parameters)))
        return values

    def run(self, jt: Any, read: Callable[[Any], np.ndarray] = lambda v: v.numpy()) -> list[np.ndarray]:
        """The results, by jittor_cy; other values are never held, so that fusion is free to drop them."""
        _, kept = self.record(jt)
        return [np.array(read(value)) for value in kept]

    def run_gradients(self, jt: Any) -> list[np.ndarray]:
        """Gradients of the sum of all floating results for the floating leaves; [] where there are none."""
        leaves, results = self.record(jt)
        targets = [x for x, leaf in zip(leaves, self.leaves, strict=True) if "float" in leaf.dtype]
        parts = [
            y.astype("float32").sum() for y, i in zip(results, self.results, strict=True) if self.kinds[i].floating
        ]
        if not targets or not parts:
            return []
        gradients = jt.grad(sum(parts[1:], parts[0]), targets)
        del leaves, results, parts, targets
        return [np.array(gradient.numpy()) for gradient in gradients]

    def record(self, jt: Any) -> tuple[list[Any], list[Any]]:
        """The leaves and the results as Vars; nothing has run."""
        values: list[Any] = []
        for leaf in self.leaves:
            base = leaf.array()
            while base.base is not None:
                base = base.base
            base = base.reshape(layout_base_shape(leaf.shape, leaf.layout))
            values.append(apply_layout(jt.array(base), leaf.layout, leaf.shape))
        for step in self.steps:
            values.append(step.op.jittor(jt, *[values[i] for i in step.operands], *step.parameters))
        return values[: len(self.leaves)], [values[i] for i in self.results]

    def __str__(self) -> str:
        lines = [
            f"v{i} = {leaf.dtype}{list(leaf.shape)} {leaf.layout} seed {leaf.seed}"
            for i, leaf in enumerate(self.leaves)
        ]
        for n, step in enumerate(self.steps, len(self.leaves)):
            given = ", ".join([*(f"v{i}" for i in step.operands), *map(repr, step.parameters)])
            kind = self.kinds[n]
            lines.append(f"v{n} = {step.op.name}({given})  -> {kind.dtype}{list(kind.shape)}")
        return "\n".join([*lines, "results: " + ", ".join(f"v{i}" for i in self.results)])


def draw_leaf(choices: Choices) -> Leaf:
    ndim = choices.pick((0, 1, 1, 2, 2, 2, 3, 3, 4))
    shape: list[int] = []
    for _ in range(ndim):
        room = MAX_ELEMENTS // max(1, int(np.prod(shape, dtype=int)))
        extents = LONG_EXTENTS if room >= LONG_EXTENTS[0] and choices.integer(0, 11) == 0 else EXTENTS
        shape.append(choices.pick([n for n in extents if n <= max(1, room)]))
    if choices.integer(0, 40) == 0 and shape:
        shape[choices.integer(0, ndim - 1)] = 0
    layout = choices.pick(LAYOUTS)
    return Leaf(tuple(shape), choices.pick(DTYPES), layout, choices.integer(0, 1 << 30))


def build_program(choices: Choices, max_ops: int) -> Program:
    """A program of at most `max_ops` steps; every step is legal for its operands by construction."""
    program = Program()
    for _ in range(choices.integer(1, 3)):
        leaf = draw_leaf(choices)
        program.leaves.append(leaf)
        program.kinds.append(Operand(leaf.shape, leaf.dtype, exact=True, depth=0.0))
    for _ in range(choices.integer(1, max_ops)):
        add_step(choices, program)
    used = {i for step in program.steps for i in step.operands}
    last = len(program.kinds) - 1
    program.results = [
        i for i in range(len(program.leaves), last + 1) if i == last or i not in used or choices.integer(0, 5) == 0
    ]
    return program


def add_step(choices: Choices, program: Program) -> None:
    """Tries ops until one is legal; chains prefer the newest value."""
    for _ in range(20):
        row = choices.pick(OPS)
        first = choices.pick((len(program.kinds) - 1, choices.integer(0, len(program.kinds) - 1)))
        drawn = row.draw(choices, program.kinds, first)
        if drawn is None:
            continue
        operands, parameters, result = drawn
        if int(np.prod(result.shape, dtype=int)) > MAX_ELEMENTS:
            continue
        program.steps.append(Step(row, operands, parameters))
        program.kinds.append(result)
        return


def random_program(seed: int, max_ops: int = 12) -> Program:
    """The program of a seed, always the same."""
    return build_program(RandomChoices(seed), max_ops)

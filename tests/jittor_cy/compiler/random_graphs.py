"""Random graphs over every family that the generator compiles; grown from a seed."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from tests.jittor_cy.compiler.harness import Node, Recorder

__all__ = ["random_graph"]

EXTENTS = (1, 2, 3, 5, 7, 17, 20, 33, 70, 130)
DTYPES = ("float32", "float32", "float32", "float64", "int32", "float16")
MAX_ELEMENTS = 60_000
REDUCTIONS = (0, 0, 0, 2, 2, 3, 1, 4, 5)


class Grower:
    """Adds ops over what is there; each method may also add nothing, where it finds no fitting operands."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.r = Recorder()
        self.pool: list[Node] = []
        extents = [self.choose(EXTENTS) for _ in range(3)]
        if self.random.random() < 0.1:
            extents[0] = 0
        if self.random.random() < 0.1:
            extents[1] = 4500
        self.base = tuple(extents[: self.random.integers(1, 4)])

    def choose(self, options: tuple) -> object:
        return options[int(self.random.integers(len(options)))]

    def leaves(self) -> None:
        for _ in range(self.random.integers(1, 4)):
            dtype = self.choose(DTYPES)
            shape = tuple(n if self.random.random() < 0.8 else 1 for n in self.base)
            data = self.values(shape, dtype)
            if self.random.random() < 0.3:
                data = self.values(shape[::-1], dtype).T
            self.pool.append(self.r.leaf(data))

    def values(self, shape: tuple[int, ...], dtype: str) -> np.ndarray:
        return np.asarray(self.random.normal(size=shape) * 3).astype(dtype)

    def pick(self, fits: Callable[[Node], bool] = lambda n: True) -> Node | None:
        found = [n for n in self.pool if fits(n)]
        return self.choose(tuple(found)) if found else None

    def add(self, *args: object, **more: object) -> Node:
        self.pool.append(self.r.op(*args, **more))
        return self.pool[-1]

    def grow(self, steps: int) -> None:
        growers = (
            self.unary,
            self.binary,
            self.binary,
            self.where,
            self.cast,
            self.reduce,
            self.reduce,
            self.reduce,
            self.transpose,
            self.reshape,
            self.slice,
            self.pad,
            self.concat,
            self.insert,
            self.source,
        )
        for _ in range(steps):
            x = self.pick(lambda n: math.prod(n.shape) <= MAX_ELEMENTS)
            if x is not None:
                self.choose(growers)(x)

    def unary(self, x: Node) -> None:
        real = x.dtype.startswith("float")
        kinds = ("Neg", "Abs", "Exp", "Tanh", "Sqrt", "Sigmoid", "Floor", "IsNan") if real else ("Neg", "Abs", "BitNot")
        self.add(self.choose(kinds), [x])

    def binary(self, x: Node) -> None:
        y = self.pick(lambda n: (n.shape, n.dtype) == (x.shape, x.dtype))
        kinds = ("Add", "Sub", "Mul", "Maximum", "Lt", "Eq", "FloorDiv")
        self.add(self.choose(kinds), [x, y])

    def where(self, x: Node) -> None:
        condition = self.pick(lambda n: (n.shape, n.dtype) == (x.shape, "bool"))
        other = self.pick(lambda n: (n.shape, n.dtype) == (x.shape, x.dtype))
        if condition is not None:
            self.add("Where", [condition, x, other])

    def cast(self, x: Node) -> None:
        self.add("Cast", [x], dtype=self.choose(("float32", "float64", "int32", "bool", "float16")))

    def reduce(self, x: Node) -> None:
        if not x.shape:
            return
        first = int(self.random.integers(len(x.shape)))
        end = int(self.random.integers(first + 1, len(x.shape) + 1))
        kind = self.choose(REDUCTIONS)
        if (kind >= 4 and math.prod(x.shape[first:end]) == 0) or (x.dtype == "bool" and kind < 2):
            return
        result = self.r.reduce(kind, x, first, end)
        self.pool.append(result)
        if self.random.random() < 0.7:
            axes = [*range(first), *[-1] * (end - first), *range(first, len(result.shape))]
            self.pool.append(self.r.broadcast(result, x.shape, axes))

    def transpose(self, x: Node) -> None:
        order = [int(a) for a in self.random.permutation(len(x.shape))]
        self.add("Transpose", [x], tuple(x.shape[a] for a in order), structure=order)

    def reshape(self, x: Node) -> None:
        shape = list(x.shape)
        if len(shape) > 1 and self.random.random() < 0.6:
            at = int(self.random.integers(len(shape) - 1))
            shape[at : at + 2] = [shape[at] * shape[at + 1]]
        elif shape and shape[-1] and shape[-1] % 2 == 0:
            shape[-1:] = [2, shape[-1] // 2]
        else:
            shape.insert(int(self.random.integers(len(shape) + 1)), 1)
        self.add("Reshape", [x], tuple(shape))

    def slice(self, x: Node) -> None:
        steps = [self.choose((1, 1, 2)) for _ in x.shape]
        starts = [int(self.random.integers(max(1, n))) if self.random.random() < 0.5 else 0 for n in x.shape]
        shape = [max(0, -(-(n - a) // s)) for n, a, s in zip(x.shape, starts, steps, strict=True)]
        self.add("Slice", [x], shape, structure=steps, scalars=starts)

    def pad(self, x: Node) -> None:
        low, high = ([int(self.random.integers(3)) for _ in x.shape] for _ in range(2))
        shape = [n + a + b for n, a, b in zip(x.shape, low, high, strict=True)]
        self.add("Pad", [x], shape, scalars=(*low, 1.5 if x.dtype.startswith("float") else 1))

    def concat(self, x: Node) -> None:
        if not x.shape:
            return
        axis = int(self.random.integers(len(x.shape)))

        def fits(n: Node) -> bool:
            others = [a for a in range(len(x.shape)) if a != axis]
            return n.dtype == x.dtype and len(n.shape) == len(x.shape) and all(n.shape[a] == x.shape[a] for a in others)

        y = self.pick(fits)
        shape = list(x.shape)
        shape[axis] += y.shape[axis]
        self.add("Concat", [x, y], shape, structure=[axis])

    def insert(self, x: Node) -> None:
        zeros, twos = [0] * len(x.shape), [2] * len(x.shape)
        region = self.r.op("Slice", [x], [(n + 1) // 2 for n in x.shape], structure=twos, scalars=zeros)
        self.add("Insert", [x, region], structure=[self.choose((1, 2)) for _ in x.shape], scalars=zeros)

    def source(self, x: Node) -> None:
        seed, counter = (int(n) for n in self.random.integers(1 << 40, size=2))
        self.add("Random", [], x.shape, "float32", scalars=[seed, counter])
        if x.shape:
            axis = int(self.random.integers(len(x.shape)))
            self.add("Iota", [], x.shape, "float32", structure=[axis], scalars=[1.0, 0.5])


def random_graph(seed: int, steps: int = 14) -> tuple[Recorder, list[Node]]:
    """A recorder and some of its nodes as outputs, the last one among them."""
    grower = Grower(seed)
    grower.leaves()
    grower.r.op("Neg", [grower.pool[0]])
    grower.grow(int(grower.random.integers(2, steps)))
    nodes = grower.r.nodes
    outputs = [n for n in nodes if grower.random.random() < 0.25]
    return grower.r, outputs if nodes[-1] in outputs else [*outputs, nodes[-1]]

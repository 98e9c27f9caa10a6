"""Graphs made by hand, compiled and run through ctypes; and the exact order of a reduction in NumPy."""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from jittor_cy.compiler.ir.graph import Graph, Op, Symbol, Var
from jittor_cy.compiler.ir.program import DimRef, Launch, Product, Program
from jittor_cy.compiler.ir.schedule import Choices
from jittor_cy.compiler.pipeline import Options, compile_graph
from jittor_cy.compiler.toolchain.gcc import compile_shared, flags_for

ISA = "avx2"
FAMILIES = {
    "Full": "source",
    "Iota": "source",
    "Random": "random",
    "Reduce": "reduce",
    "Scan": "scan",
    "Reindex": "reindex",
    "ReindexReduce": "reindex_reduce",
    "Contraction": "contraction",
    "Code": "opaque",
    **dict.fromkeys(("Broadcast", "Transpose", "Reshape", "Slice", "Pad", "Concat", "Insert"), "movement"),
}
COMPARISONS = ("Eq", "Ne", "Lt", "Le", "Gt", "Ge", "IsNan", "IsInf")
EMBEDDED = 16
NUMPY = {
    "bool": np.bool_,
    "float16": np.float16,
    "float32": np.float32,
    "float64": np.float64,
    "int32": np.int32,
    "int64": np.int64,
    "uint8": np.uint8,
    "int8": np.int8,
    "int16": np.int16,
    "uint32": np.uint32,
}


@dataclass
class Node:
    """A var of a graph under construction."""

    id: int
    shape: tuple[int, ...]
    dtype: str
    producer: int | None = None
    data: np.ndarray | None = None
    output: bool = False


@dataclass
class Recorder:
    """Records ops as the runtime does; leaves come first."""

    leaves: list[Node] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    ops: list[tuple[str, list[Node], Node, tuple[int, ...], tuple[float | int, ...], int, Choices]] = field(
        default_factory=list
    )
    given: Choices = ()  # by hand, of ops recorded from now on

    def leaf(self, data: np.ndarray) -> Node:
        node = Node(len(self.leaves), data.shape, data.dtype.name, data=data)
        self.leaves.append(node)
        return node

    def op(
        self,
        kind: str,
        inputs: Sequence[Node],
        shape: Sequence[int] | None = None,
        dtype: str | None = None,
        structure: Sequence[int] = (),
        scalars: Sequence[float | int] = (),
        update: int = 0,
    ) -> Node:
        shape = tuple(shape) if shape is not None else inputs[0].shape
        if dtype is None:
            dtype = "bool" if kind in COMPARISONS else inputs[1 if kind == "Where" else 0].dtype
        node = Node(len(self.ops), shape, dtype, producer=len(self.ops))
        self.nodes.append(node)
        self.ops.append((kind, list(inputs), node, tuple(structure), tuple(scalars), update, self.given))
        return node

    def broadcast(self, x: Node, shape: Sequence[int], axes: Sequence[int]) -> Node:
        return self.op("Broadcast", [x], shape, structure=axes)

    def full(self, value: float, shape: Sequence[int], dtype: str = "float32") -> Node:
        return self.op("Full", [], shape, dtype, scalars=[value])

    def reduce(self, kind: int, x: Node, first: int, end: int, dtype: str | None = None) -> Node:
        shape = x.shape[:first] + x.shape[end:]
        return self.op("Reduce", [x], shape, dtype or ("int64" if kind >= 4 else x.dtype), [kind, first, end])

    def graph(self, outputs: Sequence[Node]) -> Graph:
        for node in outputs:
            node.output = True
        symbols: dict[tuple[int, bool], Symbol] = {}

        def symbol(extent: int, axis: int) -> Symbol:
            constant = extent in (0, 1) or (axis > 0 and extent <= EMBEDDED) or (extent, True) in symbols
            return symbols.setdefault((extent, constant), Symbol(len(symbols), extent if constant else None))

        every = self.leaves + self.nodes
        for node in every:  # an extent that is constant anywhere is constant everywhere
            for axis, extent in enumerate(node.shape):
                if axis > 0 and extent <= EMBEDDED or extent <= 1:
                    symbol(extent, axis)
        count = len(self.leaves)
        variables = []
        for node in every:
            leaf = node.data is not None
            layout = None if not leaf else "contiguous" if node.data.flags.c_contiguous else "strided"
            shape = tuple(symbol(n, axis) for axis, n in enumerate(node.shape))
            repeated, unit = strides_of(node.data) if layout == "strided" else ((), None)
            variables.append(
                Var(
                    node.id if leaf else count + node.id,
                    node.dtype,
                    shape,
                    layout,
                    node.producer,
                    node.output,
                    repeated,
                    unit,
                )
            )
        return Graph(tuple(variables), tuple(self.graph_op(i) for i in range(len(self.ops))), count, "cpu", "test")

    def graph_op(self, number: int) -> Op:
        kind, inputs, node, structure, scalars, update, given = self.ops[number]
        ids = tuple(self.number(i) for i in inputs)
        floats = tuple(isinstance(s, float) for s in scalars)
        return Op(
            number, kind, FAMILIES.get(kind, "elementwise"), ids, (self.number(node),), structure, floats, update, given
        )

    def number(self, node: Node) -> int:
        return node.id if node.data is not None else len(self.leaves) + node.id

    def compile(self, outputs: Sequence[Node], **options: object) -> Program:
        return compile_graph(self.graph(outputs), Options(isa=ISA, verify=True, **options))

    def run(
        self, outputs: Sequence[Node], folder: Path, cuts: int = 1, large: bool = False, **options: object
    ) -> list[np.ndarray]:
        """Values of `outputs`. cuts: into how many parts every parallel range is split; large: treat all as large."""
        return Runner(self, self.compile(outputs, **options), folder, cuts, large).run(outputs)


def strides_of(array: np.ndarray) -> tuple[tuple[int, ...], int | None]:
    """(axes with stride 0, the last axis with stride 1), as the snapshot gives them."""
    long = [a for a, n in enumerate(array.shape) if n > 1]
    repeated = tuple(a for a in long if array.strides[a] == 0)
    unit = [a for a in long if array.strides[a] == array.itemsize]
    return repeated, unit[-1] if unit else None


# Above every limit that a kernel compares the size of its output with.
LARGE = 1 << 40

# out[i, j] = sum over k of a[i, k] * b[k, j]: runtime/graph/contraction.h.
MATMUL = (2, 1, 2, 2, *(0, 1, -2, 0, 1), *(2, 1, -2, 0, 1), *(2, 1, -2, 0, 1), *(1, 1, -2, 0, 1))


class Scalar(ctypes.Union):
    _fields_ = [("f", ctypes.c_double), ("i", ctypes.c_longlong)]


class Error(ctypes.Structure):
    _fields_ = [
        ("code", ctypes.c_int),
        ("op", ctypes.c_int),
        ("value", ctypes.c_longlong),
        ("limit", ctypes.c_longlong),
    ]


class Args(ctypes.Structure):
    _fields_ = [
        ("ptr", ctypes.POINTER(ctypes.c_void_p)),
        ("dim", ctypes.POINTER(ctypes.c_longlong)),
        ("scalar", ctypes.POINTER(Scalar)),
        ("shared", ctypes.c_void_p),
        ("error", ctypes.POINTER(Error)),
        ("output_nbytes", ctypes.c_longlong),
    ]


class Runner:
    def __init__(self, recorder: Recorder, program: Program, folder: Path, cuts: int = 1, large: bool = False) -> None:
        self.recorder, self.program, self.cuts, self.large = recorder, program, cuts, large
        self.every = recorder.leaves + recorder.nodes
        self.memory: dict[int, np.ndarray] = {leaf.id: leaf.data for leaf in recorder.leaves}
        self.error = Error()
        text = "\n".join(unit_parts(program))
        library = compile_shared(text, folder, f"unit{len(list(folder.iterdir()))}", flags_for(ISA))
        self.library = ctypes.CDLL(str(library))

    def run(self, outputs: Sequence[Node]) -> list[np.ndarray]:
        for launch in self.program.launches:
            self.launch(launch)
        return [self.memory[self.recorder.number(node)] for node in outputs]

    def dim(self, ref: DimRef) -> int:
        shape = self.every[ref.var].shape
        match ref.what:
            case "extent":
                return shape[ref.axis]
            case "stride":
                array = self.memory[ref.var]
                return array.strides[ref.axis] // array.itemsize
            case "count":
                return int(np.prod(shape[ref.axis : ref.value]))
        return ref.value

    def launch(self, launch: Launch) -> None:
        assert launch.kernel is not None, "this harness runs kernels only"
        for var in launch.buffers[len(launch.buffers) - launch.output_count :]:
            node = self.every[var]
            self.memory[var] = aligned(node.shape, node.dtype)
        dims = [self.dim(ref) for ref in launch.dims]
        scalars = (Scalar * max(1, len(launch.scalars)))()
        for i, (op, number) in enumerate(launch.scalars):
            value = self.recorder.ops[op][4][number]
            setattr(scalars[i], "f" if isinstance(value, float) else "i", value)
        pointers = (ctypes.c_void_p * len(launch.buffers))(*[self.memory[v].ctypes.data for v in launch.buffers])
        shared = np.full(evaluate(launch.shared_nbytes, dims) + 64, 0xAB, np.uint8)
        dim_array = (ctypes.c_longlong * max(1, len(dims)))(*dims)
        args = Args(pointers, dim_array, scalars, shared.ctypes.data, ctypes.pointer(self.error))
        args.output_nbytes = (
            LARGE if self.large else max(self.memory[v].nbytes for v in launch.buffers[-launch.output_count :])
        )
        for number, phase in enumerate(launch.phases):
            entry = getattr(self.library, f"kernel_{launch.kernel[:16]}_phase{number}")
            grid = evaluate(phase.grid, dims)
            for begin, end in parts(grid, self.cuts):
                local = np.full(evaluate(launch.local_nbytes, dims) + 64, 0xAB, np.uint8)
                entry(
                    ctypes.byref(args),
                    ctypes.c_void_p(local.ctypes.data),
                    ctypes.c_longlong(begin),
                    ctypes.c_longlong(end),
                )


def parts(grid: int, cuts: int) -> list[tuple[int, int]]:
    borders = sorted({grid * i // cuts for i in range(cuts + 1)})
    return list(itertools.pairwise(borders))


def evaluate(product: Product, dims: list[int]) -> int:
    result = product.factor
    for position, divisor in product.terms:
        result *= -(-dims[position] // divisor)
    return result


def aligned(shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Uninitialised memory (poisoned), aligned as the runtime's."""
    kind = np.dtype(NUMPY[dtype])
    nbytes = int(np.prod(shape)) * kind.itemsize
    raw = np.full(nbytes + 64, 0xCD, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + nbytes].view(kind).reshape(shape)


def unit_parts(program: Program) -> list[str]:
    from jittor_cy.compiler.toolchain.gcc import unit_text

    return unit_text(list(program.kernels))


def exact_sum(x: np.ndarray, first: int, end: int, op: np.ufunc = np.add, identity: float = 0) -> np.ndarray:
    """A reduction in the order of docs/bits.md, written with NumPy."""
    accumulator = np.float32 if x.dtype == np.float16 else x.dtype
    outer, inner = x.shape[:first], x.shape[end:]
    run = int(np.prod(x.shape[first:end]))
    data = x.reshape(int(np.prod(outer)), run, int(np.prod(inner))).astype(accumulator)
    lanes, block = (64, 4096) if data.shape[2] == 1 else (4, 256)
    blocks = []
    for start in range(0, run, block):
        part = data[:, start : start + block]
        lane = np.full((data.shape[0], lanes, data.shape[2]), identity, accumulator)
        for r in range(part.shape[1]):
            lane[:, r % lanes] = op(lane[:, r % lanes], part[:, r])
        width = lanes // 2
        while width:
            lane[:, :width] = op(lane[:, :width], lane[:, width : 2 * width])
            width //= 2
        blocks.append(lane[:, 0].copy())
    while len(blocks) > 1:
        blocks = [op(blocks[i], blocks[i + 1]) if i + 1 < len(blocks) else blocks[i] for i in range(0, len(blocks), 2)]
    total = blocks[0] if blocks else np.full((data.shape[0], data.shape[2]), identity, accumulator)
    return total.reshape(outer + inner)

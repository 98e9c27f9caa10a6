"""A Contraction as one CUDA kernel: a plain 64 x 64 x 16 tile whose loads evaluate the ContractionMap; every dtype.

The axes of the output are sorted into three runs: rows stand only in a (or in neither operand), columns only in b,
batch axes in both. The summed range is walked in row-major order, 16 at a time through shared memory, in the blocks of
256 that docs/bits.md asks for; so the bits are those of the CPU.
"""

from __future__ import annotations

from jittor_cy.compiler.codegen.cuda_text import KernelShape
from jittor_cy.compiler.ir.contraction import operand_dims, places_of_axes
from jittor_cy.compiler.ir.graph import Graph, Op
from jittor_cy.compiler.ir.program import DimRef, Launch, Phase, Product

__all__ = ["contraction_body", "contraction_launch"]

# 256 threads of 4 x 4 results each; a row of 4 more elements keeps column reads of a tile in different banks.
TILE, DEPTH, PER_THREAD, THREADS, PADDING = 64, 16, 4, 256, 4
BLOCK = 256  # kContractionBlock in runtime/graph/contraction.h
NANOSECONDS_A_TILE = 1000

# What elements are in memory, what they are while summed, and the casts between. Integers wrap, so they are unsigned.
ELEMENTS = {
    "uint8": ("unsigned char", "unsigned"),
    "int8": ("signed char", "unsigned"),
    "int16": ("short", "unsigned"),
    "uint16": ("unsigned short", "unsigned"),
    "int32": ("int", "unsigned"),
    "uint32": ("unsigned", "unsigned"),
    "int64": ("long long", "unsigned long long"),
    "uint64": ("unsigned long long", "unsigned long long"),
    "float16": ("jt_f16", "float"),
    "bfloat16": ("jt_bf16", "float"),
    "float32": ("float", "float"),
    "float64": ("double", "double"),
}
LOAD = {"float16": "jt_cast_f16_f32", "bfloat16": "jt_cast_bf16_f32"}
STORE = {"float16": "jt_cast_f32_f16", "bfloat16": "jt_cast_f32_bf16"}
FUSED = {"float": "JT_FMA_F32(a, b, c)", "double": "JT_FMA_F64(a, b, c)"}


class Contraction:
    """One op of a graph with its map read, and the numbers that its kernel receives."""

    def __init__(self, graph: Graph, op: Op) -> None:
        self.graph, self.op = graph, op
        out_ndim, self.summed = op.structure[:2]
        self.out_ndim, self.operands, self.places = out_ndim, operand_dims(op), places_of_axes(op)
        self.inputs, self.output = op.inputs, op.outputs[0]
        self.dtype = graph.vars[self.inputs[0]].dtype
        self.buffers = (*dict.fromkeys(self.inputs), self.output)
        self.dims: list[DimRef] = []
        in_a, in_b = (set().union(*(dim.axes for dim in dims)) if dims else set() for dims in self.operands)
        outer = range(out_ndim)
        self.batch = [axis for axis in outer if axis in in_a and axis in in_b]
        self.columns = [axis for axis in outer if axis in in_b and axis not in in_a]
        self.rows = [axis for axis in outer if axis not in self.batch and axis not in self.columns]
        self.inner = list(range(out_ndim, out_ndim + self.summed))
        self.extents = [self.extent_of(axis) for axis in range(out_ndim + self.summed)]
        self.grid = self.grid_of()

    def dim(self, ref: DimRef) -> str:
        """The text of a number of KernelArgs.dim, entered once; an extent that is constant is its value."""
        if ref.what == "extent":
            value = self.graph.vars[ref.var].shape[ref.axis].value
            if value is not None:
                return f"{value}ll"
        return f"args->dim[{self.position(ref)}]"

    def position(self, ref: DimRef) -> int:
        if ref not in self.dims:
            self.dims.append(ref)
        return self.dims.index(ref)

    def extent_of(self, axis: int) -> str:
        """The extent of an iteration axis: the output's, or that of the operand dim where it stands alone."""
        if axis < self.out_ndim:
            return self.dim(DimRef("extent", self.output, axis))
        operand, number = self.places[axis]
        return self.dim(DimRef("extent", self.inputs[operand], number))

    def grid_of(self) -> Product:
        """At least as many blocks as there are tiles: the last extent of rows and of columns is cut into tiles."""
        terms = [(self.position(DimRef("extent", self.output, axis)), 1) for axis in self.batch]
        for run in (self.rows, self.columns):
            terms += [(self.position(DimRef("extent", self.output, axis)), 1) for axis in run[:-1]]
            terms += [(self.position(DimRef("extent", self.output, axis)), TILE) for axis in run[-1:]]
        return Product(terms=tuple(terms))

    def product(self, axes: list[int]) -> str:
        return " * ".join(f"e{axis}" for axis in axes) or "1"

    def split(self, number: str, axes: list[int]) -> str:
        """Statements that take the index of each axis of a run from the run's linear index."""
        lines = []
        for axis in reversed(axes[1:]):
            lines.append(f"  const long long i{axis} = {number} % e{axis};\n  {number} /= e{axis};\n")
        lines += [f"  const long long i{axis} = {number};\n" for axis in axes[:1]]
        return "".join(lines)

    def strides(self, operand: int) -> list[str]:
        var = self.graph.vars[self.inputs[operand]]
        if var.layout == "strided":
            return [self.dim(DimRef("stride", var.id, axis)) for axis in range(len(var.shape))]
        sizes = [self.dim(DimRef("extent", var.id, axis)) for axis in range(len(var.shape))]
        return [" * ".join(sizes[axis + 1 :]) or "1" for axis in range(len(sizes))]

    def load_function(self, operand: int, name: str) -> str:
        """The element of an operand at one place of the iteration, 0 where the map leads outside."""
        element, total = ELEMENTS[self.dtype]
        own = self.rows if operand == 0 else self.columns
        var = self.inputs[operand]
        numbers = "long long batch, long long place, long long inner"
        lines = [
            f"__device__ static __forceinline__ {total} {name}(const Args* args, {numbers}) {{\n",
            self.extent_lines("  ", [*self.batch, *own, *self.inner]),
            f"  if (place >= {self.product(own)} || inner >= {self.product(self.inner)}) return 0;\n",
            self.split("batch", self.batch),
            self.split("place", own),
            self.split("inner", self.inner),
            "  long long at = 0, x;\n",
        ]
        for i, (dim, stride) in enumerate(zip(self.operands[operand], self.strides(operand), strict=True)):
            terms = f"{dim.coef1} * i{dim.axis1}" + (f" + {dim.coef2} * i{dim.axis2}" if dim.axis2 >= 0 else "")
            lines.append(f"  x = {terms} + args->scalar[{dim.scalar}].i;\n")
            if dim.divisor != 1:
                lines.append(f"  if (x % {dim.divisor} != 0) return 0;\n  x /= {dim.divisor};\n")
            extent = self.dim(DimRef("extent", var, i))
            lines.append(f"  if (x < 0 || x >= {extent}) return 0;\n  at += x * ({stride});\n")
        read = f"((const {element}*)args->ptr[{self.buffers.index(var)}])[at]"
        lines.append(f"  return {LOAD.get(self.dtype, f'({total})')}({read});\n}}\n")
        return "".join(lines)

    def extent_lines(self, indent: str, axes: list[int]) -> str:
        return "".join(f"{indent}const long long e{axis} = {self.extents[axis]};\n" for axis in axes)


def multiply_add(total: str) -> str:
    """One step of the sum, in its type."""
    parameters = f"{total} a, {total} b, {total} c"
    head = f"__device__ static __forceinline__ {total} multiply_add({parameters})"
    return f"{head} {{\n  return {FUSED.get(total, 'a * b + c')};\n}}\n"


def contraction_body(graph: Graph, op: Op, kernel: str) -> tuple[str, KernelShape]:
    """The functions of `kernel` for a Contraction; `Args` is its parameter. Casts come from kernel_math.h."""
    it = Contraction(graph, op)
    element, total = ELEMENTS[it.dtype]
    loads = it.load_function(0, "load_a") + it.load_function(1, "load_b")
    store = STORE.get(it.dtype, f"({element})")
    width = TILE + PADDING
    parameters = "const __grid_constant__ Args parameter, long long end"
    head = f'extern "C" __global__ void __launch_bounds__({THREADS}, 1) {kernel}({parameters})'
    text = f"""{loads}{multiply_add(total)}{head} {{
  const Args* args = &parameter;
  __shared__ {total} tile_a[{DEPTH}][{width}];
  __shared__ {total} tile_b[{DEPTH}][{width}];
{it.extent_lines("  ", list(range(it.out_ndim + it.summed)))}\
  const long long rows = {it.product(it.rows)}, columns = {it.product(it.columns)}, depth = {it.product(it.inner)};
  const long long row_tiles = (rows + {TILE - 1}) / {TILE}, column_tiles = (columns + {TILE - 1}) / {TILE};
  const long long tiles = {it.product(it.batch)} * row_tiles * column_tiles;
  const int thread = threadIdx.x, left = thread % 16 * {PER_THREAD}, top = thread / 16 * {PER_THREAD};
  for (long long tile = blockIdx.x; tile < tiles; tile += gridDim.x) {{
    const long long batch = tile / (row_tiles * column_tiles);
    const long long row = tile / column_tiles % row_tiles * {TILE}, column = tile % column_tiles * {TILE};
    {total} sum[{PER_THREAD}][{PER_THREAD}] = {{}}, part[{PER_THREAD}][{PER_THREAD}] = {{}};
    for (long long inner = 0; inner < depth; inner += {DEPTH}) {{
      for (int at = thread; at < {TILE * DEPTH}; at += {THREADS}) {{
        tile_a[at % {DEPTH}][at / {DEPTH}] = load_a(args, batch, row + at / {DEPTH}, inner + at % {DEPTH});
        tile_b[at / {TILE}][at % {TILE}] = load_b(args, batch, column + at % {TILE}, inner + at / {TILE});
      }}
      __syncthreads();
      const int deep = depth - inner < {DEPTH} ? (int)(depth - inner) : {DEPTH};
      for (int k = 0; k < deep; ++k) {{
        for (int i = 0; i < {PER_THREAD}; ++i) {{
          for (int j = 0; j < {PER_THREAD}; ++j) {{
            part[i][j] = multiply_add(tile_a[k][top + i], tile_b[k][left + j], part[i][j]);
          }}
        }}
      }}
      if ((inner + {DEPTH}) % {BLOCK} == 0 || inner + {DEPTH} >= depth) {{
        for (int i = 0; i < {PER_THREAD}; ++i) {{
          for (int j = 0; j < {PER_THREAD}; ++j) {{
            sum[i][j] = inner < {BLOCK} ? part[i][j] : sum[i][j] + part[i][j];
            part[i][j] = 0;
          }}
        }}
      }}
      __syncthreads();
    }}
    for (int i = 0; i < {PER_THREAD}; ++i) {{
      for (int j = 0; j < {PER_THREAD}; ++j) {{
        long long r = row + top + i, c = column + left + j, b = batch;
        if (r >= rows || c >= columns) continue;
{indented(it.split("b", it.batch) + it.split("r", it.rows) + it.split("c", it.columns))}\
        (({element}*)args->ptr[{it.buffers.index(it.output)}])[{output_index(it)}] = {store}(sum[i][j]);
      }}
    }}
  }}
}}
"""
    return text, KernelShape(len(it.buffers), len(it.dims), len(op.scalar_is_float), THREADS, True)


def indented(lines: str) -> str:
    return "".join(f"      {line}\n" for line in lines.splitlines())


def output_index(it: Contraction) -> str:
    """The linear index of a contiguous output, by Horner's rule."""
    index = "0"
    for axis in range(it.out_ndim):
        index = f"i{axis}" if axis == 0 else f"({index}) * e{axis} + i{axis}"
    return index


def contraction_launch(graph: Graph, op: Op, key: str) -> Launch:
    """The Launch that goes with contraction_body."""
    it = Contraction(graph, op)
    for operand in (0, 1):  # enter the dims in the order of the text
        it.load_function(operand, "load")
    return Launch(
        kernel=key,
        ops=(op.id,),
        buffers=it.buffers,
        output_count=1,
        dims=tuple(it.dims),
        scalars=tuple((op.id, i) for i in range(len(op.scalar_is_float))),
        phases=(Phase(it.grid, Product(factor=NANOSECONDS_A_TILE), block_per_iteration=True),),
    )

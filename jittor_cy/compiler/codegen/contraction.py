"""Generator of the contraction kernels: register tiles, gathers and packing of one instruction set, as headerless C.

The blocking around them, and what the structs mean, is runtime/exec/contraction.h; the order of the additions is the
contraction's bits (blocks of 256, ascending, fused multiply-add) and the same in every tile.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from jittor_cy.compiler.codegen.contraction_pack import copy_source, dots_source, round_source, turn_source
from jittor_cy.compiler.codegen.contraction_planes import plane_row, plane_sources
from jittor_cy.compiler.codegen.contraction_window import (
    fetching_steps,
    halves,
    merged_sources,
    multiply,
    put_apart,
    window_row,
    window_sources,
)

__all__ = ["INSTRUCTION_SETS", "InstructionSet", "prebuilt_source"]


@dataclass(frozen=True, slots=True)
class InstructionSet:
    """What the tiles of one instruction set look like; `rows` x `vectors` accumulators must fit its registers."""

    name: str
    vector_nbytes: int
    rows: int
    vectors: int
    registers: int
    fma: dict[str, str]  # element → expression in t, b, c
    # element → b with the lanes of a mask read at a place; none: there are no masked loads
    masked: dict[str, str] = field(default_factory=dict)
    # element → the lanes of a mask of v written at a place
    put: dict[str, str] = field(default_factory=dict)


# 12x32, 14x32 and 8x48 float32 tiles of avx512 ran within 2 % of each other (236 to 240 GF/s a core, all in the first
# cache, EPYC family 26): 12 divides the most extents.
INSTRUCTION_SETS = (
    InstructionSet(
        "avx512",
        64,
        12,
        2,
        32,
        {
            "f32": "__builtin_ia32_vfmaddps512_mask({t}, {b}, {c}, (unsigned short)-1, 4)",
            "f64": "__builtin_ia32_vfmaddpd512_mask({t}, {b}, {c}, (unsigned char)-1, 4)",
        },
        {
            "f32": "__builtin_ia32_loadups512_mask({at}, {b}, (unsigned short){mask})",
            "f64": "__builtin_ia32_loadupd512_mask({at}, {b}, (unsigned char){mask})",
        },
        {
            "f32": "__builtin_ia32_storeups512_mask({at}, {v}, (unsigned short){mask})",
            "f64": "__builtin_ia32_storeupd512_mask({at}, {v}, (unsigned char){mask})",
        },
    ),
    InstructionSet(
        "avx2",
        32,
        6,
        2,
        16,
        {"f32": "__builtin_ia32_vfmaddps256({t}, {b}, {c})", "f64": "__builtin_ia32_vfmaddpd256({t}, {b}, {c})"},
    ),
    InstructionSet("portable", 16, 4, 2, 16, {}),
)


@dataclass(frozen=True, slots=True)
class Element:
    """An accumulator type: its name in the table, its C type and how a product is added."""

    name: str
    ctype: str
    nbytes: int
    multiply_add: str = "{c} + {t} * {b}"


ELEMENTS = (
    Element("f32", "float", 4),
    Element("f64", "double", 8),
    Element("w8", "unsigned char", 1),
    Element("w16", "unsigned short", 2),
    Element("w32", "unsigned", 4),
    Element("w64", "unsigned long long", 8),
    Element("b", "unsigned char", 1, "{c} | ({t} & {b})"),
)

# Convolutions of integers take the general way.
WINDOW_ELEMENTS = ELEMENTS[:2]

# Integers need no peak: four rows keep the source small.
INTEGER_ROWS = 4


def tile_rows(isa: InstructionSet, element: Element) -> int:
    """Largest number of rows of a tile."""
    return isa.rows if element.ctype in ("float", "double") else min(isa.rows, INTEGER_ROWS)


def tile_source(isa: InstructionSet, element: Element, rows: int, vectors: int) -> str:
    """One register tile: acc = sum of a[k][row] * b[k][column] over one block, then c = acc or c + acc."""
    lanes = isa.vector_nbytes // element.nbytes
    vector, unaligned = f"v_{element.name}", f"u_{element.name}"
    multiply_add = isa.fma.get(element.name, element.multiply_add)
    cells = [(i, j) for i in range(rows) for j in range(vectors)]
    lines = [
        f"static void tile_{element.name}_{rows}x{vectors}(long long depth, const void* pa, const void* pb,"
        " const long long* place, void* pc,",
        "    const long long* row, int add) {",
        f"  const {element.ctype}* a = (const {element.ctype}*)pa;",
        f"  const {element.ctype}* b = (const {element.ctype}*)pb;",
        f"  {element.ctype}* c = ({element.ctype}*)pc;",
        # named accumulators: an array of them is spilled to the stack (cpu_kernels.md)
        "  " + f"{vector} " + ", ".join(f"c{i}_{j} = {{0}}" for i, j in cells) + ";",
    ]
    step = [
        f"    const {element.ctype}* bk = b + place[k];",
        *(f"    const {vector} b{j} = *(const {unaligned}*)(bk + {j * lanes});" for j in range(vectors)),
        *multiply(element.name, element.ctype, lanes, [f"a[{i}]" for i in range(rows)], vectors, multiply_add),
        f"    a += {rows};",
    ]
    lines += [*fetching_steps(step, rows, lanes, vectors), "  for (; k < depth; ++k) {", *step, "  }", "  if (add) {"]
    lines += [f"    c{i}_{j} = *({unaligned}*)(c + row[{i}] + {j * lanes}) + c{i}_{j};" for i, j in cells]
    if element.name == "b":
        lines[-len(cells) :] = [f"    c{i}_{j} |= *({unaligned}*)(c + row[{i}] + {j * lanes});" for i, j in cells]
    lines += ["  }"]
    lines += [f"  *({unaligned}*)(c + row[{i}] + {j * lanes}) = c{i}_{j};" for i, j in cells]
    return "\n".join([*lines, "}"])


ROW = """static void row_{name}(long long depth, const void* pa, const void* pb, const long long* place,
                     long long columns, void* sums, void* pc, int add) {{
  const {ctype}* a = (const {ctype}*)pa;
  const {ctype}* b = (const {ctype}*)pb;
  {ctype}* s = ({ctype}*)sums;
  {ctype}* c = ({ctype}*)pc;
  for (long long j = 0; j < columns; j += {lanes}) *({vector}*)(s + j) = ({vector}){{0}};
  long long k = 0;
  for (; k + {group} <= depth; k += {group}) {{
{rows}
    for (long long j = 0; j < columns; j += {lanes}) {{
      v_{name} x = *({vector}*)(s + j);
{sums_of_rows}
      *({vector}*)(s + j) = x;
    }}
  }}
  for (; k < depth; ++k) {{
{row}
    for (long long j = 0; j < columns; j += {lanes}) {{
      v_{name} x = *({vector}*)(s + j);
{sum_of_row}
      *({vector}*)(s + j) = x;
    }}
  }}
  for (long long j = 0; j < columns; j += {lanes}) {{
    if (add) *({vector}*)(c + j) = *({vector}*)(c + j) {plus} *({vector}*)(s + j);
    else *({vector}*)(c + j) = *({vector}*)(s + j);
  }}
}}"""

# Streams from memory at a time; each takes a register for its factor.
ROW_GROUP = 4


def row_source(isa: InstructionSet, element: Element) -> str:
    """One row: the block's sums are kept in the first cache, so that b is read in the order of memory."""
    lanes = isa.vector_nbytes // element.nbytes
    multiply_add = isa.fma.get(element.name, element.multiply_add)
    splat = ", ".join(["y"] * lanes)

    def factors(count: int) -> str:
        return "\n".join(
            f"    const {element.ctype}* b{q} = b + place[k + {q}]; const {element.ctype} y{q} = a[k + {q}];"
            f" const v_{element.name} t{q} = {{{splat.replace('y', f'y{q}')}}};"
            for q in range(count)
        )

    def sums(count: int) -> str:
        load = f"(*(const u_{element.name}*)(b{{q}} + j))"
        return "\n".join(
            f"      x = {multiply_add.format(t=f't{q}', b=load.format(q=q), c='x')};" for q in range(count)
        )

    return ROW.format(
        name=element.name,
        ctype=element.ctype,
        vector=f"u_{element.name}",
        lanes=lanes,
        group=ROW_GROUP,
        rows=factors(ROW_GROUP),
        sums_of_rows=sums(ROW_GROUP),
        row=factors(1),
        sum_of_row=sums(1),
        plus="|" if element.name == "b" else "+",
    )


GATHER = """static void gather_{name}(const JtGather* g, long long count, void* destination, long long to_step) {{
  const int checked = g->checked;
  for (long long o = 0; o < count; ++o) {{
    const {ctype}* from = (const {ctype}*)g->data + g->outer_offset[o];
    const long long* outer = g->outer_at + o * checked;
    {to}* row = ({to}*)destination + o * to_step;
    for (int q = 0; q < g->runs; ++q) {{
      const JtRun* run = g->run + q;
      const long long* at = g->run_at + q * checked;
      const long long* by = g->run_by + q * checked;
      {to}* to = row + run->start;
      long long low = 0, high = run->count, offset = run->offset;
      if (g->divided) {{
        /* one moving dim of step 1: every divisor-th element; others, which are rare, one by one */
        int inside = 1, moving = -1, several = 0;
        for (int d = 0; d < checked; ++d) {{
          const long long v = g->base[d] + outer[d] + at[d], index = v / g->divisor[d];
          if (by[d] != 0) {{
            several |= moving >= 0 || by[d] != 1;
            moving = d;
            continue;
          }}
          inside &= v >= 0 && index * g->divisor[d] == v && index < g->extent[d];
          offset += index * g->stride[d];
        }}
        for (long long j = 0; j < run->count; ++j) to[j] = 0;
        if (!inside) continue;
        const long long divisor = moving < 0 || several ? 1 : g->divisor[moving];
        const long long start = moving < 0 || several ? 0 : g->base[moving] + outer[moving] + at[moving];
        const long long wanted = start < 0 ? -start : (divisor - start % divisor) % divisor;
        for (long long j = wanted; j < run->count; j += divisor) {{
          long long place = offset + j * run->free_step;
          int there = 1;
          for (int d = 0; d < checked; ++d) {{
            if (by[d] == 0) continue;
            const long long v = g->base[d] + outer[d] + at[d] + j * by[d], index = v / g->divisor[d];
            there &= v >= 0 && index * g->divisor[d] == v && index < g->extent[d];
            place += index * g->stride[d];
          }}
          if (there) to[j] = {load_place};
        }}
        continue;
      }}
      for (int d = 0; d < checked; ++d) {{
        const long long v = g->base[d] + outer[d] + at[d], s = by[d], extent = g->extent[d];
        long long first = 0, end = run->count;
        if (s == 0) end = v >= 0 && v < extent ? end : 0;
        else if (s == 1) first = -v, end = extent - v;
        else if (s > 0) first = v < 0 ? (s - 1 - v) / s : 0, end = v < extent ? (extent - v + s - 1) / s : 0;
        else first = v < extent ? 0 : (v - extent) / -s + 1, end = v < 0 ? 0 : v / -s + 1;
        low = first > low ? first : low;
        high = end < high ? end : high;
        offset += v * g->stride[d];
      }}
      if (low >= high) low = high = 0;
      for (long long j = 0; j < low; ++j) to[j] = 0;
      for (long long j = high; j < run->count; ++j) to[j] = 0;
      from += offset;
      if (run->step == 1) {{
        if (high - low == {panel}) for (long long j = 0; j < {panel}; ++j) to[low + j] = {load_panel};
        else for (long long j = low; j < high; ++j) to[j] = {load_j};
      }} else {{
        const long long step = run->step;
        for (long long j = low; j < high; ++j) to[j] = {load_step};
      }}
      from -= offset;
    }}
  }}
}}"""

# (name in the table, C type read, C type written, conversion)
GATHERS = (
    ("w8", "unsigned char", "unsigned char", "{}"),
    ("w16", "unsigned short", "unsigned short", "{}"),
    ("w32", "unsigned", "unsigned", "{}"),
    ("w64", "unsigned long long", "unsigned long long", "{}"),
    ("f16", "jt_f16", "float", "jt_cast_f16_f32({})"),
    ("bf16", "jt_bf16", "float", "jt_cast_bf16_f32({})"),
)


def gather_source(isa: InstructionSet, name: str, ctype: str, to: str, load: str) -> str:
    """Copies rows of an operand into a dense row, 0 where the operand has no element."""
    nbytes = {"float": 4, "unsigned": 4, "unsigned long long": 8, "unsigned short": 2, "unsigned char": 1}[to]
    return GATHER.format(
        name=name,
        ctype=ctype,
        to=to,
        panel=isa.vectors * isa.vector_nbytes // nbytes,
        load_place=load.format("from[place]"),
        load_panel=load.format("from[low + j]"),
        load_j=load.format("from[j]"),
        load_step=load.format("from[j * step]"),
    )


def vector_types(isa: InstructionSet) -> str:
    """Vectors of each element, aligned and not; q: the 16 bytes that packing moves."""
    lines = []
    for e in ELEMENTS:
        attributes = f"vector_size({isa.vector_nbytes})"
        lines.append(f"typedef {e.ctype} v_{e.name} __attribute__(({attributes}));")
        lines.append(f"typedef {e.ctype} u_{e.name} __attribute__(({attributes}, aligned({e.nbytes}), may_alias));")
    for e in ELEMENTS:
        if e.name.startswith("w"):
            attributes = f"vector_size(16), aligned({e.nbytes}), may_alias"
            lines.append(f"typedef {e.ctype} q{e.nbytes * 8} __attribute__(({attributes}));")
    return "\n".join(lines)


def table_source(isa: InstructionSet) -> str:
    """The exported table; order of the fields as in runtime/exec/contraction.h."""
    sets = []
    for e in ELEMENTS:
        rows = tile_rows(isa, e)
        widths = [f"{{{', '.join(f'tile_{e.name}_{i + 1}x{v}' for i in range(rows))}}}" for v in (isa.vectors, 1)]
        columns = isa.vectors * isa.vector_nbytes // e.nbytes
        sets.append(f"  {{{rows}, {columns}, {{{', '.join(widths)}}}, row_{e.name}, dots_{e.name}}},")
    gathers = ", ".join(f"gather_{g[0]}" for g in GATHERS)
    words = [e.name for e in ELEMENTS if e.name.startswith("w")]
    return "\n".join(
        [
            "#ifdef __cplusplus",
            'extern "C"',
            "#endif",
            f"const JtPrebuilt jt_prebuilt_{isa.name} = {{",
            *sets,
            f"  {{{gathers}}},",
            f"  {{{', '.join(f'copy_{name}' for name in words)}}},",
            f"  {{{', '.join(f'turn_{name}' for name in words)}}},",
            "  {round_f16, round_bf16},",
            *(window_row(e.name, tile_rows(isa, e), isa.vectors, e.name in isa.masked) for e in WINDOW_ELEMENTS),
            *(plane_row(e.name, isa.registers) for e in WINDOW_ELEMENTS),
            "};",
        ]
    )


def functions_text(maths: str, names: tuple[str, ...]) -> str:
    """The preamble of kernel_math.h, then the functions `names` and those that they call, in the order of the text."""
    preamble = maths[maths.index("/* kernel-math-preamble-begin */") : maths.index("/* kernel-math-preamble-end */")]
    texts = {
        match[2]: match[0]
        for match in re.finditer(r"^static inline ([\w ]+?) (jt_\w+)\((?:.*\}$|(?s:.*?)^\}$)", maths, re.MULTILINE)
    }
    wanted, missing = set(), list(names)
    while missing:
        name = missing.pop()
        wanted.add(name)
        missing += [n for n in re.findall(r"\bjt_\w+(?=\()", texts[name]) if n not in wanted]
    return "\n".join([preamble, *(text for name, text in texts.items() if name in wanted)])


def prebuilt_source(isa: InstructionSet, abi: str, maths: str) -> str:
    """The whole translation unit of one instruction set.

    Args: abi: the C part of runtime/exec/contraction.h; maths: the joined text of runtime/exec/kernel_math.h.
    """
    parts = [
        f"// Contraction kernels for {isa.name}; generated by jittor_cy/compiler/codegen/contraction.py.",
        abi,
        functions_text(maths, ("jt_cast_f16_f32", "jt_cast_bf16_f32", "jt_cast_f32_f16", "jt_cast_f32_bf16")),
        vector_types(isa),
    ]
    for e in ELEMENTS:
        parts += [tile_source(isa, e, rows + 1, v) for rows in range(tile_rows(isa, e)) for v in (isa.vectors, 1)]
        parts.append(row_source(isa, e))
        parts.append(dots_source(e.name, e.ctype))
    parts += [gather_source(isa, *g) for g in GATHERS]
    parts += [round_source(name) for name in ("f16", "bf16")]
    for e in ELEMENTS:
        if e.name.startswith("w"):
            parts.append(copy_source(e.name, e.ctype, e.nbytes, isa.vector_nbytes, isa.vectors))
            parts.append(turn_source(e.name, e.ctype, e.nbytes, isa.vector_nbytes))
    for e in WINDOW_ELEMENTS:
        lanes, fma = isa.vector_nbytes // e.nbytes, isa.fma.get(e.name, e.multiply_add)
        parts += window_sources(e.name, e.ctype, lanes, tile_rows(isa, e), isa.vectors, fma)
        parts += plane_sources(e.name, e.ctype, lanes, isa.registers, fma)
        if e.name in isa.masked:
            parts += merged_sources(e.name, e.ctype, lanes, tile_rows(isa, e), fma, isa.masked[e.name])
            parts.append(put_apart(e.name, e.ctype, lanes, isa.put[e.name]))
            parts.append(halves(e.name, e.ctype, lanes, isa.masked[e.name], isa.put[e.name]))
    return "\n\n".join([*parts, table_source(isa)]) + "\n"

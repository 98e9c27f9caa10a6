"""Generator of the convolutions' kernels: tiles whose columns or rows are windows of an image, read where they stand.

runtime/exec/window.h says how they are used; the order of the additions is that of every contraction's tile.
"""

from __future__ import annotations

__all__ = ["fetching_steps", "halves", "merged_sources", "multiply", "put_apart", "window_row", "window_sources"]

# Steps of the sum by which the filter is fetched ahead: it streams from the second-level cache.
AHEAD = 32
# Pieces of a panel that have a loop of their own: their places stay in registers.
UNROLLED_PIECES = 8
LINE_NBYTES = 64
# Pieces of each vector of a merged tile.
MERGED_PIECES = (2, 3, 4)

COPIES = """static void slab_rows_{name}(long long rows, const void* data, const long long* offset, long long low,
    long long high, long long length, void* to) {{
  const v_{name} zero = {{0}};
  {ctype}* y = ({ctype}*)to;
  for (long long row = 0; row < rows; ++row, y += length) {{
    if (offset[row] == JT_NOWHERE) {{
      for (long long j = 0; j < length; j += {lanes}) *(u_{name}*)(y + j) = zero;
      continue;
    }}
    const {ctype}* x = (const {ctype}*)data + offset[row];
    for (long long j = 0; j < low; j += {lanes}) *(u_{name}*)(y + j) = zero;
    {ctype}* to_data = y + low;
    const long long count = high - low;
    long long j = 0;
    for (; j + {lanes} <= count; j += {lanes}) *(u_{name}*)(to_data + j) = *(const u_{name}*)(x + j);
    if (count >= {lanes}) {{
      *(u_{name}*)(to_data + count - {lanes}) = *(const u_{name}*)(x + count - {lanes});
    }} else {{
      for (; j < count; ++j) to_data[j] = x[j];
    }}
    for (j = high; j < length; j += {lanes}) *(u_{name}*)(y + j) = zero;
  }}
}}

static void add_{name}(long long count, const void* from, void* to) {{
  const {ctype}* x = (const {ctype}*)from;
  {ctype}* y = ({ctype}*)to;
  long long i = 0;
  for (; i + {lanes} <= count; i += {lanes}) *(u_{name}*)(y + i) = *(u_{name}*)(y + i) + *(const u_{name}*)(x + i);
  for (; i < count; ++i) y[i] = y[i] + x[i];
}}"""


def window_sources(name: str, ctype: str, lanes: int, rows: int, vectors: int, fma: str) -> list[str]:
    """All kernels of one element type; `fma` is its multiply-add of t, b and c."""
    texts = []
    for count in range(1, rows + 1):
        for width in (vectors, 1):
            texts.append(column_tile(name, ctype, lanes, count, width, fma))
            texts.append(row_tile(name, ctype, lanes, count, width, fma))
    return [*texts, pack_pieces(name, ctype), COPIES.format(name=name, ctype=ctype, lanes=lanes)]


def merged_sources(name: str, ctype: str, lanes: int, rows: int, fma: str, masked: str) -> list[str]:
    """Tiles that put their columns together from pieces; `masked`: a load of some lanes."""
    tiles = [
        merged_tile(name, ctype, lanes, count, pieces, fma, masked)
        for count in range(1, rows + 1)
        for pieces in MERGED_PIECES
    ]
    return [*tiles, pack_masked(name, ctype, lanes, masked)]


PACK_MASKED = """static void masked_{name}(long long depth, const void* data, const long long* place, long long tap,
    long long taps, int vectors, int pieces, const long long* from, const unsigned* mask, void* packed) {{
  const {ctype}* x = (const {ctype}*)data;
  {ctype}* y = ({ctype}*)packed;
  const v_{name} zero = {{0}};
  const long long line = vectors * pieces;
{unrolled}
  for (long long k = 0; k < depth; ++k, tap = tap + 1 < taps ? tap + 1 : 0) {{
    const {ctype}* xk = x + place[k];
    const unsigned* m = mask + tap * line;
    for (int v = 0; v < line; v += pieces, y += {lanes}) {{
      v_{name} b = zero;
      for (int q = v; q < v + pieces; ++q) b = {piece};
      *(u_{name}*)y = b;
    }}
  }}
}}"""


def pack_masked(name: str, ctype: str, lanes: int, masked: str) -> str:
    """Columns of a panel, their vectors read from the image with masks; wide panels of one and two pieces unrolled."""

    def vector(v: int, pieces: int) -> str:
        text = "zero"
        for q in range(v * pieces, (v + 1) * pieces):
            text = masked.format(at=f"(xk + f{q})", b=text, mask=f"m[{q}]")
        return f"      *(u_{name}*)(y + {v * lanes}) = {text};"

    unrolled = []
    for pieces in (1, 2):
        places = ", ".join(f"f{q} = from[{q}]" for q in range(2 * pieces))
        unrolled += [
            f"  if (vectors == 2 && pieces == {pieces}) {{",
            f"    const long long {places};",
            f"    for (long long k = 0; k < depth; ++k, y += {2 * lanes}, tap = tap + 1 < taps ? tap + 1 : 0) {{",
            f"      const {ctype}* xk = x + place[k];",
            f"      const unsigned* m = mask + tap * {2 * pieces};",
            vector(0, pieces),
            vector(1, pieces),
            "    }",
            "    return;",
            "  }",
        ]
    piece = masked.format(at="(xk + from[q])", b="b", mask="m[q]")
    return PACK_MASKED.format(name=name, ctype=ctype, lanes=lanes, unrolled="\n".join(unrolled), piece=piece)


PUT_APART = """static void apart_{name}(long long count, const void* from, void* to) {{
  const {ctype}* x = (const {ctype}*)from;
  {ctype}* y = ({ctype}*)to;
  const {index} low = {{{low}}}, high = {{{high}}};
  long long i = 0;
  for (; i + {lanes} <= count; i += {lanes}) {{
    const v_{name} v = *(const u_{name}*)(x + i);
    {put_low};
    {put_high};
  }}
  for (; i < count; ++i) y[2 * i] = x[i];
}}"""


def put_apart(name: str, ctype: str, lanes: int, put: str) -> str:
    """Every second element of a row is written; `put` writes some lanes of v."""
    halves = [", ".join(str(begin + i // 2) for i in range(lanes)) for begin in (0, lanes // 2)]
    even = sum(1 << i for i in range(0, lanes, 2))
    puts = [
        put.format(at=f"(y + 2 * i + {at})", v=f"__builtin_shuffle(v, {half})", mask=even)
        for at, half in ((0, "low"), (lanes, "high"))
    ]
    index = "v_w32" if ctype == "float" else "v_w64"
    return PUT_APART.format(
        name=name,
        ctype=ctype,
        lanes=lanes,
        index=index,
        low=halves[0],
        high=halves[1],
        put_low=puts[0],
        put_high=puts[1],
    )


HALVES = """static void halves_{name}(long long rows, const void* data, const long long* offset, long long low,
    long long high, long long length, void* to) {{
  const {index} evens = {{{evens}}}, odds = {{{odds}}};
  const v_{name} zero = {{0}};
  const long long half = length / 2, odd_low = low & 1;
  {ctype}* y = ({ctype}*)to;
  for (long long row = 0; row < rows; ++row, y += length) {{
    if (offset[row] == JT_NOWHERE) continue;
    const {ctype}* x = (const {ctype}*)data + offset[row];
    {ctype}* even = y + odd_low * half + low / 2;
    {ctype}* odd = y + (1 - odd_low) * half + (low + 1) / 2;
    for (long long left = high - low; left > 0; left -= {both}, x += {both}, even += {lanes}, odd += {lanes}) {{
      const unsigned long long there = left < {both} ? (1ull << left) - 1 : {all_both};
      const unsigned long long more = (left + 1) / 2 < {lanes} ? (1ull << (left + 1) / 2) - 1 : {all_lanes};
      const unsigned long long less = left / 2 < {lanes} ? (1ull << left / 2) - 1 : {all_lanes};
      const v_{name} a = {first}, b = {second};
      {put_even};
      {put_odd};
    }}
  }}
}}"""


def halves(name: str, ctype: str, lanes: int, masked: str, put: str) -> str:
    """Rows of which every second element goes to the first half of its place, the others to the second."""
    return HALVES.format(
        name=name,
        ctype=ctype,
        lanes=lanes,
        both=2 * lanes,
        all_both=f"{(1 << 2 * lanes) - 1}ull",
        all_lanes=f"{(1 << lanes) - 1}ull",
        index="v_w32" if ctype == "float" else "v_w64",
        evens=", ".join(str(2 * i) for i in range(lanes)),
        odds=", ".join(str(2 * i + 1) for i in range(lanes)),
        first=masked.format(at="(x)", b="zero", mask="there"),
        second=masked.format(at=f"(x + {lanes})", b="zero", mask=f"(there >> {lanes})"),
        put_even=put.format(at="(even)", v="__builtin_shuffle(a, b, evens)", mask="more"),
        put_odd=put.format(at="(odd)", v="__builtin_shuffle(a, b, odds)", mask="less"),
    )


def window_row(name: str, rows: int, vectors: int, merged: bool) -> str:
    """The entry of an element type in the exported table: JtWindowSet."""
    kinds = []
    for kind in ("column", "row"):
        widths = [f"{{{', '.join(f'{kind}_{name}_{i + 1}x{v}' for i in range(rows))}}}" for v in (vectors, 1)]
        kinds.append(f"{{{', '.join(widths)}}}")
    tiles = [f"{{{', '.join(f'merged_{name}_{i + 1}x{p}' for i in range(rows))}}}" for p in MERGED_PIECES]
    kinds.append(f"{{{', '.join(tiles)}}}" if merged else "{{0}}")
    kinds += [f"pieces_{name}", *(f"{kind}_{name}" if merged else "0" for kind in ("masked", "apart", "halves"))]
    kinds += [f"slab_rows_{name}", f"add_{name}"]
    return f"  {{{', '.join(kinds)}}},"


def column_tile(name: str, ctype: str, lanes: int, rows: int, vectors: int, fma: str) -> str:
    """a packed by its rows, b read at place[k] and `second` behind it."""
    lines = [
        f"static void column_{name}_{rows}x{vectors}(long long depth, const void* pa, const void* pb,",
        "    long long second, const long long* place, void* pc, const long long* row, int add,",
        "    const void* ahead, const void* last) {",
        f"  const {ctype}* a = (const {ctype}*)pa;",
        f"  const {ctype}* b = (const {ctype}*)pb;",
        *begin_sums(name, ctype, rows, vectors),
    ]
    step = [
        f"    __builtin_prefetch(a + {AHEAD * rows});",
        f"    const {ctype}* bk = b + place[k];",
        *(f"    const v_{name} b{j} = *(const u_{name}*)(bk + {'second' if j else '0'});" for j in range(vectors)),
        *multiply(name, ctype, lanes, [f"a[{i}]" for i in range(rows)], vectors, fma),
        f"    a += {rows};",
    ]
    return "\n".join([*lines, *steps(step, rows, lanes, vectors), *end_sums(name, lanes, rows, vectors)])


def merged_tile(name: str, ctype: str, lanes: int, rows: int, pieces: int, fma: str, masked: str) -> str:
    """a packed by its rows, each of two vectors of b from so many pieces."""
    lines = [
        f"static void merged_{name}_{rows}x{pieces}(long long depth, const void* pa, const void* pb,",
        "    const JtPieces* pieces, const long long* place, void* pc, const long long* row, int add,",
        "    const void* ahead, const void* last) {",
        f"  const {ctype}* a = (const {ctype}*)pa;",
        f"  const {ctype}* b = (const {ctype}*)pb;",
        *begin_sums(name, ctype, rows, 2),
    ]
    for j in range(2):
        places = ", ".join(f"f{j}_{q} = pieces->from[{j}][{q}]" for q in range(pieces))
        lines.append(f"  const long long {places};")
        masks = ", ".join(f"m{j}_{q} = pieces->mask[{j}][{q}]" for q in range(1, pieces))
        lines.append(f"  const unsigned {masks};")
    step = [f"    __builtin_prefetch(a + {AHEAD * rows});", f"    const {ctype}* bk = b + place[k];"]
    for j in range(2):
        step.append(f"    v_{name} b{j} = *(const u_{name}*)(bk + f{j}_0);")
        for q in range(1, pieces):
            step.append(f"    b{j} = {masked.format(at=f'bk + f{j}_{q}', b=f'b{j}', mask=f'm{j}_{q}')};")
    step += [*multiply(name, ctype, lanes, [f"a[{i}]" for i in range(rows)], 2, fma), f"    a += {rows};"]
    return "\n".join([*lines, *steps(step, rows, lanes, 2), *end_sums(name, lanes, rows, 2)])


def row_tile(name: str, ctype: str, lanes: int, rows: int, vectors: int, fma: str) -> str:
    """a read at from[row] + at[k], b packed."""
    lines = [
        f"static void row_{name}_{rows}x{vectors}(long long depth, const void* pa, const long long* from,",
        "    const long long* at, const void* pb, void* pc, const long long* row, int add, const void* ahead,",
        "    const void* last) {",
        *(f"  const {ctype}* a{i} = (const {ctype}*)pa + from[{i}];" for i in range(rows)),
        f"  const {ctype}* b = (const {ctype}*)pb;",
        *begin_sums(name, ctype, rows, vectors),
    ]
    step = [
        "    const long long p = at[k];",
        *(f"    const v_{name} b{j} = *(const u_{name}*)(b + {j * lanes});" for j in range(vectors)),
        *multiply(name, ctype, lanes, [f"a{i}[p]" for i in range(rows)], vectors, fma),
        f"    b += {vectors * lanes};",
    ]
    return "\n".join([*lines, *steps(step, rows, lanes, vectors), *end_sums(name, lanes, rows, vectors)])


def begin_sums(name: str, ctype: str, rows: int, vectors: int) -> list[str]:
    """Named accumulators: an array of them is spilled to the stack."""
    cells = ", ".join(f"c{i}_{j} = {{0}}" for i in range(rows) for j in range(vectors))
    return [f"  {ctype}* c = ({ctype}*)pc;", f"  v_{name} {cells};"]


def steps(step: list[str], rows: int, lanes: int, vectors: int) -> list[str]:
    """The loop over k, two products at a time.

    With each two a row's lines are fetched, then lines of the image: all at once, they would keep the tile's own loads
    waiting.
    """
    return [
        *fetching_steps(step, rows, lanes, vectors),
        "  const char* line = (const char*)ahead;",
        "  for (; k + 2 <= depth; k += 2) {",
        "    __builtin_prefetch(line);",
        f"    line += line < (const char*)last ? {LINE_NBYTES} : 0;",
        *twice(step),
        "  }",
        "  if (k < depth) {",
        *step,
        "  }",
    ]


def fetching_steps(step: list[str], rows: int, lanes: int, vectors: int) -> list[str]:
    """The first products, two for each row's lines that are fetched meanwhile."""
    return [
        "  long long k = 0;",
        f"  for (const long long* to = row; k + 2 <= depth && to < row + {rows}; k += 2, ++to) {{",
        *(f"    __builtin_prefetch(c + *to + {j * lanes}, 1);" for j in range(vectors)),
        *twice(step),
        "  }",
    ]


def twice(step: list[str]) -> list[str]:
    """A step of the sum and the next one."""
    return ["    {", *step, "    }", "    {", *(line.replace("[k]", "[k + 1]") for line in step), "    }"]


def multiply(name: str, ctype: str, lanes: int, factors: list[str], vectors: int, fma: str) -> list[str]:
    """One step of the sum: each row's factor times the vectors of b."""
    splat = ", ".join(["x"] * lanes)
    lines = []
    for i, factor in enumerate(factors):
        lines.append(f"    {{ const {ctype} x = {factor}; const v_{name} t = {{{splat}}};")
        lines += [f"      c{i}_{j} = {fma.format(t='t', b=f'b{j}', c=f'c{i}_{j}')};" for j in range(vectors)]
        lines.append("    }")
    return lines


def end_sums(name: str, lanes: int, rows: int, vectors: int) -> list[str]:
    """c = the sums, or c + the sums."""
    cells = [(f"c{i}_{j}", f"*(u_{name}*)(c + row[{i}] + {j * lanes})") for i in range(rows) for j in range(vectors)]
    return [
        "  if (add) {",
        *(f"    {cell} = {place} + {cell};" for cell, place in cells),
        "  }",
        *(f"  {place} = {cell};" for cell, place in cells),
        "}",
    ]


def pack_pieces(name: str, ctype: str) -> str:
    """Whole vectors are copied: what a piece writes past its end, the next one overwrites."""
    lines = [
        f"static void pieces_{name}(long long depth, const void* data, const long long* place, int pieces,",
        "    const long long* from, const long long* to, void* packed, long long width) {",
        f"  const {ctype}* x = (const {ctype}*)data;",
        f"  {ctype}* y = ({ctype}*)packed;",
        "  switch (pieces) {",
    ]
    for count in range(1, UNROLLED_PIECES + 1):
        lines.append(f"  case {count}: {{")
        lines += [f"    const long long f{q} = from[{q}], t{q} = to[{q}];" for q in range(count)]
        lines.append(f"    for (long long k = 0; k < depth; ++k, y += width) {{ const {ctype}* xk = x + place[k];")
        lines += [f"      *(u_{name}*)(y + t{q}) = *(const u_{name}*)(xk + f{q});" for q in range(count)]
        lines += ["    }", "    return; }"]
    lines += [
        "  default:",
        "    for (long long k = 0; k < depth; ++k, y += width)",
        "      for (int q = 0; q < pieces; ++q)",
        f"        *(u_{name}*)(y + to[q]) = *(const u_{name}*)(x + place[k] + from[q]);",
        "  }",
        "}",
    ]
    return "\n".join(lines)

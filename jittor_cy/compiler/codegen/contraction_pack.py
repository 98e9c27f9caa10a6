"""Generator of the packing kernels: operands whose elements stand evenly, copied in the order that tiles read."""

from __future__ import annotations

__all__ = ["copy_source", "turn_source"]

# A line is fetched once and read whole: rows a power of two apart share one set of the first cache.
LINE_NBYTES = 64

COPY = """static void copy_{name}(const void* source, const long long* place, long long depth, long long panels,
                      const long long* first, void* destination, long long width) {{
  for (long long begin = 0; begin < panels; begin += {group}) {{
    const long long end = begin + {group} < panels ? begin + {group} : panels;
    for (long long k = 0; k < depth; ++k) {{
      const {ctype}* row = (const {ctype}*)source + place[k];
      const {ctype}* next = (const {ctype}*)source + place[k + {ahead} < depth ? k + {ahead} : k];
      for (long long j = first[begin]; j < first[end]; j += {line}) __builtin_prefetch(next + j);
      for (long long p = begin; p < end; ++p) {{
        const long long count = first[p + 1] - first[p], step = width ? width : count;
        const {ctype}* from = row + first[p];
        {ctype}* to = ({ctype}*)destination + first[p] * depth + k * step;
        long long j = 0;
        if (count == {panel}) for (; j < {panel}; j += {lanes}) *(u_{name}*)(to + j) = *(const u_{name}*)(from + j);
        for (; j + {block} <= count; j += {block}) *({quarter}*)(to + j) = *(const {quarter}*)(from + j);
        for (; j < count; ++j) to[j] = from[j];
      }}
    }}
  }}
}}"""

TURN = """static void turn_{name}(const void* source, const long long* row, long long count, long long ahead,
                      long long depth, void* destination, long long width) {{
  const {ctype}* from = (const {ctype}*)source;
  {ctype}* to = ({ctype}*)destination;
  long long begin = 0;
  for (; count >= {block} && begin + {block} <= depth; begin += {line}) {{
    const long long stop = begin + {line} < depth ? begin + {line} : depth;
    for (long long i = 0; i < ahead; ++i) __builtin_prefetch(from + row[count + i] + begin);
    for (long long i = 0; i < count; i += {block}) {{
      if (i + {block} > count) i = count - {block};
{rows}
      for (long long k = begin; k < stop; k += {block}) {{
        if (k + {block} > stop) k = stop - {block};
{shuffles}
      }}
    }}
  }}
  if (begin > depth) begin = depth;
  for (long long i = 0; i < count; ++i) {{
    const {ctype}* one = from + row[i];
    for (long long k = begin; k < depth; ++k) to[k * width + i] = one[k];
  }}
}}"""


def square(nbytes: int) -> tuple[int, str]:
    """A square block turned in registers: 4 x 4 of 4 bytes, 2 x 2 of 8; (1, a copy) for narrower elements."""
    if nbytes < 4:
        return 1, " " * 8 + "to[k * width + i] = r0[k];"
    block, vector = 16 // nbytes, f"q{nbytes * 8}"
    lines = [f"{vector} v{j} = *(const {vector}*)(r{j} + k);" for j in range(block)]
    if block == 4:
        pairs = [("x0", "v0", "v1", "0, 4, 1, 5"), ("x1", "v0", "v1", "2, 6, 3, 7")]
        pairs += [("x2", "v2", "v3", "0, 4, 1, 5"), ("x3", "v2", "v3", "2, 6, 3, 7")]
        pairs += [("y0", "x0", "x2", "0, 1, 4, 5"), ("y1", "x0", "x2", "2, 3, 6, 7")]
        pairs += [("y2", "x1", "x3", "0, 1, 4, 5"), ("y3", "x1", "x3", "2, 3, 6, 7")]
    else:
        pairs = [("y0", "v0", "v1", "0, 2"), ("y1", "v0", "v1", "1, 3")]
    lines += [f"{vector} {n} = __builtin_shuffle({x}, {y}, ({vector}){{{order}}});" for n, x, y, order in pairs]
    lines += [f"*({vector}*)(to + (k + {j}) * width + i) = y{j};" for j in range(block)]
    return block, "\n".join(" " * 8 + line for line in lines)


def turn_source(name: str, ctype: str, nbytes: int) -> str:
    """From rows along k to [k][row]; the last blocks of a side overlap those before."""
    block, shuffles = square(nbytes)
    rows = "\n".join(f"      const {ctype}* r{j} = from + row[i + {j}];" for j in range(block))
    return TURN.format(name=name, ctype=ctype, block=block, line=LINE_NBYTES // nbytes, rows=rows, shuffles=shuffles)


def copy_source(name: str, ctype: str, nbytes: int, vector_nbytes: int, vectors: int) -> str:
    """Panels of neighbours to [panel][k][position], eight panels at a time: their lines are read whole."""
    return COPY.format(
        name=name,
        ctype=ctype,
        group=8,
        ahead=16,
        line=LINE_NBYTES // nbytes,
        panel=vectors * vector_nbytes // nbytes,
        lanes=vector_nbytes // nbytes,
        block=16 // nbytes,
        quarter=f"q{nbytes * 8}",
    )

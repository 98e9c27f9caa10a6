"""Generator of what is before and after the tiles: operands that stand evenly are packed, sums are rounded."""

from __future__ import annotations

__all__ = ["copy_source", "dots_source", "round_source", "turn_source"]

# A line is fetched once and read whole: rows a power of two apart share one set of the first cache.
LINE_NBYTES = 64
# What the shuffles of a turned square stay within.
LANE_NBYTES = 16

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
  for (; count >= {block} && begin < depth; begin += {line}) {{
    const long long stop = begin + {line} < depth ? begin + {line} : depth;
    const long long later = begin + {ahead} * {line};
    const long long* const next = later < depth ? row : row + count;
    const long long fetched = later < depth ? count : ahead, at_k = later < depth ? later : later - depth;
    if (at_k < depth) for (long long i = 0; i < fetched; ++i) __builtin_prefetch(from + next[i] + at_k);
    for (long long i = 0; i < count; i += {block}) {{
      if (i + {block} > count) i = count - {block};
{rows}
      {ctype}* at = to + begin * width + i;
      long long k = begin;
      for (; k + {lanes} <= stop; k += {lanes}) {{
{wide}
      }}
      for (; k + {block} <= stop; k += {block}) {{
{narrow}
      }}
      for (; k < stop; ++k) {{
{single}
      }}
    }}
  }}
  for (long long i = 0; i < count; ++i) {{
    const {ctype}* one = from + row[i];
    for (long long k = begin; k < depth; ++k) to[k * width + i] = one[k];
  }}
}}"""


DOTS = """static void dots_{name}(long long blocks, const void* pa, long long a_step, const void* pb, long long b_step,
                      void* sums, long long sum_step) {{
  const {ctype}* a = (const {ctype}*)pa;
  const {ctype}* b = (const {ctype}*)pb;
  {ctype}* sum = ({ctype}*)sums;
  const int side_by_side = a_step == 1 && b_step == 1;
  for (; side_by_side && blocks >= {side}; blocks -= {side}, a += {side} * {block}, b += {side} * {block}) {{
    {ctype} {zeros};
    for (long long k = 0; k < {block}; ++k) {{
{steps}
    }}
{stores}
  }}
  for (; blocks > 0; --blocks, a += {block} * a_step, b += {block} * b_step, sum += sum_step) {{
    {ctype} s = 0;
    for (long long k = 0; k < {block}; ++k) s = {alone};
    *sum = s;
  }}
}}"""

BLOCK = 256  # kContractionBlock in runtime/graph/contraction.h
# Additions of one block wait for each other: eight blocks at a time keep two units of four cycles busy.
DOTS_AT_A_TIME = 8


def dots_source(name: str, ctype: str) -> str:
    """Blocks of one long sum of products, side by side."""
    forms = {"f32": "JT_FMA_F32({a}, {b}, {s})", "f64": "JT_FMA_F64({a}, {b}, {s})", "b": "{s} | ({a} & {b})"}
    form, blocks = forms.get(name, "{s} + {a} * {b}"), range(DOTS_AT_A_TIME)
    steps = [f"s{q} = " + form.format(a=f"a[{q * BLOCK} + k]", b=f"b[{q * BLOCK} + k]", s=f"s{q}") for q in blocks]
    return DOTS.format(
        name=name,
        ctype=ctype,
        side=DOTS_AT_A_TIME,
        block=BLOCK,
        zeros=", ".join(f"s{q} = 0" for q in blocks),
        steps="\n".join(f"      {step};" for step in steps),
        stores="\n".join(f"    *sum = s{q}, sum += sum_step;" for q in blocks),
        alone=form.format(a="a[k * a_step]", b="b[k * b_step]", s="s"),
    )


ROUND = """static void round_{name}(const void* source, long long count, void* destination, long long step) {{
  const float* from = (const float*)source;
  jt_{name}* to = (jt_{name}*)destination;
  if (step == 1) for (long long j = 0; j < count; ++j) to[j] = jt_cast_f32_{name}(from[j]);
  else for (long long j = 0; j < count; ++j) to[j * step] = jt_cast_f32_{name}(from[j]);
}}"""


def round_source(name: str) -> str:
    """Finished sums to 16 bits."""
    return ROUND.format(name=name)


def interleaved(lanes: int, in_lane: int, half: int) -> str:
    """Indices that take elements of two vectors by turns, from the lower or upper half of each lane of 16 bytes."""
    order = []
    for lane in range(0, lanes, in_lane):
        for at in range(lane + in_lane // 2 * half, lane + in_lane // 2 * (half + 1)):
            order += [at, lanes + at]
    return ", ".join(map(str, order))


def squares(nbytes: int, vector: str, vector_nbytes: int) -> str:
    """Squares of one lane's elements, side by side in vectors along k, turned in registers and stored."""
    lanes, in_lane = vector_nbytes // nbytes, LANE_NBYTES // nbytes
    lane_type = f"q{nbytes * 8}"
    whole = f"v_w{nbytes * 8}" if lanes > in_lane else lane_type
    lines = [f"const {whole} s0_{j} = *(const {vector}*)(r{j} + k);" for j in range(in_lane)]
    stages = in_lane.bit_length() - 1
    for stage in range(stages):
        for j in range(in_lane):
            x, y = f"s{stage}_{j // 2}", f"s{stage}_{j // 2 + in_lane // 2}"
            order = interleaved(lanes, in_lane, j % 2)
            lines.append(f"const {whole} s{stage + 1}_{j} = __builtin_shuffle({x}, {y}, ({whole}){{{order}}});")
    for k in range(lanes):
        lane, j = divmod(k, in_lane)
        value = f"s{stages}_{j}"
        if lanes > in_lane:
            order = ", ".join(str(lane * in_lane + i) for i in range(in_lane))
            value = f"__builtin_shufflevector({value}, {value}, {order})"
        # the place is counted on: sixteen of them kept at once would be spilled
        lines.append(f"*({lane_type}*)at = {value}, at += width;")
    return "\n".join(" " * 8 + line for line in lines)


def turn_source(name: str, ctype: str, nbytes: int, vector_nbytes: int) -> str:
    """From rows along k to [k][row], a line of each row at a time; the last rows overlap those before."""
    block = LANE_NBYTES // nbytes if nbytes >= 4 else 1
    one = "        at[0] = r0[k], at += width;"
    return TURN.format(
        name=name,
        ctype=ctype,
        block=block,
        ahead=2,
        line=LINE_NBYTES // nbytes,
        lanes=vector_nbytes // nbytes if block > 1 else 1,
        rows="\n".join(f"      const {ctype}* r{j} = from + row[i + {j}];" for j in range(block)),
        wide=squares(nbytes, f"u_w{nbytes * 8}", vector_nbytes) if block > 1 else one,
        narrow=squares(nbytes, f"q{nbytes * 8}", LANE_NBYTES) if block > 1 else one,
        single="\n".join([*(f"        at[{j}] = r{j}[k];" for j in range(block)), "        at += width;"]),
    )


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
        block=LANE_NBYTES // nbytes,
        quarter=f"q{nbytes * 8}",
    )

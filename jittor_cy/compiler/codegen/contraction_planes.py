"""Generator of the kernels for convolutions of each channel alone: vectors hold the same element of many planes.

runtime/exec/planes.h says how they are used; the order of the additions is that of every contraction's tile.
"""

from __future__ import annotations

__all__ = ["plane_row", "plane_sources"]

# Accumulators of one sweep over positions, by registers of the instruction set.
ROW_POSITIONS = {16: 10, 32: 14}
SWEEP_TAPS = {16: 12, 32: 25}
# Of each plane, what is fetched while it is turned.
AHEAD_NBYTES = 256

# The last block begins where it ends with the run, and does some elements again.
BLOCKS = """  for (long long i = 0; i < count; i += {lanes}) {{
    if (i > count - {lanes}) i = count - {lanes};
{load}
{turn}
{store}
  }}
}}"""

TURN_IN = (
    """static void planes_in_{name}(long long count, const void* const* from, const long long* place,
    void* pto) {{
  {ctype}* to = ({ctype}*)pto;
  if (count < {lanes}) {{
    for (long long i = 0; i < count; ++i)
      for (int lane = 0; lane < {lanes}; ++lane) to[place[i] + lane] = (({ctype}*)from[lane])[i];
    return;
  }}
"""
    + BLOCKS
)

TURN_OUT = (
    """static void planes_out_{name}(long long count, const void* pfrom, int lanes, void* const* to) {{
  const {ctype}* from = (const {ctype}*)pfrom;
  if (count < {lanes} || lanes < {lanes}) {{
    for (int lane = 0; lane < lanes; ++lane)
      for (long long i = 0; i < count; ++i) (({ctype}*)to[lane])[i] = from[i * {lanes} + lane];
    return;
  }}
"""
    + BLOCKS
)


def plane_sources(name: str, ctype: str, lanes: int, registers: int, fma: str) -> list[str]:
    """All kernels of one element type; `fma` is its multiply-add of t, b and c."""
    plane = f"(const {ctype}*)from[{{r}}] + i"
    lines, last = turned(name, lanes)
    parts = {"name": name, "ctype": ctype, "lanes": lanes, "turn": "\n".join(lines)}

    def each(text: str) -> str:
        return "\n".join(f"    {text.format(r=r)};" for r in range(lanes))

    turn_in = TURN_IN.format(
        **parts,
        load="\n".join(
            [
                each(f"__builtin_prefetch({plane} + {AHEAD_NBYTES} / sizeof({ctype}))"),
                each(f"const v_{name} a{{r}} = *(const u_{name}*)({plane})"),
            ]
        ),
        store=each(f"*(v_{name}*)(to + place[i + {{r}}]) = {last}{{r}}"),
    )
    turn_out = TURN_OUT.format(
        **parts,
        load=each(f"const v_{name} a{{r}} = *(const v_{name}*)(from + (i + {{r}}) * {lanes})"),
        store=each(f"*(u_{name}*)(({ctype}*)to[{{r}}] + i) = {last}{{r}}"),
    )
    return [
        turn_in,
        turn_out,
        *(positions(name, ctype, lanes, count + 1, fma) for count in range(ROW_POSITIONS[registers])),
        *(sweep(name, ctype, taps + 1, fma) for taps in range(SWEEP_TAPS[registers])),
    ]


def plane_row(name: str, registers: int) -> str:
    """The entry of an element type in the exported table: JtPlaneSet."""
    most, taps = ROW_POSITIONS[registers], SWEEP_TAPS[registers]
    rows = ", ".join(f"positions_{name}_{i + 1}" for i in range(most))
    sweeps = ", ".join(f"sweep_{name}_{i + 1}" for i in range(taps))
    return f"  {{{most}, {taps}, planes_in_{name}, planes_out_{name}, {{{rows}}}, {{{sweeps}}}}},"


def turned(name: str, lanes: int) -> tuple[list[str], str]:
    """Rows a0, a1, ... to columns: each round lays row i and the one half of them further side by side."""
    half, word = lanes // 2, "v_w32" if name == "f32" else "v_w64"
    low = ", ".join(f"{i // 2 + lanes * (i % 2)}" for i in range(lanes))
    high = ", ".join(f"{half + i // 2 + lanes * (i % 2)}" for i in range(lanes))
    lines, now = [f"    const {word} low = {{{low}}}, high = {{{high}}};"], "a"
    for number in range(lanes.bit_length() - 1):
        after = chr(ord("b") + number)
        for i in range(half):
            pair = f"{now}{i}, {now}{i + half}"
            lines.append(f"    const v_{name} {after}{2 * i} = __builtin_shuffle({pair}, low);")
            lines.append(f"    const v_{name} {after}{2 * i + 1} = __builtin_shuffle({pair}, high);")
        now = after
    return lines, now


def positions(name: str, ctype: str, lanes: int, count: int, fma: str) -> str:
    """So many positions next to each other: the sums over all taps."""
    cells = ", ".join(f"c{i} = {{0}}" for i in range(count))
    terms = [fma.format(t=f"*(const v_{name}*)(xk + {i * lanes})", b="wk", c=f"c{i}") for i in range(count)]
    return "\n".join(
        [
            f"static void positions_{name}_{count}(long long taps, const void* px, const long long* place,",
            "    const void* pw, void* pto, long long step) {",
            f"  const {ctype}* x = (const {ctype}*)px;",
            f"  const v_{name}* w = (const v_{name}*)pw;",
            f"  {ctype}* to = ({ctype}*)pto;",
            f"  v_{name} {cells};",
            "  for (long long k = 0; k < taps; ++k) {",
            f"    const {ctype}* xk = x + place[k];",
            f"    const v_{name} wk = w[k];",
            *(f"    c{i} = {term};" for i, term in enumerate(terms)),
            "  }",
            *(f"  *(v_{name}*)(to + {i} * step) = c{i};" for i in range(count)),
            "}",
        ]
    )


def sweep(name: str, ctype: str, taps: int, fma: str) -> str:
    """So many taps: their sums over positions go on."""
    terms = [fma.format(t=f"*(const v_{name}*)(xi + p{t})", b="yi", c=f"c{t}") for t in range(taps)]
    return "\n".join(
        [
            f"static void sweep_{name}_{taps}(long long count, const void* px, const long long* at,",
            "    const long long* place, const void* py, void* psums) {",
            f"  const {ctype}* x = (const {ctype}*)px;",
            f"  const v_{name}* y = (const v_{name}*)py;",
            f"  v_{name}* sums = (v_{name}*)psums;",
            *(f"  const long long p{t} = place[{t}]; v_{name} c{t} = sums[{t}];" for t in range(taps)),
            "  for (long long i = 0; i < count; ++i) {",
            f"    const {ctype}* xi = x + at[i];",
            f"    const v_{name} yi = y[i];",
            *(f"    c{t} = {term};" for t, term in enumerate(terms)),
            "  }",
            *(f"  sums[{t}] = c{t};" for t in range(taps)),
            "}",
        ]
    )

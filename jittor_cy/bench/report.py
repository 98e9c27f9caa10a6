"""The tables that are printed: figures against limits, ratios to peers, what each optimisation brings."""

from __future__ import annotations

import math
from collections.abc import Sequence

from jittor_cy.bench.case import Case
from jittor_cy.bench.limits import Limits
from jittor_cy.bench.runner import Figures

__all__ = ["HEADING", "ablation_table", "duration", "ranking", "rows_of", "share_of_limit"]

UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns"))
MIB = 1 << 20
HEADING = (
    f"{'workload':24}{'':14}{'median':>10}{'spread':>8}{'rate':>14}{'limit':>7}{'first':>9}{'warm':>9}"
    f"{'host':>10}{'peak':>10}{'error':>9}{'ratio':>8}"
)


def duration(seconds: float | None) -> str:
    """Three digits and a unit."""
    if seconds is None:
        return "-"
    for scale, name in UNITS:
        if abs(seconds) >= scale or name == "ns":
            return f"{seconds / scale:.3g} {name}"
    return ""


def rate(case: Case, seconds: float) -> str:
    if case.flops:
        return f"{case.flops / seconds / 1e9:.1f} GFLOP/s"
    return f"{case.nbytes / seconds / 1e9:.1f} GB/s" if case.nbytes else "-"


def share_of_limit(case: Case, limits: Limits, seconds: float) -> float | None:
    """The least time that the machine needs over the time taken; None where a case has no least work."""
    least = limits.least_s(case)
    return least / seconds if least else None


def latency(first: float | None, median: float) -> str:
    return "-" if first is None else duration(max(0.0, first - median))


def row(case: Case, limits: Limits, figures: Figures, ours: Figures) -> str:
    share = share_of_limit(case, limits, figures.median_s)
    error = "" if figures.error is None else f"{figures.error:.0e}"
    ratio = "" if figures is ours else f"{figures.median_s / ours.median_s:.2f}x"
    return (
        f"{case.name if figures is ours else '':24}{figures.contender:14}"
        f"{duration(figures.median_s / case.calls):>10}{100 * figures.spread:7.0f}%"
        f"{rate(case, figures.median_s):>14}{'' if share is None else f'{100 * share:.0f}%':>7}"
        f"{latency(figures.first_s, figures.median_s):>9}{latency(figures.warm_first_s, figures.median_s):>9}"
        f"{duration(figures.host_s):>10}{f'{figures.peak_nbytes / MIB:.1f} MiB':>10}{error:>9}{ratio:>8}"
        f"{'' if figures.right else ' WRONG'}{f' INTERPRETED: {figures.note}' if figures.note else ''}"
    ).rstrip()


def rows_of(case: Case, limits: Limits, found: Sequence[Figures]) -> str:
    """A line for each contender; the first is the one that ratios are to."""
    return "\n".join(row(case, limits, figures, found[0]) for figures in found)


def ranking(results: Sequence[tuple[Case, Sequence[Figures]]]) -> str:
    """The geometric mean of each peer's ratio, and the workloads at which some peer was faster, the worst first."""
    names = [figures.contender for figures in results[0][1][1:]]
    lines = [""]
    for number, name in enumerate(names, 1):
        ratios = [found[number].median_s / found[0].median_s for _, found in results]
        mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
        lines.append(f"{name} takes {mean:.2f} times as long (geometric mean of {len(ratios)})")
    slower = []
    for case, found in results:
        best = min(found[1:], key=lambda figures: figures.median_s)
        if best.median_s < found[0].median_s:
            slower.append((best.median_s / found[0].median_s, case.name, best.contender))
    lines.append(f"slower than the fastest peer: {len(slower)} of {len(results)}")
    lines += [f"  {ratio:5.2f}x  {case:26}{peer}" for ratio, case, peer in sorted(slower)]
    return "\n".join(lines)


def ablation_table(case: Case, found: Sequence[Figures]) -> str:
    """Time, first step and memory with each optimisation off; the factor is what the optimisation brings."""
    base = found[0]
    lines = [
        f"{case.name}: {case.about}",
        f"{'':28}{'median':>10}{'spread':>8}{'brings':>9}{'first':>10}{'warm':>10}{'host':>10}{'peak':>11}{'bits':>9}",
    ]
    for figures in found:
        factor = "" if figures is base else f"{figures.median_s / base.median_s:.2f}x"
        bits = "" if figures is base else ("equal" if figures.right else "DIFFER")
        lines.append(
            f"{figures.contender:28}{duration(figures.median_s):>10}{100 * figures.spread:7.0f}%{factor:>9}"
            f"{duration(figures.first_s):>10}{duration(figures.warm_first_s):>10}{duration(figures.host_s):>10}"
            f"{f'{figures.peak_nbytes / MIB:.1f} MiB':>11}{bits:>9}".rstrip()
        )
    return "\n".join(lines)

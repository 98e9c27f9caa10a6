"""--plot: a bar chart of what was measured, with matplotlib where that is installed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from jittor_cy.bench.case import Case
from jittor_cy.bench.limits import Limits
from jittor_cy.bench.report import duration, share_of_limit
from jittor_cy.bench.runner import Figures
from jittor_cy.errors import ArgumentError

__all__ = ["check_plot", "plot_ablation", "plot_shares"]

BAR_HEIGHT = 0.2  # inches
MARGIN = 1.4
WIDTH = 9.0


def check_plot(path: str) -> None:
    """Before anything is measured: can a plot be written there?

    Raises: ArgumentError: no matplotlib, no such folder, or an ending that it does not know
    """
    figure = canvas(1, 1)
    folder = os.path.dirname(path) or "."
    if not os.path.isdir(folder):
        raise ArgumentError(f"bench: --plot {path}: there is no folder {folder}")
    endings = figure.canvas.get_supported_filetypes()
    ending = os.path.splitext(path)[1].removeprefix(".")
    if ending not in endings:
        raise ArgumentError(
            f"bench: --plot {path}: {ending or 'no ending'!r} is no format of pictures",
            help=f"formats are {', '.join(sorted(endings))}",
        )


def canvas(width: float, height: float) -> Any:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise ArgumentError(
            "bench: --plot needs the package matplotlib, which is not installed",
            help="pip install matplotlib, or take --json FILE and draw it elsewhere",
        ) from None
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def plot_shares(path: str, results: Sequence[tuple[Case, Sequence[Figures]]], limits: Limits) -> None:
    """A bar for each contender of each workload, long as its share of the machine's limit; the time stands beside it.

    Workloads without a least work are drawn against the fastest contender.
    """
    names = [figures.contender for figures in results[0][1]]
    figure = canvas(WIDTH, MARGIN + BAR_HEIGHT * len(results) * (len(names) + 1))
    axes = figure.add_subplot()
    for number, name in enumerate(names):
        places = [line * (len(names) + 1) + number for line in range(len(results))]
        shares = [100 * share_or_best(case, limits, found, found[number].median_s) for case, found in results]
        bars = axes.barh(places, shares, height=0.9, label=name)
        times = [time_text(case, found[number]) for case, found in results]
        axes.bar_label(bars, times, padding=3, fontsize=7)
    axes.set_yticks([line * (len(names) + 1) + (len(names) - 1) / 2 for line in range(len(results))])
    axes.set_yticklabels([case.name for case, _ in results], fontsize=8)
    finish(axes, f"% of the machine's limit ({limits.threads} thread(s)); longer is faster", len(names) > 1)
    axes.axvline(100, color="black", linewidth=0.8, linestyle="--")
    figure.savefig(path)


def share_or_best(case: Case, limits: Limits, found: Sequence[Figures], seconds: float) -> float:
    share = share_of_limit(case, limits, seconds)
    return min(figures.median_s for figures in found) / seconds if share is None else share


def time_text(case: Case, figures: Figures) -> str:
    return duration(figures.median_s / case.calls) + ("" if figures.right else " WRONG")


def plot_ablation(path: str, case: Case, found: Sequence[Figures]) -> None:
    """A bar for each thing that was off, long as the time of a step then; the line is everything on."""
    figure = canvas(WIDTH, MARGIN + 1.5 * BAR_HEIGHT * len(found))
    axes = figure.add_subplot()
    bars = axes.barh(range(len(found)), [1e3 * figures.median_s for figures in found])
    factors = [f"{figures.median_s / found[0].median_s:.2f}x" for figures in found]
    axes.bar_label(bars, factors, padding=3, fontsize=8)
    axes.set_yticks(range(len(found)))
    axes.set_yticklabels([figures.contender for figures in found], fontsize=8)
    axes.axvline(1e3 * found[0].median_s, color="black", linewidth=0.8, linestyle="--")
    finish(axes, f"{case.name}: milliseconds of a step with one thing off", False)
    figure.savefig(path)


def finish(axes: Any, label: str, legend: bool) -> None:
    axes.invert_yaxis()
    axes.margins(x=0.15, y=0.01)
    axes.set_xlabel(label)
    axes.spines[["top", "right"]].set_visible(False)
    if legend:
        axes.legend(fontsize=8, loc="lower right", bbox_to_anchor=(1, 1), ncols=4, frameon=False)

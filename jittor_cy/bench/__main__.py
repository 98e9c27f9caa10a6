"""`python -m jittor_cy.bench`: times operators and models against the machine's limits and against other frameworks.

examples:
  python -m jittor_cy.bench -k softmax,matmul_1024           figures of two workloads
  python -m jittor_cy.bench -k contraction --against torch   a family, with the ratio to PyTorch from the same run
  python -m jittor_cy.bench --against torch_tuned,jax --python jax=/opt/jax/bin/python --plot ratios.png
  python -m jittor_cy.bench --ablate gpt                     what each optimisation brings to a model

columns:
  median, spread   of the rounds' medians; half the distance between the fastest and the slowest
  rate, limit      of the least possible work; the machine's own limit is 100%
  first, warm      the first step less the median one, with an empty cache of kernels and with a filled one
  host, peak       recording and launching a step, without waiting; memory above the inputs
  error            the largest difference from float64, as a share of the largest element of its array
  ratio            time over that of jittor_cy: above 1 jittor_cy is faster
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jittor_cy.bench import ablation
from jittor_cy.bench.answers import Reference, check
from jittor_cy.bench.case import Case
from jittor_cy.bench.contender import Contender, peer
from jittor_cy.bench.limits import Limits, measure_limits
from jittor_cy.bench.plot import check_plot, plot_ablation, plot_shares
from jittor_cy.bench.report import HEADING, ablation_table, ranking, rows_of, share_of_limit
from jittor_cy.bench.runner import Figures, Settings, measure
from jittor_cy.bench.workloads import FAMILIES, select
from jittor_cy.errors import ArgumentError, JittorError

__all__ = ["main"]

PEERS = ("torch", "torch_tuned", "jax")
MOST_NAMED = 8  # workloads in a message
Results = list[tuple[Case, list[Figures]]]


def parser() -> argparse.ArgumentParser:
    about, _, more = (__doc__ or "").partition("\n\n")
    made = argparse.ArgumentParser(
        "python -m jittor_cy.bench",
        description=about.partition(": ")[2],
        epilog=more,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument(
        "-k", metavar="NAME", default="", help="workloads, families, patterns or parts of names, by commas"
    )
    made.add_argument("--list", action="store_true", help="show the workloads and measure nothing")
    made.add_argument(
        "--against", metavar="PEER", default="", help=f"peers to measure in the same run, by commas: {', '.join(PEERS)}"
    )
    made.add_argument("--ablate", metavar="NAME", help="measure one workload with each optimisation off in turn")
    made.add_argument("--rounds", type=positive, default=3, help="turns that each contender takes (%(default)s)")
    made.add_argument("--seconds", type=float, default=0.3, help="how long a turn times steps (%(default)s)")
    made.add_argument("--threads", type=positive, default=cores(), help="cores to use (%(default)s)")
    made.add_argument("--json", metavar="FILE", help="write everything that was measured")
    made.add_argument("--plot", metavar="FILE", help="write a bar chart; needs matplotlib")
    made.add_argument(
        "--python",
        metavar="PACKAGE=PATH",
        action="append",
        default=[],
        help="the interpreter whose environment has torch or jax, where this one does not",
    )
    return made


def positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not at least 1")
    return value


def cores() -> int:
    return len(os.sched_getaffinity(0))


def peers_named(text: str, pythons: dict[str, str]) -> list[Contender]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in PEERS:
            near = difflib.get_close_matches(name, PEERS, n=1)
            help = f"did you mean {near[0]}?" if near else f"peers are {', '.join(PEERS)}"
            raise ArgumentError(f"bench: --against {name}: there is no such peer", help=help)
    return [peer(name, pythons) for name in names]


def interpreters(pairs: Sequence[str]) -> dict[str, str]:
    found = {}
    for pair in pairs:
        package, equals, path = pair.partition("=")
        if package not in ("torch", "jax") or not equals:
            raise ArgumentError(f"bench: --python {pair}", help="write torch=PATH or jax=PATH")
        found[package] = path
    return found


def check_options(options: argparse.Namespace) -> None:
    if options.threads > cores():
        raise ArgumentError(f"bench: --threads {options.threads}: this process may use {cores()} core(s)")
    if options.ablate and options.against:
        raise ArgumentError("bench: --ablate and --against exclude each other", help="run it twice")
    if options.json and not os.path.isdir(os.path.dirname(options.json) or "."):
        raise ArgumentError(f"bench: --json {options.json}: there is no folder {os.path.dirname(options.json)}")
    if options.plot:
        check_plot(options.plot)


def list_cases() -> None:
    for family, cases in FAMILIES.items():
        print(f"{family}:")
        for case in cases:
            print(f"  {case.name:26}{case.about}")


def one_case(name: str) -> Case:
    found = select(name)
    exact = [case for case in found if case.name == name]
    if len(exact or found) > 1:
        raise ArgumentError(
            f"bench: --ablate {name} means {len(found)} workloads",
            help=f"name one: {', '.join(case.name for case in found[:MOST_NAMED])}",
        )
    return (exact or found)[0]


def compare(
    cases: Sequence[Case], contenders: Sequence[Contender], reference: Reference, settings: Settings, limits: Limits
) -> Results:
    """Each case with every contender, the first of which is jittor_cy; lines are printed as soon as they are known."""
    print(HEADING, flush=True)
    results: Results = []
    for case in cases:
        found = measure(case, contenders, settings)
        check(found, reference.answer(case, settings.threads))
        results.append((case, found))
        for figures in found:
            figures.outputs = []  # large; they were compared
        print(rows_of(case, limits, found), flush=True)
    if len(contenders) > 1:
        print(ranking(results))
    return results


def ablate(case: Case, settings: Settings) -> Results:
    """One case with everything on and with each optimisation off."""
    found = measure(case, ablation.contenders(), settings)
    ablation.check_bits(found)
    print(ablation_table(case, found))
    return [(case, found)]


def as_json(results: Results, limits: Limits) -> dict[str, Any]:
    return {
        "limits": {
            "threads": limits.threads,
            "gflops": limits.gflops,
            "memory_gbs": limits.memory_gbs,
            "cache_gbs": limits.cache_gbs,
        },
        "workloads": {
            case.name: {
                figures.contender: figures.as_json() | {"of_limit": share_of_limit(case, limits, figures.median_s)}
                for figures in found
            }
            for case, found in results
        },
    }


def run(options: argparse.Namespace) -> int:
    check_options(options)
    cases = [one_case(options.ablate)] if options.ablate else select(options.k)
    pythons = interpreters(options.python)
    peers = peers_named(options.against, pythons)
    settings = Settings(options.rounds, options.seconds, options.threads)
    limits = measure_limits(options.threads)
    print(limits.describe(), flush=True)
    if options.ablate:
        results = ablate(cases[0], settings)
    else:
        results = compare(cases, [Contender("jittor_cy"), *peers], Reference(pythons), settings, limits)
    if options.json:
        Path(options.json).write_text(json.dumps(as_json(results, limits), indent=1) + "\n")
    if options.plot and options.ablate:
        plot_ablation(options.plot, *results[0])
    elif options.plot:
        plot_shares(options.plot, results, limits)
    return 0 if all(figures.right for _, found in results for figures in found) else 1


def main(arguments: Sequence[str] | None = None) -> int:
    """0; 1 where a result was wrong, 2 where something asked for cannot be had."""
    options = parser().parse_args(arguments)
    if options.list:
        list_cases()
        return 0
    try:
        return run(options)
    except JittorError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())

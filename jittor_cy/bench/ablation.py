"""Which optimisations there are, found in the settings and the pipeline; each of them off in turn."""

from __future__ import annotations

from collections.abc import Sequence

from jittor_cy.bench.answers import same_bits
from jittor_cy.bench.contender import Contender
from jittor_cy.bench.runner import Figures
from jittor_cy.compiler.pipeline import OPTIONAL
from jittor_cy.config import SETTINGS

__all__ = ["DEFAULT", "check_bits", "contenders", "variants"]

DEFAULT = "everything on"


def variants() -> dict[str, dict[str, str]]:
    """What is switched off → the environment that does it: every setting that has an `off`, every optional pass."""
    found = {}
    for setting in SETTINGS:
        if setting.off is not None:
            found[f"{setting.name}={setting.off}"] = {f"JTCY_{setting.name.upper()}": str(setting.off)}
    for name in OPTIONAL:
        found[f"without_passes={name}"] = {"JTCY_WITHOUT_PASSES": name}
    return found


def contenders() -> list[Contender]:
    """jittor_cy as it is, then with one thing off each."""
    return [Contender(DEFAULT), *(Contender(name, environment=off) for name, off in variants().items())]


def check_bits(found: Sequence[Figures]) -> None:
    """An optimisation that changes bits is wrong: `right` is whether a variant computed exactly what the first did."""
    for figures in found:
        figures.right = same_bits(figures.outputs, found[0].outputs)

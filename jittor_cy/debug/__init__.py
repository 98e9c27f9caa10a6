"""Looking inside: pending graphs, plans, kernels, and the reasons behind them."""

from jittor_cy.debug.dot import dot, graph
from jittor_cy.debug.dump import kernels, sources
from jittor_cy.debug.explain import explain, schedules, tuned, wait_for_compiles

__all__ = ["dot", "explain", "graph", "kernels", "schedules", "sources", "tuned", "wait_for_compiles"]

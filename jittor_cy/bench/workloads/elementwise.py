"""Functions of single elements: chains, activations, broadcasts, and their gradients."""

from __future__ import annotations

from typing import Any

from jittor_cy.bench.case import GRADIENT, Case

__all__ = ["CASES"]

FLOAT = 4
LARGE = 1 << 24
SMALL = 1 << 16
SIDE = 4096


def chain(fw: Any, x: Any, y: Any) -> Any:
    for _ in range(4):
        x = fw.exp(fw.tanh((x + y) * 0.9)) * 0.3
    return x


def polynomial(fw: Any, x: Any) -> Any:
    y = x
    for k in range(10):
        y = y * x + (0.1 * k - 0.5)
    return y


def trigonometry(fw: Any, x: Any) -> Any:
    return fw.sin(x) * fw.cos(x) + fw.log(x * x + 1.0)


def clip_select(fw: Any, x: Any, y: Any) -> Any:
    return fw.where(x > y, fw.maximum(x, 0.0), y * 0.5)


def outer_sum(fw: Any, rows: Any, columns: Any) -> Any:
    return fw.exp(rows * columns)


def gelu_bias_residual(fw: Any, x: Any, b: Any, r: Any) -> Any:
    return fw.gelu(x + b) + r


def gated(fw: Any, x: Any, gate: Any) -> Any:
    return x * fw.sigmoid(gate) * gate


CASES = (
    Case(
        name="add",
        about="x + y over 16 Mi floats",
        inputs=lambda m: {"x": m.normal(LARGE), "y": m.normal(LARGE)},
        run=lambda fw, x, y: x + y,
        nbytes=3 * FLOAT * LARGE,
    ),
    Case(
        name="add_transposed",
        about="x + y.T over (4096, 4096)",
        inputs=lambda m: {"x": m.normal(SIDE, SIDE), "y": m.normal(SIDE, SIDE)},
        run=lambda fw, x, y: x + fw.permute(y, 1, 0),
        nbytes=3 * FLOAT * SIDE * SIDE,
    ),
    Case(
        name="chain",
        about="4 x (add y, mul .9, tanh, exp, mul .3) over 16 Mi floats",
        inputs=lambda m: {"x": m.normal(LARGE), "y": m.normal(LARGE)},
        run=chain,
        nbytes=3 * FLOAT * LARGE,
        terms=64,
    ),
    Case(
        name="chain_small",
        about="the same over 64 Ki floats",
        inputs=lambda m: {"x": m.normal(SMALL), "y": m.normal(SMALL)},
        run=chain,
        nbytes=3 * FLOAT * SMALL,
        terms=64,
    ),
    Case(
        name="polynomial",
        about="degree 11 by Horner's rule over 16 Mi floats",
        inputs=lambda m: {"x": m.uniform(-1, 1, LARGE)},
        run=polynomial,
        nbytes=2 * FLOAT * LARGE,
        terms=16,
    ),
    Case(
        name="trigonometry",
        about="sin x cos x + log(x^2 + 1) over 4 Mi floats",
        inputs=lambda m: {"x": m.normal(LARGE // 4, scale=10)},
        run=trigonometry,
        nbytes=2 * FLOAT * LARGE // 4,
    ),
    Case(
        name="power",
        about="x ** y over 4 Mi floats",
        inputs=lambda m: {"x": m.uniform(0.1, 4, LARGE // 4), "y": m.normal(LARGE // 4)},
        run=lambda fw, x, y: x**y,
        nbytes=3 * FLOAT * LARGE // 4,
    ),
    Case(
        name="select",
        about="where(x > y, max(x, 0), y / 2) over 16 Mi floats",
        inputs=lambda m: {"x": m.normal(LARGE), "y": m.normal(LARGE)},
        run=clip_select,
        nbytes=3 * FLOAT * LARGE,
    ),
    Case(
        name="outer",
        about="exp of (4096, 1) * (1, 4096)",
        inputs=lambda m: {"rows": m.normal(SIDE, 1), "columns": m.normal(1, SIDE)},
        run=outer_sum,
        nbytes=FLOAT * SIDE * SIDE,
        terms=64,
    ),
    Case(
        name="gelu",
        about="gelu of (4096, 4096)",
        inputs=lambda m: {"x": m.normal(SIDE, SIDE)},
        run=lambda fw, x: fw.gelu(x),
        nbytes=2 * FLOAT * SIDE * SIDE,
    ),
    Case(
        name="gelu_bias_residual_grad",
        about="gelu(x + bias) + residual over (4096, 4096), and all gradients",
        inputs=lambda m: {
            "x": m.normal(SIDE, SIDE),
            "b": m.normal(SIDE),
            "r": m.normal(SIDE, SIDE),
            "dy": m.normal(SIDE, SIDE),
        },
        run=gelu_bias_residual,
        mode=GRADIENT,
        wrt=("x", "b", "r"),
        nbytes=5 * FLOAT * SIDE * SIDE,
        terms=SIDE,
    ),
    Case(
        name="gated_grad",
        about="x silu(gate) over (2048, 2048), and both gradients",
        inputs=lambda m: {name: m.normal(2048, 2048) for name in ("x", "gate", "dy")},
        run=gated,
        mode=GRADIENT,
        wrt=("x", "gate"),
        nbytes=6 * FLOAT * 2048 * 2048,
    ),
)

"""Sums, extremes and statistics over rows, columns and everything; softmax and the norms, with gradients."""

from __future__ import annotations

from typing import Any

from jittor_cy.bench.case import GRADIENT, Case, Maker

__all__ = ["CASES"]

FLOAT = 4
ROWS, COLUMNS = 8192, 2048
SIDE = 4096
IMAGES = (32, 64, 56, 56)
IMAGE_COUNT = 32 * 64 * 56 * 56


def statistics_over(dims: tuple[int, ...]) -> Any:
    return lambda fw, x: (fw.sum(x, dims), fw.mean(x, dims), fw.variance(x, dims))


def matrix(m: Maker) -> dict[str, Any]:
    return {"x": m.normal(ROWS, COLUMNS)}


def norm_inputs(*shape: int) -> Any:
    """x, a scale and a shift of its last axis, and the cotangent."""
    return lambda m: {
        "x": m.normal(*shape),
        "w": m.normal(shape[-1]),
        "b": m.normal(shape[-1]),
        "dy": m.normal(*shape),
    }


def image_inputs(m: Maker) -> dict[str, Any]:
    return {"x": m.normal(*IMAGES), "w": m.normal(64), "b": m.normal(64), "dy": m.normal(*IMAGES)}


def log_sum_exp(fw: Any, x: Any) -> Any:
    top = fw.max(x, (1,), keepdims=True)
    return fw.log(fw.sum(fw.exp(x - top), (1,), keepdims=True)) + top


def layer_norm_case(name: str, rows: int, columns: int) -> Case:
    return Case(
        name=name,
        about=f"layer norm of ({rows}, {columns}), and gradients of x, weight, bias",
        inputs=norm_inputs(rows, columns),
        run=lambda fw, x, w, b: fw.layer_norm(x, w, b),
        mode=GRADIENT,
        wrt=("x", "w", "b"),
        nbytes=4 * FLOAT * rows * columns,
        terms=rows,
    )


def softmax_case(name: str, *shape: int, dim: int = -1) -> Case:
    count = 1
    for extent in shape:
        count *= extent
    return Case(
        name=name,
        about=f"softmax over axis {dim} of {shape}",
        inputs=lambda m: {"x": m.normal(*shape)},
        run=lambda fw, x: fw.softmax(x, dim),
        nbytes=2 * FLOAT * count,
        terms=64,
    )


CASES = (
    *(
        Case(
            name=f"reduce_{name}",
            about=f"sum, mean and variance of ({ROWS}, {COLUMNS}) over {what}",
            inputs=matrix,
            run=statistics_over(dims),
            nbytes=FLOAT * ROWS * COLUMNS,
            terms=ROWS * COLUMNS,
        )
        for name, what, dims in (("rows", "rows", (1,)), ("columns", "columns", (0,)), ("all", "everything", (0, 1)))
    ),
    Case(
        name="reduce_middle",
        about="sum and maximum of (64, 512, 512) over axis 1",
        inputs=lambda m: {"x": m.normal(64, 512, 512)},
        run=lambda fw, x: (fw.sum(x, (1,)), fw.max(x, (1,))),
        nbytes=FLOAT * 64 * 512 * 512,
        terms=512,
    ),
    Case(
        name="reduce_narrow",
        about="sum of rows of 16: (1 Mi, 16)",
        inputs=lambda m: {"x": m.normal(1 << 20, 16)},
        run=lambda fw, x: fw.sum(x, (1,)),
        nbytes=FLOAT * 17 * (1 << 20),
        terms=16,
    ),
    Case(
        name="reduce_channels",
        about=f"mean and variance of each channel of {IMAGES}",
        inputs=lambda m: {"x": m.normal(*IMAGES)},
        run=lambda fw, x: (fw.mean(x, (0, 2, 3)), fw.variance(x, (0, 2, 3))),
        nbytes=FLOAT * IMAGE_COUNT,
        terms=IMAGE_COUNT,
        images=True,
    ),
    Case(
        name="reduce_small",
        about="sum and maximum of 4096 floats",
        inputs=lambda m: {"x": m.normal(4096)},
        run=lambda fw, x: (fw.sum(x, (0,)), fw.max(x, (0,))),
        nbytes=FLOAT * 4096,
        terms=4096,
    ),
    Case(
        name="argmax",
        about=f"argmax of the rows of ({ROWS}, {COLUMNS})",
        inputs=matrix,
        run=lambda fw, x: fw.argmax(x, 1),
        nbytes=FLOAT * ROWS * COLUMNS,
    ),
    Case(
        name="logsumexp",
        about=f"log sum exp of the rows of ({ROWS}, {COLUMNS}), written out",
        inputs=matrix,
        run=log_sum_exp,
        nbytes=FLOAT * ROWS * COLUMNS,
        terms=64,
    ),
    softmax_case("softmax", SIDE, SIDE),
    softmax_case("softmax_short", 1 << 16, 64),
    softmax_case("softmax_wide", 16, 1 << 18),
    softmax_case("softmax_columns", 64, 1024, 64, dim=1),
    softmax_case("softmax_small", 32, 100),
    Case(
        name="softmax_grad",
        about="softmax over the rows of (4096, 1024), and its gradient",
        inputs=lambda m: {"x": m.normal(SIDE, 1024), "dy": m.normal(SIDE, 1024)},
        run=lambda fw, x: fw.softmax(x, -1),
        mode=GRADIENT,
        wrt=("x",),
        nbytes=4 * FLOAT * SIDE * 1024,
        terms=64,
    ),
    layer_norm_case("layer_norm_grad", SIDE, 1024),
    layer_norm_case("layer_norm_small_grad", 256, 768),
    Case(
        name="batch_norm_grad",
        about=f"batch norm of {IMAGES} in training, and gradients of x, weight, bias",
        inputs=image_inputs,
        run=lambda fw, x, w, b: fw.batch_norm(x, w, b),
        mode=GRADIENT,
        wrt=("x", "w", "b"),
        nbytes=4 * FLOAT * IMAGE_COUNT,
        terms=IMAGE_COUNT // 64,
        images=True,
    ),
    Case(
        name="cross_entropy_grad",
        about="cross entropy of (4096, 1000), and its gradient",
        inputs=lambda m: {"x": m.normal(SIDE, 1000), "y": m.integers(1000, SIDE), "dy": m.normal()},
        run=lambda fw, x, y: fw.cross_entropy(x, y),
        mode=GRADIENT,
        wrt=("x",),
        nbytes=3 * FLOAT * SIDE * 1000,
        terms=SIDE,
    ),
)

"""Data that changes places: transposes, joins, slices, padding, pooling."""

from __future__ import annotations

from typing import Any

from jittor_cy.bench.case import GRADIENT, Case, Maker

__all__ = ["CASES"]

FLOAT = 4
IMAGES = (32, 64, 56, 56)
IMAGE_COUNT = 32 * 64 * 56 * 56


def images(m: Maker) -> dict[str, Any]:
    return {"x": m.normal(*IMAGES)}


def pooled(m: Maker) -> dict[str, Any]:
    return {"x": m.normal(*IMAGES), "dy": m.normal(32, 64, 28, 28)}


CASES = (
    Case(
        name="transpose",
        about="(4096, 4096) transposed, in memory",
        inputs=lambda m: {"x": m.normal(4096, 4096)},
        run=lambda fw, x: fw.contiguous(fw.permute(x, 1, 0)),
        nbytes=2 * FLOAT * 4096 * 4096,
    ),
    Case(
        name="heads",
        about="(16, 512, 12, 64) to (16, 12, 512, 64), in memory",
        inputs=lambda m: {"x": m.normal(16, 512, 12, 64)},
        run=lambda fw, x: fw.contiguous(fw.permute(x, 0, 2, 1, 3)),
        nbytes=2 * FLOAT * 16 * 512 * 12 * 64,
    ),
    Case(
        name="concat",
        about="two halves of the last axis joined: 2 x (8192, 512)",
        inputs=lambda m: {"x": m.normal(8192, 512), "y": m.normal(8192, 512)},
        run=lambda fw, x, y: fw.concat([x, y], 1),
        nbytes=4 * FLOAT * 8192 * 512,
    ),
    Case(
        name="rotate_half",
        about="halves of the last axis of (16, 12, 512, 64) changed over, one negated, times cos, plus x times sin",
        inputs=lambda m: {"x": m.normal(16, 12, 512, 64), "c": m.normal(512, 64), "s": m.normal(512, 64)},
        run=lambda fw, x, c, s: fw.concat([x[..., 32:] * -1.0, x[..., :32]], 3) * c + x * s,
        nbytes=2 * FLOAT * 16 * 12 * 512 * 64,
    ),
    Case(
        name="pad",
        about=f"{IMAGES} with a border of one zero",
        inputs=images,
        run=lambda fw, x: fw.pad2d(x, 1),
        nbytes=2 * FLOAT * IMAGE_COUNT,
        images=True,
    ),
    Case(
        name="slice_stride",
        about=f"every second row and column of {IMAGES}, plus one",
        inputs=images,
        run=lambda fw, x: x[:, :, ::2, ::2] + 1.0,
        nbytes=FLOAT * IMAGE_COUNT // 2,
        images=True,
    ),
    Case(
        name="max_pool_grad",
        about=f"2x2 maximum pooling of {IMAGES}, and its gradient",
        inputs=pooled,
        run=lambda fw, x: fw.max_pool2d(x, 2, 2, 0),
        mode=GRADIENT,
        wrt=("x",),
        nbytes=FLOAT * (2 * IMAGE_COUNT + IMAGE_COUNT // 2),
        images=True,
    ),
    Case(
        name="max_pool_overlap_grad",
        about=f"3x3 maximum pooling of {IMAGES}, stride 2, padding 1, and its gradient",
        inputs=pooled,
        run=lambda fw, x: fw.max_pool2d(x, 3, 2, 1),
        mode=GRADIENT,
        wrt=("x",),
        nbytes=FLOAT * (2 * IMAGE_COUNT + IMAGE_COUNT // 2),
        terms=4,
        images=True,
    ),
    Case(
        name="avg_pool_grad",
        about=f"2x2 average pooling of {IMAGES}, and its gradient",
        inputs=pooled,
        run=lambda fw, x: fw.avg_pool2d(x, 2),
        mode=GRADIENT,
        wrt=("x",),
        nbytes=FLOAT * (IMAGE_COUNT + IMAGE_COUNT + IMAGE_COUNT // 2),
        images=True,
    ),
)

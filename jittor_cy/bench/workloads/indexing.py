"""Places that are data: embedding and its gradient, gathered elements, scans."""

from __future__ import annotations

import math

from jittor_cy.bench.case import GRADIENT, Case

__all__ = ["CASES"]

FLOAT = 4
VOCABULARY, WIDTH, TOKENS = 30_000, 512, 4096


def running_sums(name: str, of: str, shape: tuple[int, ...], dim: int) -> Case:
    return Case(
        name=name,
        about=f"running sums of {of}",
        inputs=lambda m: {"x": m.normal(*shape)},
        run=lambda fw, x: fw.cumsum(x, dim),
        nbytes=2 * FLOAT * math.prod(shape),
        terms=shape[dim],
    )


CASES = (
    Case(
        name="embedding",
        about=f"{TOKENS} rows of a ({VOCABULARY}, {WIDTH}) table",
        inputs=lambda m: {"table": m.normal(VOCABULARY, WIDTH), "i": m.integers(VOCABULARY, TOKENS)},
        run=lambda fw, table, i: fw.embedding(table, i),
        nbytes=2 * FLOAT * TOKENS * WIDTH,
    ),
    Case(
        name="embedding_grad",
        about="the same, and the gradient of the table",
        inputs=lambda m: {
            "table": m.normal(VOCABULARY, WIDTH),
            "i": m.integers(VOCABULARY, TOKENS),
            "dy": m.normal(TOKENS, WIDTH),
        },
        run=lambda fw, table, i: fw.embedding(table, i),
        mode=GRADIENT,
        wrt=("table",),
        nbytes=FLOAT * WIDTH * (3 * TOKENS + VOCABULARY),
        terms=TOKENS // 100,
    ),
    Case(
        name="gather",
        about="one element of each row of (65536, 256)",
        inputs=lambda m: {"x": m.normal(1 << 16, 256), "i": m.integers(256, 1 << 16, 1)},
        run=lambda fw, x, i: fw.take_along(x, i, 1),
        nbytes=2 * FLOAT * (1 << 16),
    ),
    running_sums("cumsum", "the rows of (4096, 1024)", (4096, 1024), 1),
    running_sums("cumsum_columns", "the columns of (4096, 1024)", (4096, 1024), 0),
    running_sums("cumsum_long", "2^22 elements", (1 << 22,), 0),
)

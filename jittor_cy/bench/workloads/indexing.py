"""Places that are data: embedding and its gradient, gathered elements, scans."""

from __future__ import annotations

from jittor_cy.bench.case import GRADIENT, Case

__all__ = ["CASES"]

FLOAT = 4
VOCABULARY, WIDTH, TOKENS = 30_000, 512, 4096

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
    Case(
        name="cumsum",
        about="running sums of the rows of (4096, 1024)",
        inputs=lambda m: {"x": m.normal(4096, 1024)},
        run=lambda fw, x: fw.cumsum(x, 1),
        nbytes=2 * FLOAT * 4096 * 1024,
        terms=1024,
    ),
    Case(
        name="cumsum_columns",
        about="running sums of the columns of (4096, 1024)",
        inputs=lambda m: {"x": m.normal(4096, 1024)},
        run=lambda fw, x: fw.cumsum(x, 0),
        nbytes=2 * FLOAT * 4096 * 1024,
        terms=4096,
    ),
    Case(
        name="cumsum_long",
        about="running sums of 2^22 elements",
        inputs=lambda m: {"x": m.normal(1 << 22)},
        run=lambda fw, x: fw.cumsum(x, 0),
        nbytes=2 * FLOAT * (1 << 22),
        terms=1 << 22,
    ),
)

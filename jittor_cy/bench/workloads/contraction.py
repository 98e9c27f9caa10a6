"""Products: matrices of many shapes and transpositions, batches of small ones, linear layers, attention."""

from __future__ import annotations

from typing import Any

from jittor_cy.bench.case import GRADIENT, Case

__all__ = ["CASES"]

FLOAT = 4


def product_case(name: str, m: int, n: int, k: int, form: str = "nn") -> Case:
    """(m, k) times (k, n); a "t" in `form` says that this operand lies transposed in memory."""
    first = (k, m) if form[0] == "t" else (m, k)
    second = (n, k) if form[1] == "t" else (k, n)

    def run(fw: Any, x: Any, y: Any) -> Any:
        x = fw.permute(x, 1, 0) if form[0] == "t" else x
        return fw.matmul(x, fw.permute(y, 1, 0) if form[1] == "t" else y)

    return Case(
        name=name,
        about=f"({m}, {k}) @ ({k}, {n})" + ("" if form == "nn" else f", in memory as {first} and {second}"),
        inputs=lambda maker: {"x": maker.normal(*first), "y": maker.normal(*second)},
        run=run,
        nbytes=FLOAT * (m * k + k * n + m * n),
        flops=2 * m * n * k,
        terms=k,
    )


def batched_case(name: str, batch: int, m: int, n: int, k: int, transposed: bool = False) -> Case:
    second = (batch, n, k) if transposed else (batch, k, n)
    return Case(
        name=name,
        about=f"{batch} x ({m}, {k}) @ ({k}, {n})" + (", the second transposed" if transposed else ""),
        inputs=lambda maker: {"x": maker.normal(batch, m, k), "y": maker.normal(*second)},
        run=lambda fw, x, y: fw.matmul(x, fw.permute(y, 0, 2, 1) if transposed else y),
        nbytes=FLOAT * batch * (m * k + k * n + m * n),
        flops=2 * batch * m * n * k,
        terms=k,
    )


def linear_case(name: str, rows: int, into: int, out: int) -> Case:
    return Case(
        name=name,
        about=f"gelu(x W^T + b), ({rows}, {into}) to {out}, and gradients of x, W, b",
        inputs=lambda m: {
            "x": m.normal(rows, into),
            "w": m.normal(out, into, scale=into**-0.5),
            "b": m.normal(out),
            "dy": m.normal(rows, out),
        },
        run=lambda fw, x, w, b: fw.gelu(fw.linear(x, w, b)),
        mode=GRADIENT,
        wrt=("x", "w", "b"),
        nbytes=FLOAT * (2 * rows * into + 2 * out * into + 2 * rows * out),
        flops=6 * rows * into * out,
        terms=into + rows,
    )


def attention_case(name: str, batch: int, heads: int, tokens: int, width: int, causal: bool) -> Case:
    shape = (batch, heads, tokens, width)
    return Case(
        name=name,
        about=f"{'causal ' if causal else ''}attention of {shape}, and gradients of q, k, v",
        inputs=lambda m: {key: m.normal(*shape) for key in ("q", "k", "v", "dy")},
        run=lambda fw, q, k, v: fw.attention(q, k, v, causal),
        mode=GRADIENT,
        wrt=("q", "k", "v"),
        nbytes=8 * FLOAT * batch * heads * tokens * width,
        flops=(7 if causal else 14) * batch * heads * tokens * tokens * width,
        terms=tokens * width,
    )


CASES = (
    product_case("matmul_64", 64, 64, 64),
    product_case("matmul_256", 256, 256, 256),
    product_case("matmul_512", 512, 512, 512),
    product_case("matmul_1024", 1024, 1024, 1024),
    product_case("matmul_2048", 2048, 2048, 2048),
    product_case("matmul_1024_nt", 1024, 1024, 1024, "nt"),
    product_case("matmul_1024_tn", 1024, 1024, 1024, "tn"),
    product_case("matmul_1024_tt", 1024, 1024, 1024, "tt"),
    product_case("matmul_odd", 517, 1031, 263),
    product_case("matmul_32_rows", 32, 4096, 1024, "nt"),
    product_case("matmul_1_row", 1, 4096, 4096, "nt"),
    product_case("matmul_tall", 65536, 64, 64),
    product_case("matmul_deep", 64, 64, 65536, "tn"),
    product_case("matmul_thin", 4096, 4096, 8),
    batched_case("batched_16", 4096, 16, 16, 16),
    batched_case("batched_64", 512, 64, 64, 64),
    batched_case("batched_scores", 96, 128, 128, 64, transposed=True),
    batched_case("batched_vectors", 4096, 1, 64, 64),
    linear_case("linear_gelu_grad", 1024, 768, 3072),
    linear_case("linear_gelu_small_grad", 64, 128, 256),
    Case(
        name="einsum_bilinear",
        about="einsum bi,oij,bj->bo over (256, 128), (64, 128, 128), (256, 128)",
        inputs=lambda m: {"x": m.normal(256, 128), "w": m.normal(64, 128, 128, scale=0.1), "y": m.normal(256, 128)},
        run=lambda fw, x, w, y: fw.einsum("bi,oij,bj->bo", x, w, y),
        nbytes=FLOAT * (64 * 128 * 128 + 2 * 256 * 128),
        flops=2 * 256 * 64 * 128 * 128,
        terms=128 * 128,
    ),
    attention_case("attention_grad", 8, 8, 128, 32, causal=True),
    attention_case("attention_long_grad", 1, 8, 1024, 64, causal=False),
)

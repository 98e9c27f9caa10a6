"""Convolutions of several kinds, forward and with gradients."""

from __future__ import annotations

import math

from jittor_cy.bench.case import FORWARD, GRADIENT, Case

__all__ = ["CASES"]

FLOAT = 4


def case(
    name: str,
    image: tuple[int, ...],
    out: int,
    kernel: int,
    *,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
    groups: int = 1,
    gradient: bool = True,
) -> Case:
    """A convolution of (N, C, *S) with kernels of the same size along each axis."""
    batch, into, *sides = image
    weight = (out, into // groups, *(kernel,) * len(sides))
    results = tuple((side + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1 for side in sides)
    result = (batch, out, *results)
    terms = math.prod(weight[1:])
    times = 3 if gradient else 1

    notes = {"stride": (stride, 1), "padding": (padding, 0), "dilation": (dilation, 1), "groups": (groups, 1)}
    said = "".join(f", {key} {value}" for key, (value, usual) in notes.items() if value != usual)
    return Case(
        name=name,
        about=f"kernels {weight} over {image}{said}" + (", and gradients of both" if gradient else ""),
        inputs=lambda m: (
            {"x": m.normal(*image), "w": m.normal(*weight, scale=terms**-0.5), "dy": m.normal(*result)}
            if gradient
            else {"x": m.normal(*image), "w": m.normal(*weight, scale=terms**-0.5)}
        ),
        run=lambda fw, x, w: fw.conv(x, w, stride, padding, dilation, groups),
        mode=GRADIENT if gradient else FORWARD,
        wrt=("x", "w") if gradient else (),
        nbytes=FLOAT * (2 if gradient else 1) * (math.prod(image) + math.prod(result) + math.prod(weight)),
        flops=2 * times * math.prod(result) * terms,
        terms=max(terms, batch * math.prod(results)) if gradient else terms,
        images=True,
    )


def transposed_case(name: str, image: tuple[int, ...], out: int, kernel: int, stride: int, padding: int) -> Case:
    batch, into, *sides = image
    result = (batch, out, *((side - 1) * stride - 2 * padding + kernel for side in sides))
    weight = (into, out, kernel, kernel)
    return Case(
        name=name,
        about=f"transposed convolution, kernels {weight} over {image}, stride {stride}, and gradients of both",
        inputs=lambda m: {"x": m.normal(*image), "w": m.normal(*weight, scale=0.05), "dy": m.normal(*result)},
        run=lambda fw, x, w: fw.conv_transpose2d(x, w, stride, padding),
        mode=GRADIENT,
        wrt=("x", "w"),
        nbytes=2 * FLOAT * (math.prod(image) + math.prod(result)),
        flops=6 * math.prod(image) * math.prod(weight[1:]),
        terms=batch * math.prod(sides),
        images=True,
    )


CASES = (
    case("conv3x3", (16, 64, 56, 56), 64, 3, padding=1, gradient=False),
    case("conv3x3_grad", (16, 64, 56, 56), 64, 3, padding=1),
    case("conv1x1_grad", (16, 256, 28, 28), 64, 1),
    case("conv_stride2_grad", (16, 64, 56, 56), 128, 3, stride=2, padding=1),
    case("conv1x1_stride2_grad", (16, 128, 28, 28), 256, 1, stride=2),
    case("conv_7x7_maps_grad", (16, 512, 7, 7), 512, 3, padding=1),
    case("conv_stem_grad", (8, 3, 224, 224), 64, 7, stride=2, padding=3),
    case("conv_few_channels_grad", (64, 1, 28, 28), 6, 5, padding=2),
    case("conv_lenet2_grad", (64, 6, 14, 14), 16, 5),
    case("conv_patches_grad", (16, 3, 224, 224), 192, 16, stride=16),
    case("conv_depthwise_grad", (16, 128, 28, 28), 128, 3, padding=1, groups=128),
    case("conv_groups_grad", (16, 128, 28, 28), 128, 3, padding=1, groups=4),
    case("conv_dilated_grad", (8, 64, 56, 56), 64, 3, padding=2, dilation=2),
    case("conv1d_grad", (16, 64, 1024), 128, 5, padding=2),
    case("conv3d_grad", (4, 16, 16, 28, 28), 32, 3, padding=1),
    case("conv_one_image", (1, 64, 56, 56), 64, 3, padding=1, gradient=False),
    transposed_case("conv_transposed_grad", (16, 64, 16, 16), 32, 4, 2, 1),
)

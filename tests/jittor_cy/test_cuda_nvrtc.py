"""NVRTC: the maths and a kernel compile for sm_90 without spills; a failure names the line."""

from __future__ import annotations

import re

import pytest

from jittor_cy.compiler.codegen.cuda_text import PRELUDE, KernelShape, cuda_math, shape_line, shapes_in
from jittor_cy.compiler.codegen.pasted import maths_text
from jittor_cy.compiler.toolchain import nvrtc
from jittor_cy.errors import CompileError

needs_nvrtc = pytest.mark.skipif(nvrtc.nvrtc_version() is None, reason="NVRTC is not installed (pip install .[cuda])")
MATHS = maths_text().replace("#pragma once", "")
FUNCTION = re.compile(r"^static inline ([\w ]+?) (jt_\w+)\(([^)]*)\)", re.MULTILINE)


def kernels_of_all_functions() -> str:
    """One kernel a function of kernel_math.h that takes values."""
    kernels = []
    for result, name, parameters in FUNCTION.findall(MATHS):
        types = [p.strip().rsplit(" ", 1)[0].removeprefix("const ") for p in parameters.replace("\n", " ").split(",")]
        if "*" in parameters:
            continue
        arguments = ", ".join(f"(({kind}*)p[{i}])[i]" for i, kind in enumerate(types))
        kernels.append(
            f'extern "C" __global__ void try_{name}(void** p, long long end) {{\n'
            f"  const long long i = blockIdx.x * 128ll + threadIdx.x;\n"
            f"  if (i < end) (({result}*)p[3])[i] = {name}({arguments});\n}}\n"
        )
    return "".join(kernels)


@needs_nvrtc
def test_every_function_of_the_maths_compiles_without_spills() -> None:
    cubin = nvrtc.compile_cubin(PRELUDE + cuda_math(MATHS) + kernels_of_all_functions(), 90)

    assert len(cubin.resources) > 400
    assert [name for name, used in cubin.resources.items() if used.spill_nbytes] == []


@needs_nvrtc
def test_binary_is_a_cubin_and_not_an_intermediate_form() -> None:
    cubin = nvrtc.compile_cubin('extern "C" __global__ void k(float* x) { x[0] = 1; }', 90)

    assert cubin.image.startswith(b"\x7fELF")


@needs_nvrtc
def test_failure_names_the_line_and_the_diagnostic() -> None:
    source = 'extern "C" __global__ void k(float* x) {\n  x[0] = missing;\n}\n'

    with pytest.raises(
        CompileError, match=r'k\.cu:2: error: identifier "missing" is undefined\n  2 \| x\[0\] = missing;'
    ):
        nvrtc.compile_cubin(source, 90, "k.cu")


@needs_nvrtc
def test_multiply_and_add_are_not_contracted() -> None:
    kernel = 'extern "C" __global__ void k(float* x) {{ x[0] = {}; }}'.format

    plain, apart, fused = (
        nvrtc.compile_cubin(kernel(value), 90).image
        for value in ("x[1] * x[2] + x[3]", "__fadd_rn(__fmul_rn(x[1], x[2]), x[3])", "__fmaf_rn(x[1], x[2], x[3])")
    )

    assert plain == apart
    assert plain != fused


def test_shapes_are_read_back_from_the_text() -> None:
    shapes = (KernelShape(3, 4, 1, 128, False), KernelShape(2, 0, 0, 256, True))

    text = "".join(shape_line(i, shape) for i, shape in enumerate(shapes))

    assert shapes_in(text) == shapes


def test_casts_of_floats_do_not_use_the_saturating_conversion() -> None:
    text = cuda_math(MATHS)

    casts = re.findall(r"jt_cast_f(?:32|64)_(?:[iu]\d+)\(.*?(?:\}$|^\})", text, re.MULTILINE | re.DOTALL)

    assert len(casts) >= 16
    assert not [cast for cast in casts if re.search(r"\((int|long long)\)\(?x", cast)]

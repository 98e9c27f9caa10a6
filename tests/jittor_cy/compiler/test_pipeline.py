"""What a Program promises: keys free of extents, the same text every time, memory that may be shared, checked IR."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from jittor_cy.compiler.codegen.pasted import closure
from jittor_cy.compiler.ir import expr as e
from jittor_cy.compiler.ir import index as ix
from jittor_cy.compiler.ir import primitives, spec
from jittor_cy.compiler.ir.kernel import Assign, Buffer, Kernel, PhaseBody
from jittor_cy.compiler.ir.program import Program
from jittor_cy.errors import InternalError
from tests.jittor_cy.compiler import patterns
from tests.jittor_cy.compiler.harness import MATMUL, Recorder

ROOT = Path(__file__).resolve().parents[3]


def softmax_program(rows: int, width: int, **options: object) -> Program:
    r = Recorder()
    return r.compile([patterns.softmax(r, r.leaf(np.zeros((rows, width), np.float32)))], **options)


def keys(program: Program) -> list[str | None]:
    return [launch.kernel for launch in program.launches]


def test_key_does_not_depend_on_extents() -> None:
    assert keys(softmax_program(40, 300)) == keys(softmax_program(41, 77))


def test_key_does_not_depend_on_rank_where_memory_is_flat() -> None:
    programs = []
    for shape in ((50,), (40, 50), (3, 40, 50)):
        r = Recorder()
        x = r.leaf(np.zeros(shape, np.float32))
        programs.append(r.compile([r.op("Exp", [x])]))

    assert len({p.kernels[0].key for p in programs}) == 1


def test_key_depends_on_dtype_and_instruction_set() -> None:
    def key(dtype: str, isa: str) -> str:
        from jittor_cy.compiler.pipeline import Options, compile_graph

        r = Recorder()
        graph = r.graph([r.op("Neg", [r.leaf(np.zeros(50, dtype))])])
        return compile_graph(graph, Options(isa=isa)).kernels[0].key

    assert len({key("float32", "avx2"), key("float64", "avx2"), key("float32", "portable")}) == 3


def test_same_graph_gives_the_same_text() -> None:
    assert softmax_program(40, 300).kernels == softmax_program(40, 300).kernels


def test_text_has_no_include_and_names_its_key() -> None:
    (kernel,) = softmax_program(40, 300).kernels

    assert "#include" not in kernel.text
    assert f"void kernel_{kernel.key[:16]}_phase0(" in kernel.text
    assert kernel.phases == 1


def test_only_needed_functions_are_pasted() -> None:
    (kernel,) = softmax_program(40, 300).kernels

    assert "jt_exp_f32" in kernel.text
    assert "jt_tanh" not in kernel.text


def test_pasted_functions_stand_below_what_they_call() -> None:
    texts = closure("jt_pow_f32(a, b)")

    names = [text.split("(")[0].split()[-1] for text in texts]
    for position, text in enumerate(texts):
        assert not any(f"{later}(" in text for later in names[position + 1 :])


def test_output_may_take_the_memory_of_an_input_read_in_step(tmp_path: Path) -> None:
    r = Recorder()
    x, y = (r.leaf(np.ones((20, 30), np.float32)) for _ in range(2))
    total = r.op("Add", [x, y])

    (launch,) = r.compile([total]).launches

    assert launch.donations == ((2, 0), (2, 1))


def test_update_takes_the_memory_of_its_state_where_the_gradient_lives_on() -> None:
    r = Recorder()
    p, g, m, v = (r.leaf(np.ones((20, 30), np.float32)) for _ in range(4))

    (launch,) = r.compile(list(patterns.adam(r, p, g, m, v, group=1))).launches
    taken: dict[int, int] = {}
    for output, source in launch.donations:
        if launch.buffers[source] != g.id and output not in taken and source not in taken.values():
            taken[output] = source

    assert {launch.buffers[source] for source in taken.values()} == {p.id, m.id, v.id}


def test_output_may_not_take_memory_that_is_read_elsewhere() -> None:
    r = Recorder()
    x = r.leaf(np.ones((20, 30), np.float32))
    reversed_rows = r.op("Slice", [x], structure=[-1, 1], scalars=[19, 0])

    (launch,) = r.compile([reversed_rows]).launches

    assert launch.donations == ()


def test_pass_that_is_left_out_is_not_run() -> None:
    r = Recorder()
    x = r.leaf(np.ones((20, 30), np.float32))

    (launch,) = r.compile([r.op("Neg", [x])], without=frozenset({"donate"})).launches

    assert launch.donations == ()


def test_equal_ops_are_computed_once() -> None:
    r = Recorder()
    x = r.leaf(np.ones(50, np.float32))

    program = r.compile([r.op("Add", [r.op("Exp", [x]), r.op("Exp", [x])])], without=frozenset({"stream"}))

    assert program.kernels[0].text.count(" = jt_exp_f32(v0)") == 1


def test_unused_op_is_not_in_the_program() -> None:
    r = Recorder()
    x = r.leaf(np.ones(50, np.float32))
    r.op("Exp", [x])

    program = r.compile([r.op("Neg", [x])])

    assert [launch.ops for launch in program.launches] == [(1,)]


def test_contraction_is_left_to_the_runtime_with_what_makes_its_operand_and_goes_on_from_it() -> None:
    r = Recorder()
    a, b = r.leaf(np.ones((20, 30), np.float32)), r.leaf(np.ones((30, 40), np.float32))
    product = r.op("Contraction", [r.op("Neg", [a]), b], (20, 40), structure=MATMUL, scalars=(0, 0, 0, 0))

    program = r.compile([r.op("Exp", [product])])

    assert [launch.kernel is None for launch in program.launches] == [False, True, False]
    assert [launch.batch for launch in program.launches] == [1, 1, 1]


def test_every_primitive_of_the_table_has_a_meaning() -> None:
    rows = (ROOT / "runtime" / "graph" / "op_kinds.def").read_text().splitlines()
    kinds = [row.removeprefix("JTCY_OP(").split(",")[0] for row in rows if row.startswith("JTCY_OP(")]

    missing = [k for k in kinds if k not in primitives.COSTS and k not in primitives.KINDS]
    assert kinds
    assert not missing


def copy_kernel() -> Kernel:
    axis = e.axis("p0", e.dim(0))
    body = (Assign(e.load(1, "float32", axis), e.load(0, "float32", axis)),)
    buffers = (Buffer("in0", "float32", 0, False), Buffer("out0", "float32", 1, True))
    return Kernel("copy", buffers, (None,), (), (PhaseBody((axis,), body),))  # type: ignore[arg-type]


def test_legal_kernel_is_accepted() -> None:
    spec.verify(copy_kernel(), spec.named, after="test")


def test_axis_without_a_loop_is_named_with_the_pass() -> None:
    kernel = copy_kernel()
    loose = Assign(e.load(1, "float32", ix.ZERO), e.load(0, "float32", e.axis("r1", e.dim(0))))
    broken = replace(kernel, phases=(replace(kernel.phases[0], body=(loose,)),))

    with pytest.raises(InternalError, match=r"after test the kernel copy is not legal: \['r1'\] is not known"):
        spec.verify(broken, spec.loops, after="test")


def test_output_that_nothing_writes_is_named() -> None:
    kernel = copy_kernel()
    broken = replace(kernel, phases=(replace(kernel.phases[0], body=()),))

    with pytest.raises(InternalError, match="nothing writes out0"):
        spec.verify(broken, spec.loops, after="test")


def test_buffer_that_does_not_exist_is_named() -> None:
    kernel = copy_kernel()
    outside = Assign(e.load(1, "float32", kernel.phases[0].axes[0]), e.load(7, "float32", kernel.phases[0].axes[0]))
    broken = replace(kernel, phases=(replace(kernel.phases[0], body=(outside,)),))

    with pytest.raises(InternalError, match="load 7 does not exist"):
        spec.verify(broken, spec.loops, after="test")

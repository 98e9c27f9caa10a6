"""Looking inside: graph, dot, explain, sources, kernels, the dump and the trace levels say what is there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import jittor_cy as jt

THIS_FILE = os.path.basename(__file__)


def leaf(*shape: int) -> jt.Var:
    """A Var in memory."""
    return jt.array(np.arange(1, 1 + np.prod(shape, dtype=int), dtype=np.float32).reshape(shape))


def softmax_of_leaf() -> jt.Var:
    return jt.nn.softmax(leaf(8, 100), 1)


# ---- graph and dot ----


def test_graph_names_leaves_operations_shapes_and_lines() -> None:
    y = (leaf(2, 3) + 1).exp()

    lines = jt.debug.graph(y).splitlines()

    assert lines[0] == "v0 = leaf contiguous float32[2, 3]"
    exp = next(line for line in lines if " = Exp(" in line)
    add = next(line for line in lines if " = Add(" in line)
    assert re.fullmatch(rf"v\d+ = Exp\({add.split(' ')[0]}\) float32\[2, 3\]  held  \S*{THIS_FILE}:\d+", exp)
    assert lines.index(add) < lines.index(exp)


def test_graph_runs_nothing() -> None:
    y = leaf(2, 3).exp()
    jt.sync_all()
    z = y * 2
    before = jt.stats()

    jt.debug.graph(z)
    jt.debug.dot(z)
    jt.debug.explain(z)
    jt.debug.sources(z)

    after = jt.stats()
    assert after["launches"] == before["launches"]
    assert after["kernels_compiled"] == before["kernels_compiled"]
    assert "Mul" in jt.debug.graph(z)


def test_graph_of_what_is_in_memory_is_a_leaf_or_nothing() -> None:
    x = leaf(3)
    x.numpy()

    assert "= Exp(" not in jt.debug.graph(x)
    assert jt.debug.sources(x) == {}


def test_graph_of_something_else_names_its_type() -> None:
    with pytest.raises(TypeError, match="expected Vars, found list"):
        jt.debug.graph([1.0])


def test_dot_colours_a_softmax_as_one_kernel() -> None:
    text = jt.debug.dot(softmax_of_leaf())

    assert text.startswith("digraph pending {") and text.endswith("}")
    assert text.count("{") == text.count("}")
    colours = set(re.findall(r'kernel (\d+)", fillcolor="(#\w+)"', text))
    assert len(colours) == 1
    assert set(re.findall(r"(v\d+) ->", text)) <= set(re.findall(r"(v\d+) \[label", text))


def test_dot_gives_a_contraction_another_colour_than_a_softmax() -> None:
    x = jt.matmul(leaf(8, 8), leaf(8, 8))

    colours = set(re.findall(r'kernel \d+", fillcolor="(#\w+)"', jt.debug.dot(jt.nn.softmax(x, 1))))

    assert len(colours) == 2


# ---- explain ----


def test_explain_says_one_kernel_for_a_softmax_with_the_user_s_lines() -> None:
    text = jt.debug.explain(softmax_of_leaf())

    assert text.startswith("kernel 0: ")
    assert "kernel 1" not in text
    assert re.search(rf"  Exp  \S*{THIS_FILE}:\d+", text)


def test_explain_says_why_operations_were_kept_apart() -> None:
    text = jt.debug.explain(jt.nn.softmax(softmax_of_leaf().transpose(1, 0), dim=-1))

    assert re.search(r"^kernel 1: ", text, re.MULTILINE)
    assert re.search(r"^kept apart: row0\S*->Reduce#\d+: outer axes differ$", text, re.MULTILINE)


def test_explain_keeps_nothing_apart_that_shares_a_kernel() -> None:
    """Sums over all rows run beside the rows."""
    text = jt.debug.explain(softmax_of_leaf().sum(0))

    assert "kernel 1" not in text
    assert "kept apart" not in text


def test_explain_names_what_the_runtime_runs_itself() -> None:
    text = jt.debug.explain(jt.matmul(leaf(8, 8).exp(), leaf(8, 8)))

    assert re.search(r"^kernel 1: run by the runtime\n  Contraction  ", text, re.MULTILINE)


def test_explain_of_what_is_realized_says_so() -> None:
    x = leaf(3).exp()
    x.numpy()

    assert "is realized" in jt.debug.explain(x)


def test_explain_without_targets_describes_the_last_plan() -> None:
    leaf(3).exp().numpy()

    assert jt.debug.explain().startswith("last plan: ")


# ---- sources ----


def test_sources_hold_the_key_and_a_function_a_phase() -> None:
    found = jt.debug.sources(softmax_of_leaf())

    ((name, text),) = found.items()
    key = name[-16:]
    assert f"void kernel_{key}_phase0(" in text
    assert "#include" not in text


def test_sources_are_the_same_for_another_extent() -> None:
    first = jt.debug.sources((leaf(50, 70) + 1).exp())
    second = jt.debug.sources((leaf(60, 80) + 1).exp())

    assert first == second and first


def test_kernels_writes_each_source_and_an_index(tmp_path: Path) -> None:
    y = softmax_of_leaf()

    paths = jt.debug.kernels(tmp_path / "new", y)

    assert {p.stem: p.read_text() for p in paths} == jt.debug.sources(y)
    index = (tmp_path / "new" / "index.txt").read_text().splitlines()
    assert index == [f"{p.name} {p.stat().st_size} bytes" for p in paths]


def test_kernels_into_a_file_is_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(OSError):
        jt.debug.kernels(tmp_path / "file", softmax_of_leaf())


# ---- the dump of a program ----


def test_dump_holds_graph_groups_and_sources_of_each_plan(tmp_path: Path) -> None:
    x = leaf(9, 11)
    with jt.flags(dump=str(tmp_path), plan_cache=False):
        y = jt.matmul(x.exp(), x.T) * 0.125
        y.numpy()

    index = (tmp_path / "index.txt").read_text().splitlines()
    plans = {line.split()[0] for line in index}
    files = {line.split()[3] for line in index} - {"runtime"}
    assert len(plans) == 1 and any("Contraction" in line and " runtime " in line for line in index)
    assert files and all((tmp_path / f).read_text().count("void kernel_") > 0 for f in files)
    text = (tmp_path / plans.pop()).read_text()
    assert text.startswith("graph\nv0 = leaf ") and "= Contraction(" in text and "held" in text
    assert {p.name for p in tmp_path.iterdir()} == files | {line.split()[0] for line in index} | {"index.txt"}


def test_dump_off_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with jt.flags(plan_cache=False):
        leaf(7).exp().numpy()

    assert list(tmp_path.iterdir()) == []


def test_dump_into_what_cannot_be_written_is_said_and_the_values_are_right(tmp_path: Path, capfd) -> None:
    (tmp_path / "file").write_text("")

    with jt.flags(dump=str(tmp_path / "file"), plan_cache=False, debug=1):
        found = (leaf(5) * 3).numpy()

    np.testing.assert_array_equal(found, np.arange(1, 6, dtype=np.float32) * 3)
    assert "[jtcy dump] failed=" in capfd.readouterr().err


# ---- trace levels ----


def traced(level: str) -> str:
    """What a softmax prints to stderr in a process of its own, with an empty cache."""
    program = "import sys, jittor_cy as jt\nprint(jt.nn.softmax(jt.ones((4, 50)) * 2, 1).numpy().sum())\n"
    environment = {**os.environ, "JTCY_DEBUG": level, "JTCY_CACHE_SIZE": "0", "JTCY_WAIT_FOR_KERNELS": "1"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert float(done.stdout) == pytest.approx(4.0, abs=1e-5)
    return done.stderr


@pytest.mark.parametrize(
    ("level", "there", "absent"),
    [
        ("0", (), ("[jtcy",)),
        ("2", ("[jtcy plan] signature=", "[jtcy kernel] "), ("[jtcy pass]", "void kernel_")),
        ("4", ("[jtcy plan]", "[jtcy pass] name=hoist"), ("[jtcy source]",)),
        ("5", ("[jtcy source] name=", "void kernel_"), ("[jtcy assembly]",)),
        ("5,plan", ("[jtcy plan]",), ("[jtcy source]", "[jtcy pass]", "[jtcy kernel]")),
        ("6", ("[jtcy assembly] kernels=", ".text"), ()),
    ],
)
def test_trace_prints_what_its_level_promises(level: str, there: tuple[str, ...], absent: tuple[str, ...]) -> None:
    lines = traced(level)

    assert [word for word in there if word not in lines] == []
    assert [word for word in absent if word in lines] == []


def test_trace_of_fusion_says_what_was_kept_apart(capfd) -> None:
    with jt.flags(debug="3,fuse", plan_cache=False):
        softmax_of_leaf().sum(0).numpy()

    lines = capfd.readouterr().err.splitlines()
    assert any(re.fullmatch(r"\[jtcy fuse\] edge=\S+ kept_apart=outer axes differ", line) for line in lines)
    assert all(line.startswith("[jtcy fuse] ") for line in lines)


def test_wait_for_compiles_leaves_no_compile_at_work() -> None:
    with jt.flags(plan_cache=False, cache_size=0):
        (leaf(3, 5, 7) * 1.5 + 2).tanh().sum(0).sync()
        jt.debug.wait_for_compiles()
        before = jt.stats()["kernels_compiled"]
        jt.debug.wait_for_compiles()

    assert jt.stats()["kernels_compiled"] == before

"""The parts of the bench: limits, the list of optimisations, the processes of contenders, the judgement of results."""

from __future__ import annotations

import ast
import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

import jittor_cy as jt
from jittor_cy import bench
from jittor_cy.bench import ablation
from jittor_cy.bench.answers import Answer, Reference, check, largest_error, same_bits
from jittor_cy.bench.case import EPSILON, NUDGES, Case
from jittor_cy.bench.contender import Contender, Process
from jittor_cy.bench.limits import Limits, measure_limits, usable_sets
from jittor_cy.bench.report import ablation_table, duration, ranking, rows_of
from jittor_cy.bench.runner import Figures, outputs_of
from jittor_cy.bench.workloads import FAMILIES, networks, select
from jittor_cy.compiler.pipeline import OPTIONAL
from jittor_cy.config import SETTINGS

FOLDER = Path(bench.__file__).parent
LIMITS = Limits(2, 1 << 20, {"avx2": 100.0, "portable": 20.0}, 10.0, 50.0)


def figures(name: str, *rounds: float, first: float = 1.0) -> Figures:
    return Figures(name, "some", first, rounds_s=list(rounds))


def case_of(**values: float) -> Case:
    return Case(name="some", about="", inputs=lambda m: {}, run=lambda fw: None, **values)


# ---- workloads ----


def test_names_are_unique_and_every_input_is_made_twice_the_same() -> None:
    names = [case.name for cases in FAMILIES.values() for case in cases]

    assert len(set(names)) == len(names)
    one, two = select("softmax_small")[0].data(), select("softmax_small")[0].data()
    np.testing.assert_array_equal(one["x"], two["x"])


@pytest.mark.parametrize(
    "text,names",
    [
        ("gpt", ["gpt"]),
        ("optimizer", ["adamw", "momentum", "sgd", "adamw_small"]),
        ("matmul_1024_?t", ["matmul_1024_nt", "matmul_1024_tt"]),
        ("depthwise,gather", ["conv_depthwise_grad", "gather"]),
    ],
)
def test_workloads_are_found_by_name_family_pattern_and_part(text: str, names: list[str]) -> None:
    assert [case.name for case in select(text)] == names


def test_resnet_is_of_the_known_size() -> None:
    # 0.56 G multiply-adds an image (github.com/kuangliu/pytorch-cifar counts them for this network)
    assert networks.resnet_flops() == pytest.approx(2 * 0.556e9, rel=0.01)


def functions_asked_for() -> set[str]:
    """Every NAME in fw.NAME of the workloads."""
    return {
        node.attr
        for path in sorted((FOLDER / "workloads").glob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "fw"
    }


def names_in_class(path: Path, name: str) -> set[str]:
    tree = next(n for n in ast.parse(path.read_text()).body if isinstance(n, ast.ClassDef) and n.name == name)
    assigned = {t.id for n in tree.body if isinstance(n, ast.Assign) for t in n.targets if isinstance(t, ast.Name)}
    return assigned | {n.name for n in tree.body if isinstance(n, ast.FunctionDef)}


@pytest.mark.parametrize("file,name", [("ours", "JittorCy"), ("pytorch", "Torch"), ("googlejax", "Jax")])
def test_every_framework_has_what_the_workloads_ask_for(file: str, name: str) -> None:
    assert functions_asked_for() <= names_in_class(FOLDER / "frameworks" / f"{file}.py", name)


def is_right_in_its_process(framework: str, name: str, folder: Path) -> bool:
    """Whether a workload's outputs are those of torch in float64."""
    with Process(Contender(framework, framework), name, 1, folder) as process:
        process.ask("first")
        found = outputs_of(process, folder / "outputs.npz")
    return Reference({}).answer(select(name)[0], 2).is_met_by(found)


@pytest.mark.parametrize("framework", ["torch", "jax"])
def test_a_peer_computes_what_is_asked_for(framework: str, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    if importlib.util.find_spec(framework) is None:
        pytest.skip(f"{framework} is not installed")

    assert is_right_in_its_process(framework, "mlp", tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", [case.name for cases in FAMILIES.values() for case in cases])
@pytest.mark.parametrize("framework", ["jittor_cy", "torch", "jax"])
def test_every_workload_is_right(framework: str, name: str, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    if importlib.util.find_spec(framework) is None:
        pytest.skip(f"{framework} is not installed")

    assert is_right_in_its_process(framework, name, tmp_path)


# ---- limits ----


def test_limits_are_plausible() -> None:
    found = measure_limits(1)

    assert list(found.gflops) == usable_sets()
    assert all(1 < rate < 2000 for rate in found.gflops.values())  # of one core
    assert 0.5 < found.memory_gbs <= found.cache_gbs < 5000


@pytest.mark.parametrize(
    "values,seconds",
    [
        ({"nbytes": 1e9}, 0.1),  # past the cache: 10 GB/s
        ({"nbytes": 1e6}, 2e-5),  # within: 50 GB/s
        ({"flops": 1e9}, 0.01),  # 100 GFLOP/s
        ({"nbytes": 1e9, "flops": 1e9}, 0.1),
        ({}, 0.0),
    ],
)
def test_least_time_is_the_slower_of_traffic_and_arithmetic(values: dict[str, float], seconds: float) -> None:
    assert LIMITS.least_s(case_of(**values)) == pytest.approx(seconds)


# ---- contenders ----


def test_a_missing_package_is_named_with_its_cure(tmp_path: Path) -> None:
    (tmp_path / "jax.py").write_text("raise ModuleNotFoundError(\"No module named 'jax'\", name='jax')")
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH={tmp_path} exec {sys.executable} "$@"\n')
    python.chmod(0o700)

    with (
        pytest.raises(
            jt.errors.ArgumentError, match="jax needs the package jax, which .*python does not have"
        ) as error,
        Process(Contender("jax", "jax", {}, str(python)), "matmul_64", 1, tmp_path) as process,
    ):
        process.ask("first")

    assert "pip install jax, or name an interpreter" in str(error.value)


def test_a_process_that_dies_is_told_apart_from_a_result(tmp_path: Path) -> None:
    with (
        pytest.raises(jt.errors.RunError, match="torch ended while measuring matmul_64"),
        Process(Contender("torch", "torch", {}, "/bin/false"), "matmul_64", 1, tmp_path) as process,
    ):
        process.read()


def test_a_kernel_that_cannot_be_compiled_is_told(tmp_path: Path) -> None:
    with Process(
        Contender("jittor_cy", environment={"JTCY_CC": "/bin/false"}), "softmax_small", 1, tmp_path
    ) as process:
        process.ask("first")

        assert "effect=the interpreter serves" in process.failed_compile()


def test_an_error_of_a_framework_is_passed_on(tmp_path: Path) -> None:
    with (
        pytest.raises(jt.errors.RunError, match="jittor_cy failed on matmul_64: FileNotFoundError"),
        Process(Contender("jittor_cy"), "matmul_64", 1, tmp_path) as process,
    ):
        process.ask("outputs", path="/no/such/folder/x.npz")


# ---- ablation ----


def test_ablation_covers_every_optional_pass_and_every_setting_that_is_on() -> None:
    off = ablation.variants()

    assert all(off[f"without_passes={name}"] == {"JTCY_WITHOUT_PASSES": name} for name in OPTIONAL)
    assert all(f"{setting.name}=False" in off for setting in SETTINGS if setting.default is True)
    assert off["huge_pages=False"] == {"JTCY_HUGE_PAGES": "False"}
    assert ablation.contenders()[0] == Contender(ablation.DEFAULT)


def test_ablation_sees_bits_that_differ() -> None:
    found = [figures("on", 1.0), figures("same", 1.0), figures("other", 2.0)]
    found[0].outputs = [np.array([1.0, np.nan], np.float32)]
    found[1].outputs = [np.array([1.0, np.nan], np.float32)]
    found[2].outputs = [np.nextafter(np.array([1.0, np.nan], np.float32), np.float32(2))]

    ablation.check_bits(found)

    assert [f.right for f in found] == [True, True, False]
    assert ablation_table(case_of(), found).splitlines()[-1].split()[-1] == "DIFFER"


# ---- answers and tables ----


@pytest.mark.parametrize(
    "found,expected,error",
    [
        ([1.0, 2.0], [1.0, 4.0], 0.5),
        ([0.0, 0.25], [0.0, 0.0], 0.25),
        ([1.0], [1.0, 1.0], float("inf")),
        ([np.nan], [1.0], float("inf")),
        ([], [], 0.0),
    ],
)
def test_largest_error_is_a_share_of_the_largest_element(
    found: list[float], expected: list[float], error: float
) -> None:
    assert largest_error([np.array(found, np.float32)], [np.array(expected)]) == error


def test_results_of_another_number_or_dtype_are_never_equal() -> None:
    one = np.ones(3, np.float32)

    assert largest_error([one], []) == float("inf")
    assert not same_bits([one], [one, one])
    assert not same_bits([one], [one.astype(np.float64)])


def test_a_result_beyond_the_tolerance_is_wrong_in_the_table() -> None:
    ours, peer = figures("jittor_cy", 0.01), figures("torch", 0.02, 0.02, 0.02)
    ours.outputs, peer.outputs = [np.float32([1.0])], [np.float32([1.1])]
    case = case_of(nbytes=1e6)

    check([ours, peer], Answer([np.array([1.0])], [case.tolerance]))
    lines = rows_of(case, LIMITS, [ours, peer]).splitlines()

    assert not lines[0].endswith("WRONG")
    assert lines[1].endswith("2.00x WRONG")


def test_nudged_inputs_are_off_by_a_few_roundings_and_numbers_stay() -> None:
    case = select("mlp")[0]
    data, moved, other = case.data(), case.nudged(1).data(), case.nudged(2).data()
    name = next(iter(data["p"]))
    shares = np.abs(moved["p"][name] / data["p"][name].astype(np.float64) - 1)

    assert 0 < shares.max() < 8 * NUDGES * EPSILON
    assert not np.array_equal(moved["p"][name], other["p"][name])
    np.testing.assert_array_equal(moved["y"], data["y"])


def test_each_array_has_its_own_bound() -> None:
    answer = Answer([np.array([1.0]), np.array([2.0])], [0.01, 0.1])

    assert answer.is_met_by([np.array([1.005]), np.array([2.19])])
    assert not answer.is_met_by([np.array([1.05]), np.array([2.0])])
    assert not answer.is_met_by([np.array([1.0])])


def test_ranking_lists_where_a_peer_was_faster() -> None:
    fast, slow = (
        (case_of(), [figures("a", 1.0), figures("b", 4.0)]),
        (case_of(), [figures("a", 1.0), figures("b", 0.25)]),
    )

    text = ranking([fast, slow])

    assert "b takes 1.00 times as long (geometric mean of 2)" in text
    assert "slower than the fastest peer: 1 of 2" in text
    assert "0.25x  some" in text


@pytest.mark.parametrize(
    "seconds,text", [(None, "-"), (2.0, "2 s"), (0.0123, "12.3 ms"), (4.5e-6, "4.5 us"), (3e-10, "0.3 ns")]
)
def test_durations_have_three_digits_and_a_unit(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


def test_without_torch_the_reference_is_our_own_float64(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise ModuleNotFoundError(\"No module named 'torch'\", name='torch')")
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH={tmp_path}:$PYTHONPATH exec {sys.executable} "$@"\n')
    python.chmod(0o700)
    reference, case = Reference({"torch": str(python)}), select("softmax_small")[0]
    x = case.data()["x"].astype(np.float64)
    e = np.exp(x - x.max(1, keepdims=True))

    (found,) = reference.answer(case, 1).outputs

    assert reference.names == ["jittor_cy_float64"]
    np.testing.assert_allclose(found, e / e.sum(1, keepdims=True), rtol=1e-12)

"""Schedules as values: text and back, what may be said, what it does to kernels, and to bits."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from jittor_cy.compiler.ir.schedule import Schedule, choices_of, given_by, merged, not_applied, number_of
from jittor_cy.errors import ArgumentError, ArgumentTypeError
from tests.jittor_cy.compiler import patterns
from tests.jittor_cy.compiler.harness import Node, Recorder

SUM, MAX = 0, 2
ROOT = Path(__file__).resolve().parents[3]
# One other value for each choice that keeps the bits.
OTHERS = (
    {"fuse": False},
    {"second_pass": False},
    {"second_pass": True},
    {"row_buffer": 0},
    {"prefetch": 0},
    {"prefetch": 3},
    {"stream": "never"},
    {"stream": "always"},
    {"donate": False},
    {"grain": 1},
    {"unroll": 4},
    {"column_tile": 16},
    {"column_tile": 96},
    {"wide_tile": 100},
    {"strip": 0},
    {"strip": 128},
    {"beside": False},
    {"transpose_tile": 3},
)


def test_text_of_a_schedule_parses_back() -> None:
    schedule = Schedule(fuse=False, reduction="tree", grain=77, stream="never", row_buffer=2)

    assert Schedule.parse(str(schedule)) == schedule


def test_every_choice_stands_in_the_text() -> None:
    assert [word.partition("=")[0] for word in str(Schedule()).split()] == [f.name for f in fields(Schedule)]


def test_every_choice_that_keeps_bits_is_tried_here() -> None:
    keeping = {f.name for f in fields(Schedule) if not f.metadata["changes_bits"]}

    assert {name for choice in OTHERS for name in choice} == keeping


def test_unknown_choice_names_near_ones() -> None:
    with pytest.raises(ArgumentError, match="there is no choice 'row_bufer'\n  help: did you mean row_buffer"):
        choices_of({"row_bufer": 1})


def test_unknown_choice_without_near_ones_lists_all() -> None:
    with pytest.raises(ArgumentError, match="choices are fuse, reduction, second_pass"):
        choices_of({"zzz": 1})


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("stream", "maybe", "stream is one of never, large, always, not 'maybe'"),
        ("grain", 0, "grain is a number from 1 to "),
        ("unroll", 2.5, "unroll is a number from 0 to 64, not 2.5"),
        ("column_tile", "wide", "column_tile is a number from 1 to 256, not 'wide'"),
        ("fuse", 3, "fuse is one of False, True, not 3"),
    ],
)
def test_value_that_a_choice_does_not_have_is_named(name: str, value: object, words: str) -> None:
    with pytest.raises(ArgumentTypeError, match=words):
        choices_of({name: value})


def test_true_and_false_of_a_number_are_its_default_and_none() -> None:
    assert choices_of({"row_buffer": True, "prefetch": False}) == (("row_buffer", 4), ("prefetch", 0))


def test_inner_choices_win() -> None:
    assert merged((("grain", 5), ("unroll", 2)), (("grain", 7),)) == (("grain", 7), ("unroll", 2))


def test_number_of_choices_leads_back_to_them() -> None:
    keeping, changing = (("grain", 123),), (("reduction", "serial"),)

    assert given_by(number_of(keeping)) == keeping
    assert given_by(number_of(changing)) == changing
    assert number_of(keeping) < 1 << 31 <= number_of(changing)
    assert number_of(()) == 0


def test_reduction_says_that_it_changes_bits() -> None:
    assert Schedule(reduction="serial").changes_bits == "reduction=serial"
    assert Schedule(grain=5, fuse=False).changes_bits == ""


def test_neighbours_keep_the_bits_and_what_is_fixed() -> None:
    found = Schedule(reduction="tree").neighbours(("row",), fixed=("prefetch",))

    assert found
    assert {s.reduction for s in found} == {"tree"}
    assert {s.prefetch for s in found} == {1}
    assert {s.column_tile for s in found} == {64}


def test_choice_that_means_nothing_to_a_kernel_is_named() -> None:
    given = choices_of({"row_buffer": 0, "column_tile": 16, "grain": 5})

    assert not_applied(given, Schedule().given(given), ("map",), "cpu") == ("row_buffer", "column_tile")
    assert not_applied(given, Schedule().given(given), ("row",), "cuda") == ("row_buffer", "grain", "column_tile")


# ---- what kernels become ----


def computed(kind: str, r: Recorder) -> list[Node]:
    """Outputs of one kernel of a kind."""
    generator = np.random.default_rng(5)
    x = r.leaf(generator.standard_normal((70, 523)).astype(np.float32))
    if kind == "map":
        return [r.op("Add", [r.op("Exp", [x]), r.op("Transpose", [transposed(r)], (70, 523), structure=(1, 0))])]
    if kind == "row":
        return [patterns.softmax(r, x)]
    if kind == "column":
        return [r.reduce(SUM, r.op("Exp", [x]), 0, 1), r.reduce(MAX, r.op("Exp", [x]), 0, 1)]
    return [r.reduce(SUM, r.leaf(generator.standard_normal(20_011).astype(np.float32)), 0, 1)]


def transposed(r: Recorder) -> Node:
    return r.leaf(np.random.default_rng(6).standard_normal((523, 70)).astype(np.float32))


@pytest.mark.parametrize("kind", ["map", "row", "column", "full"])
@pytest.mark.parametrize("choice", OTHERS, ids=str)
def test_choices_that_keep_bits_keep_them(kind: str, choice: dict, tmp_path: Path) -> None:
    plain, given = Recorder(), Recorder(given=choices_of(choice))

    expected = plain.run(computed(kind, plain), tmp_path, cuts=3)
    found = given.run(computed(kind, given), tmp_path, cuts=3, large=True)

    for a, b in zip(found, expected, strict=True):
        assert a.tobytes() == b.tobytes()


@pytest.mark.parametrize(
    ("kind", "choice", "differs"),
    [
        ("row", {"row_buffer": 0}, "row0"),
        ("row", {"prefetch": 0}, "__builtin_prefetch"),
        ("map", {"stream": "never"}, "jt_stream_line"),
    ],
)
def test_choice_takes_its_lines_out_of_the_text(kind: str, choice: dict, differs: str) -> None:
    plain, given = Recorder(), Recorder(given=choices_of(choice))
    text = "".join(k.text for k in plain.compile(flat(plain) if kind == "map" else computed(kind, plain)).kernels)
    without = "".join(k.text for k in given.compile(flat(given) if kind == "map" else computed(kind, given)).kernels)

    assert differs in text
    assert differs not in without


def flat(r: Recorder) -> list[Node]:
    return [r.op("Exp", [r.leaf(np.ones(500, np.float32))])]


@pytest.mark.parametrize(
    ("kind", "choice", "line"),
    [
        ("row", {"unroll": 4}, "#pragma GCC unroll 4"),
        ("column", {"column_tile": 96}, "_lane[1][96]"),
        ("column", {"wide_tile": 96}, "_lane[4][96]"),
        ("map", {"transpose_tile": 3}, "_tile * 3;"),
    ],
)
def test_choice_stands_in_the_text(kind: str, choice: dict, line: str) -> None:
    given = Recorder(given=choices_of(choice))

    assert line in given.compile(computed(kind, given)).kernels[0].text


def test_split_decides_the_number_of_phases() -> None:
    phases = {}
    for split in (False, True):
        r = Recorder(given=choices_of({"second_pass": split}))
        phases[split] = [k.phases for k in r.compile(computed("full", r)).kernels]

    assert phases == {False: [1], True: [2]}


def test_grain_is_part_of_the_launch_not_of_the_text() -> None:
    plain, given = Recorder(), Recorder(given=choices_of({"grain": 123}))
    first, second = plain.compile(computed("row", plain)), given.compile(computed("row", given))

    assert first.kernels == second.kernels
    assert [p.grain for p in second.launches[0].phases] == [123]


def test_donation_can_be_refused() -> None:
    r = Recorder(given=choices_of({"donate": False}))

    assert r.compile(flat(r)).launches[0].donations == ()


def test_ops_with_other_choices_do_not_share_a_kernel() -> None:
    r = Recorder()
    x = r.leaf(np.ones((40, 300), np.float32))
    r.given = choices_of({"grain": 500})
    inside = r.reduce(SUM, r.op("Exp", [x]), 1, 2)
    r.given = ()
    outside = r.reduce(SUM, r.op("Exp", [x]), 1, 2)

    program = r.compile([inside, outside])

    assert [launch.schedule.grain for launch in program.launches] == [500, 10_000]
    assert any("another schedule" in note for note in program.notes)


def test_op_that_shall_not_fuse_has_a_kernel_of_its_own() -> None:
    r = Recorder()
    x = r.leaf(np.ones(500, np.float32))
    first = r.op("Exp", [x])
    r.given = choices_of({"fuse": False})
    second = r.op("Neg", [first])
    r.given = ()

    program = r.compile([r.op("Sin", [second])])

    assert [len(launch.ops) for launch in program.launches] == [1, 1, 1]


# ---- reductions in another order ----


def serial_sum(x: np.ndarray) -> np.float32:
    total = np.float32(0)
    for value in x:
        total = np.float32(total + value)
    return total


def lanes_sum(x: np.ndarray, lanes: int) -> np.float32:
    lane = np.zeros(lanes, np.float32)
    for i, value in enumerate(x):
        lane[i % lanes] += value
    return halved(lane)


def halved(lane: np.ndarray) -> np.float32:
    while len(lane) > 1:
        lane = lane[: len(lane) // 2] + lane[len(lane) // 2 :]
    return lane[0]


def tree_sum(x: np.ndarray, lanes: int) -> np.float32:
    padded = np.concatenate([x, np.zeros(-len(x) % lanes, np.float32)]).reshape(-1, lanes)
    blocks = [halved(block) for block in padded]
    while len(blocks) > 1:
        pairs = zip(blocks[::2], blocks[1::2], strict=False)
        blocks = [np.float32(a + b) for a, b in pairs] + ([blocks[-1]] if len(blocks) % 2 else [])
    return blocks[0]


@pytest.mark.parametrize(
    ("order", "row", "column"),
    [
        ("serial", serial_sum, serial_sum),
        ("vector", lambda x: lanes_sum(x, 64), lambda x: lanes_sum(x, 4)),
        ("tree", lambda x: tree_sum(x, 64), lambda x: tree_sum(x, 4)),
    ],
)
def test_reduction_in_another_order_is_that_order(order: str, row: object, column: object, tmp_path: Path) -> None:
    data = np.random.default_rng(1).standard_normal((9001, 3)).astype(np.float32)
    r = Recorder(given=choices_of({"reduction": order}))
    by_row = r.reduce(SUM, r.leaf(np.ascontiguousarray(data.T)), 1, 2)
    by_column = r.reduce(SUM, r.leaf(data), 0, 1)

    rows, columns = r.run([by_row, by_column], tmp_path)

    assert rows.tolist() == [float(row(data[:, i])) for i in range(3)]
    assert columns.tolist() == [float(column(data[:, i])) for i in range(3)]


@pytest.mark.parametrize("order", ["serial", "vector", "tree"])
def test_sum_of_everything_in_another_order(order: str, tmp_path: Path) -> None:
    data = np.random.default_rng(2).standard_normal(20_011).astype(np.float32)
    expected = {"serial": serial_sum(data), "vector": lanes_sum(data, 64), "tree": tree_sum(data, 64)}
    r = Recorder(given=choices_of({"reduction": order}))

    (found,) = r.run([r.reduce(SUM, r.leaf(data), 0, 1)], tmp_path)

    assert found == expected[order]


# ---- what and how ----


def test_neither_passes_nor_codegen_know_an_operator() -> None:
    composites = (
        "softmax",
        "layer_norm",
        "batch_norm",
        "gelu",
        "silu",
        "cross_entropy",
        "attention",
        "adam",
        "dropout",
    )
    folders = ("passes", "codegen", "schedule")
    texts = {p: p.read_text().lower() for f in folders for p in (ROOT / "jittor_cy" / "compiler" / f).glob("*.py")}
    code = {p: "\n".join(line.partition("#")[0] for line in text.splitlines()) for p, text in texts.items()}

    named = [(p.name, c) for p, text in code.items() for c in composites if f'"{c}' in text or f"== '{c}" in text]

    assert texts
    assert not named

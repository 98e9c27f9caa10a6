"""Files: what is saved comes back."""

from __future__ import annotations

from typing import Any

import numpy as np

import jittor_cy as jt

RANDOM = np.random.default_rng(5)
X = RANDOM.normal(size=(3, 4, 5)).astype(np.float32)


def test_save_and_load_keep_nesting_values_and_dtypes(tmp_path: Any) -> None:
    state = {
        "w": jt.array(X),
        "half": jt.array([0.5]).bfloat16(),
        "list": [1, 2.5, "a", None, (True,)],
        3: np.arange(4),
    }

    jt.save(state, tmp_path / "state.pkl")
    found = jt.load(tmp_path / "state.pkl")

    np.testing.assert_array_equal(found["w"].numpy(), X)
    assert found["half"].dtype == "bfloat16" and found["half"].tolist() == [0.5]
    assert found["list"] == state["list"] and found[3].tolist() == [0, 1, 2, 3]


def test_safetensors_are_written_and_read(tmp_path: Any) -> None:
    jt.save({"a": jt.array(X), "b": jt.array([1, 2])}, tmp_path / "state.safetensors")

    found = jt.load(tmp_path / "state.safetensors")

    np.testing.assert_array_equal(found["a"].numpy(), X)
    assert found["b"].dtype == "int64" and found["b"].tolist() == [1, 2]

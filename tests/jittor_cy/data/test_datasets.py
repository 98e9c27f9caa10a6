"""Image sets: digits are scikit-learn's, IDX folders are read to the byte, damaged files are named."""

from __future__ import annotations

import gzip
import struct

import numpy as np
import pytest

from jittor_cy import data


def write_idx(path, array, extra=b""):
    raw = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes() + extra
    path.write_bytes(gzip.compress(raw) if path.suffix == ".gz" else raw)


def write_folder(folder, suffix=""):
    rng = np.random.default_rng(0)
    parts = {}
    for prefix, count in (("train", 5), ("t10k", 3)):
        parts[prefix] = rng.integers(0, 256, (count, 4, 6), np.uint8), rng.integers(0, 10, count).astype(np.uint8)
        write_idx(folder / f"{prefix}-images-idx3-ubyte{suffix}", parts[prefix][0])
        write_idx(folder / f"{prefix}-labels-idx1-ubyte{suffix}", parts[prefix][1])
    return parts


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("train", [True, False])
def test_idx_folder_is_read_whole(tmp_path, suffix, train):
    images, labels = write_folder(tmp_path, suffix)["train" if train else "t10k"]

    found = data.IdxImages(tmp_path, train)

    assert found.arrays[0].dtype == np.float32
    np.testing.assert_array_equal(found.arrays[0][:, 0] * 255, images)
    np.testing.assert_array_equal(found.arrays[1], labels)


def test_fashion_mnist_is_found_through_the_environment(tmp_path, monkeypatch):
    write_folder(tmp_path)
    monkeypatch.setenv("FASHION_MNIST_DIR", str(tmp_path))

    assert len(data.FashionMNIST(train=False)) == 3


def test_missing_file_says_what_to_do(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"(?s)neither train-images.*FASHION_MNIST_DIR.*dataset-fashion-mnist"):
        data.FashionMNIST(tmp_path)


def test_short_file_is_named(tmp_path):
    path = tmp_path / "short"
    write_idx(path, np.zeros((2, 3), np.uint8))
    path.write_bytes(path.read_bytes()[:-1])

    with pytest.raises(ValueError, match=r"short: 17 bytes, but its header says \(2, 3\), which is 18"):
        data.read_idx(path)


def test_long_file_is_named(tmp_path):
    write_idx(tmp_path / "long", np.zeros(3, np.uint8), b"x")

    with pytest.raises(ValueError, match=r"long: 12 bytes, but its header says \(3,\), which is 11"):
        data.read_idx(tmp_path / "long")


def test_file_of_another_kind_is_named(tmp_path):
    (tmp_path / "text").write_text("hello")

    with pytest.raises(ValueError, match="text: not an IDX file of bytes, it begins with 68 65 6c 6c"):
        data.read_idx(tmp_path / "text")


def test_damaged_gzip_file_is_named(tmp_path):
    path = tmp_path / "cut.gz"
    write_idx(path, np.zeros(1000, np.uint8))
    path.write_bytes(path.read_bytes()[:-9])

    with pytest.raises(ValueError, match="cut.gz: damaged gzip file"):
        data.read_idx(path)


def test_labels_that_do_not_fit_the_images_are_named(tmp_path):
    write_folder(tmp_path)
    write_idx(tmp_path / "train-labels-idx1-ubyte", np.zeros(4, np.uint8))

    with pytest.raises(ValueError, match=r"images \(5, 4, 6\) and labels \(4,\) do not fit"):
        data.IdxImages(tmp_path)


def test_digits_are_split_without_overlap():
    sklearn = pytest.importorskip("sklearn.datasets")
    parts = [data.Digits(train) for train in (True, False)]

    assert [len(part) for part in parts] == [1437, 360]
    images = np.concatenate([part.arrays[0] for part in parts])[:, 0] * 16
    expected = sklearn.load_digits().images
    assert sorted(map(bytes, images.astype(np.uint8))) == sorted(map(bytes, expected.astype(np.uint8)))

"""Real images without a download: scikit-learn's digits, and IDX folders such as Fashion-MNIST."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np

from jittor_cy.data.dataset import TensorDataset
from jittor_cy.errors import ArgumentError

__all__ = ["FASHION_MNIST_CLASSES", "Digits", "FashionMNIST", "IdxImages", "read_idx"]

DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")  # of the package dataset-fashion-mnist
FOLDER_VARIABLE = "FASHION_MNIST_DIR"
FASHION_MNIST_CLASSES = ("t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot")
DIGITS_TEST = 360  # of the 1797 digits; the rest is for training
_SPLIT_SEED = 7
_IDX_UINT8 = 8


class Digits(TensorDataset):
    """Handwritten digits of scikit-learn: images float32 (1, 8, 8) in [0, 1], labels int64; 1437 train and 360 test.

    The split is always the same.
    Raises: ModuleNotFoundError: scikit-learn is not installed (the extra `examples` has it)
    Source: UCI "Optical recognition of handwritten digits", Alpaydin & Kaynak 1998
    """

    classes = tuple("0123456789")

    def __init__(self, train: bool = True) -> None:
        try:
            from sklearn.datasets import load_digits
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                "Digits: needs scikit-learn\n  help: pip install 'jittor_cy[examples]'"
            ) from error
        digits = load_digits()
        order = np.random.default_rng(_SPLIT_SEED).permutation(len(digits.target))
        chosen = order[:-DIGITS_TEST] if train else order[-DIGITS_TEST:]
        images = (digits.images[chosen] / digits.images.max()).astype(np.float32)
        super().__init__(images[:, None], digits.target[chosen].astype(np.int64))


class IdxImages(TensorDataset):
    """Images and labels of a folder in MNIST's layout: images float32 (1, H, W) in [0, 1], labels int64.

    The folder holds train-images-idx3-ubyte and so on, each as it is or with .gz behind.
    Raises: FileNotFoundError: a file is not there · ArgumentError: a file is damaged or does not fit the other
    """

    def __init__(self, folder: str | Path, train: bool = True) -> None:
        prefix = "train" if train else "t10k"
        images = read_idx(_find(Path(folder), f"{prefix}-images-idx3-ubyte"))
        labels = read_idx(_find(Path(folder), f"{prefix}-labels-idx1-ubyte"))
        if images.ndim != 3 or labels.shape != images.shape[:1]:
            raise ArgumentError(f"{folder}: images {images.shape} and labels {labels.shape} do not fit together")
        super().__init__(images[:, None].astype(np.float32) / np.float32(255), labels.astype(np.int64))


class FashionMNIST(IdxImages):
    """60,000 and 10,000 pictures of clothes, 28 x 28, from `folder`, or FASHION_MNIST_DIR, or Debian's folder.

    Raises: FileNotFoundError: it is in none of them
    Source: Xiao et al. 2017, arXiv:1708.07747
    """

    classes = FASHION_MNIST_CLASSES

    def __init__(self, folder: str | Path | None = None, train: bool = True) -> None:
        super().__init__(folder or os.environ.get(FOLDER_VARIABLE) or DEBIAN_FOLDER, train)


def read_idx(path: str | Path) -> np.ndarray:
    """The array of an IDX file of bytes, gzipped or not.

    Raises: ArgumentError: it is no IDX file of bytes, or shorter or longer than its header says
    Source: http://yann.lecun.com/exdb/mnist
    """
    opener = gzip.open if str(path).endswith(".gz") else open
    try:
        with opener(path, "rb") as file:
            raw = file.read()
    except (EOFError, gzip.BadGzipFile) as error:
        raise ArgumentError(f"{path}: damaged gzip file ({error})") from error
    if len(raw) < 4 or raw[:3] != bytes([0, 0, _IDX_UINT8]):
        raise ArgumentError(f"{path}: not an IDX file of bytes, it begins with {raw[:4].hex(' ')}")
    header = 4 + 4 * raw[3]
    shape = tuple(int(n) for n in np.frombuffer(raw[4:header].ljust(4 * raw[3], b"\0"), ">u4"))
    expected = header + int(np.prod(shape, dtype=np.int64))
    if len(raw) != expected:
        raise ArgumentError(f"{path}: {len(raw)} bytes, but its header says {shape}, which is {expected}")
    return np.frombuffer(raw, np.uint8, offset=header).reshape(shape)


def _find(folder: Path, name: str) -> Path:
    for path in (folder / f"{name}.gz", folder / name):
        if path.exists():
            return path
    raise FileNotFoundError(
        f"{folder}: neither {name}.gz nor {name} is there\n"
        f"  help: name the folder with --folder or {FOLDER_VARIABLE}, or install Debian's package dataset-fashion-mnist"
    )

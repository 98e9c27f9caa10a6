"""One file a framework: what a Case asks for, in its words. Each is imported only in the process that measures it."""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["CLASSES", "PACKAGES", "make"]

# Name of the contender → (file, class); the package that must be installed for it.
CLASSES = {
    "jittor_cy": ("ours", "JittorCy"),
    "jittor_cy_float64": ("ours", "JittorCyFloat64"),
    "torch": ("pytorch", "Torch"),
    "torch_tuned": ("pytorch", "TorchTuned"),
    "torch_float64": ("pytorch", "TorchFloat64"),
    "jax": ("googlejax", "Jax"),
}
PACKAGES = {"pytorch": "torch", "googlejax": "jax", "ours": "jittor_cy"}


def make(name: str, threads: int) -> Any:
    """The framework of this name; imports its package."""
    file, class_name = CLASSES[name]
    return getattr(importlib.import_module(f"jittor_cy.bench.frameworks.{file}"), class_name)(threads)

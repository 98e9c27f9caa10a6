"""Framework: how a Case becomes a step, whatever the framework; and the list of functions that a Case may ask for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np

from jittor_cy.bench.case import FORWARD, GRADIENT, TRAIN, Case

__all__ = ["ADAMW", "MOMENTUM", "RATE", "Framework", "Step", "as_list"]

Step = Callable[[], list[Any]]

RATE, MOMENTUM = 0.01, 0.9
ADAMW: dict[str, Any] = {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.01}


class Framework(ABC):
    """Subclasses say how arrays come in and out, how a step is made, and the functions:

    exp log tanh sin cos sigmoid relu gelu where maximum · sum mean variance max argmax cumsum softmax layer_norm
    batch_norm cross_entropy · permute contiguous concat pad2d max_pool2d avg_pool2d embedding take_along · matmul
    linear einsum attention conv conv_transpose2d lstm
    """

    version = ""
    lazy = False  # a step may return before its work is done
    float_dtype: Any = np.float32

    def load(self, value: Any) -> Any:
        """NumPy arrays, also in lists and dicts, as the framework's."""
        if isinstance(value, dict):
            return {key: self.load(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.load(item) for item in value]
        return self.array(value.astype(self.float_dtype) if value.dtype == np.float32 else value)

    def build(self, case: Case) -> Step:
        """A function that does one step of the case and gives what it computed."""
        data = self.load(case.data())
        if case.mode == FORWARD:
            return self.forward(case, data)
        if case.mode == GRADIENT:
            return self.gradient(case, data)
        return self.train(case, data) if case.mode == TRAIN else self.update(case, data)

    def loss(self, case: Case, p: Any, x: Any, y: Any) -> Any:
        """What a training step differentiates."""
        return self.cross_entropy(case.run(self, p, x), y)

    def outputs(self, case: Case) -> list[np.ndarray]:
        """What a step computes, from fresh inputs: results and gradients; of an update the new parameters."""
        if case.mode == TRAIN:
            values = self.training_outputs(case, self.load(case.data()))
        else:
            values = self.build(case)()
        self.wait(values)
        return [np.asarray(self.numpy(value)) for value in values]

    @abstractmethod
    def array(self, value: np.ndarray) -> Any:
        """The framework's array of it."""

    @abstractmethod
    def numpy(self, value: Any) -> np.ndarray:
        """Its values; waits for them."""

    @abstractmethod
    def forward(self, case: Case, data: dict[str, Any]) -> Step:
        """A step that runs the case."""

    @abstractmethod
    def gradient(self, case: Case, data: dict[str, Any]) -> Step:
        """A step that gives results and gradients."""

    @abstractmethod
    def train(self, case: Case, data: dict[str, Any]) -> Step:
        """A step that trains a model; gives the loss."""

    @abstractmethod
    def update(self, case: Case, data: dict[str, Any]) -> Step:
        """A step of an optimizer with given gradients."""

    @abstractmethod
    def training_outputs(self, case: Case, data: dict[str, Any]) -> list[Any]:
        """The first loss and its gradient for every weight."""

    @abstractmethod
    def cross_entropy(self, logits: Any, labels: Any) -> Any:
        """The mean over the rows of logits."""

    def start(self, values: list[Any]) -> None:
        """Set the work behind `values` going; does not wait."""

    def wait(self, values: list[Any]) -> None:
        """Until the work behind `values` is done."""

    def settle(self) -> None:
        """Until nothing is compiled in the background any more."""


def as_list(values: Any) -> list[Any]:
    """What `run` gave, as a list."""
    return list(values) if isinstance(values, (list, tuple)) else [values]

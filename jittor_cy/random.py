"""Random numbers: counter-based, so that they depend on the order of recording, never on when or where they run."""

from __future__ import annotations

import math
import random as python_random
from numbers import Number
from typing import Any

import numpy as np

from jittor_cy import _graph
from jittor_cy._var import Var
from jittor_cy.config import flags
from jittor_cy.errors import ArgumentError, ArgumentTypeError
from jittor_cy.ops._rules import as_var, sizes
from jittor_cy.ops.creation import array
from jittor_cy.ops.elementwise import cast, cos, floor, log, sqrt

__all__ = [
    "Generator",
    "bernoulli",
    "default_generator",
    "get_state",
    "next_counter",
    "normal",
    "rand",
    "rand_like",
    "randint",
    "randn",
    "randn_like",
    "random",
    "randperm",
    "seed",
    "set_global_seed",
    "set_state",
    "uniform",
]


class Generator:
    """A seed and how many random operations were recorded with it."""

    def __init__(self, seed: int = 0) -> None:
        self.seed, self.counter = int(seed), 0

    def __repr__(self) -> str:
        return f"Generator(seed={self.seed}, counter={self.counter})"

    def next_counter(self) -> tuple[int, int]:
        """(seed, counter) of the next operation."""
        self.counter += 1
        return self.seed, self.counter - 1


default_generator = Generator(flags.seed)


def seed(value: int) -> None:
    """Starts the random numbers anew: what is recorded afterwards is the same for the same seed.

    Example:  >>> jt.seed(3); a = jt.rand(2); jt.seed(3); bool((a == jt.rand(2)).all())
              True
    """
    default_generator.seed, default_generator.counter = int(value), 0


def set_global_seed(value: int) -> None:
    """seed(value), and the seeds of Python's and NumPy's generators."""
    seed(value)
    python_random.seed(value)
    np.random.seed(value % 2**32)


def get_state() -> tuple[int, int]:
    """(seed, counter), for set_state."""
    return default_generator.seed, default_generator.counter


def set_state(state: tuple[int, int]) -> None:
    """Goes on where get_state was taken."""
    default_generator.seed, default_generator.counter = state


def next_counter(count: int = 0) -> tuple[int, int]:
    """(seed, counter) for one operation of any number of elements; each call gives another."""
    return default_generator.next_counter()


def draw(shape: Any, dtype: str) -> Var:
    return _graph.random(shape, dtype, *next_counter())


def working(dtype: Any) -> str:
    """The dtype that random floats are drawn in."""
    return "float64" if dtype == "float64" else "float32"


def rand(*shape: Any, dtype: Any = "float32", requires_grad: bool = False) -> Var:
    """Uniform numbers from 0 (included) to 1 (not): rand(2, 3) or rand((2, 3))."""
    return cast(draw(sizes(shape, "rand"), working(dtype)), dtype)


def random(size: Any = (), dtype: Any = "float32", type: str = "uniform") -> Var:  # noqa: A002
    """rand or randn by Jittor's name."""
    return randn(size, dtype=dtype) if type == "normal" else rand(size, dtype=dtype)


def rand_like(x: Var, dtype: Any = None) -> Var:
    """rand in the shape and dtype of x."""
    return rand(x.shape, dtype=dtype or x.dtype)


def randn(*shape: Any, dtype: Any = "float32", requires_grad: bool = False) -> Var:
    """Normal numbers with mean 0 and deviation 1.

    Source:   Box & Muller 1958, "A note on the generation of random normal deviates"
    """
    size, kind = sizes(shape, "randn"), working(dtype)
    radius = sqrt(log(1 - draw(size, kind)) * -2.0)  # 1 - u is never 0
    return cast(radius * cos(draw(size, kind) * (2 * math.pi)), dtype)


def randn_like(x: Var, dtype: Any = None) -> Var:
    """randn in the shape and dtype of x."""
    return randn(x.shape, dtype=dtype or x.dtype)


def parameter(value: Any, function: str, argument: str) -> Any:
    """A parameter of a distribution: a number, or a value an element."""
    if isinstance(value, (Var, np.ndarray, Number)):
        return value
    raise ArgumentTypeError(
        f"{function}: {argument} must be a number, an array or a Var, found {type(value).__name__}",
        help=f"sizes go to size=: jt.random.{function}(size=(2, 3))",
    )


def shape_of(*parameters: Any) -> tuple[int, ...]:
    return np.broadcast_shapes(*(() if isinstance(v, Number) else tuple(v.shape) for v in parameters))


def normal(mean: Any = 0.0, std: Any = 1.0, size: Any = None, dtype: Any = "float32") -> Var:
    """Normal numbers; mean and std may be Vars or arrays, then theirs is the default size.

    Raises:   ArgumentTypeError: mean or std is a tuple, say
    Example:  >>> jt.random.normal(5.0, 0.1, size=(2, 3)).shape
              (2, 3)
    """
    mean, std = parameter(mean, "normal", "mean"), parameter(std, "normal", "std")
    return randn(shape_of(mean, std) if size is None else size, dtype=dtype) * std + mean


def uniform(low: Any = 0.0, high: Any = 1.0, size: Any = None, dtype: Any = "float32") -> Var:
    """Uniform numbers from `low` to `high`; these may be Vars or arrays, then theirs is the default size.

    Raises:   ArgumentTypeError: low or high is a tuple, say
    """
    low, high = parameter(low, "uniform", "low"), parameter(high, "uniform", "high")
    return rand(shape_of(low, high) if size is None else size, dtype=dtype) * (high - low) + low


def randint(low: int, high: int | None = None, shape: Any = (1,), dtype: Any = "int64", *, size: Any = None) -> Var:
    """Whole numbers from `low` (or 0) up to `high`, without it."""
    if isinstance(high, (tuple, list)):
        shape, high = high, None
    if high is None:
        low, high = 0, low
    if high <= low:
        raise ArgumentError(f"randint: there is no number from {low} below {high}")
    place = sizes((shape if size is None else size,), "randint")
    return cast(floor(draw(place, "float64") * float(high - low)) + float(low), dtype)


def randperm(n: int, dtype: Any = "int64") -> Var:
    """The numbers below n in random order. Computes."""
    return cast(array(np.argsort(draw((n,), "float64").numpy(), kind="stable")), dtype)


def bernoulli(p: Any, size: Any = None, dtype: Any = None) -> Var:
    """1 with probability p, else 0, for each element of p."""
    p = as_var(p, "bernoulli", "p")
    shape = p.shape if size is None else sizes((size,), "bernoulli")
    return cast(draw(shape, "float32") < p, dtype or (p.dtype if "float" in str(p.dtype) else "float32"))

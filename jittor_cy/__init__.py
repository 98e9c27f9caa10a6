"""jittor_cy: lazy tensors whose operations are fused into generated kernels. The public names, nothing else."""

from __future__ import annotations

import importlib as _importlib
from typing import Any as _Any

from jittor_cy import _convert, _device, _memory, _plan, _state, _var, autograd, config, errors, ops, random
from jittor_cy import _memory as memory
from jittor_cy._state import pending_ops, reset_stats
from jittor_cy._var import Var
from jittor_cy.autograd import Function, enable_grad, grad, is_grad_enabled, no_grad, vjp
from jittor_cy.config import flags
from jittor_cy.errors import *  # noqa: F403
from jittor_cy.io import load, save
from jittor_cy.ops import *  # noqa: F403
from jittor_cy.random import (
    bernoulli,
    normal,
    rand,
    rand_like,
    randint,
    randn,
    randn_like,
    randperm,
    seed,
    set_global_seed,
    uniform,
)
from jittor_cy.scheduling import schedule

__version__ = "0.1.0"

dtype = _convert.dtype
globals().update({str(d): d for d in _convert.all_dtypes() if d != "bool"})
bool_ = _convert.canonical_dtype("bool")
newaxis = None

_INTERNAL = ("annotations", "compiler")
_LAZY = ("nn", "optim", "data", "debug", "io", "array_api", "info")  # modules loaded at first use


def stats() -> dict[str, _Any]:
    """Counts since the start: launches, flushes by reason, plan hits and misses, compiles, live nodes."""
    counts = _state.stats() | _plan.compile_stats()
    return counts | {"compiles": counts["programs_compiled"], "peak_nbytes": memory.stats()["peak_counted_nbytes"]}


def sync_all(device_sync: bool = False) -> None:
    """Computes everything that is pending and held, and waits for it."""
    _state.sync_all()


def sync(targets: _Any, device_sync: bool = False) -> None:
    """Starts what the Vars need."""
    _state.flush([targets] if isinstance(targets, Var) else list(targets))


def _array_namespace(x: Var, *, api_version: str | None = None) -> _Any:
    """The array API's functions; loaded when somebody asks."""
    return _importlib.import_module("jittor_cy.array_api")


def __getattr__(name: str) -> _Any:
    if name in _LAZY:
        return _importlib.import_module(f"jittor_cy.{name}")
    raise AttributeError(f"module 'jittor_cy' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*(name for name in globals() if name not in _INTERNAL), *_LAZY})


_var.add_methods({"__array_namespace__": _array_namespace})
for _floor in (_state, _memory, _device, _plan):
    _floor.install()

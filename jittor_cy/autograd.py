"""Gradients: grad, vjp, no_grad, and Function for gradients of one's own."""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any, TypeVar

from jittor_cy import _graph
from jittor_cy._var import Var, add_hook
from jittor_cy.errors import ArgumentTypeError, GradientError, ShapeError

__all__ = ["Function", "enable_grad", "grad", "is_grad_enabled", "last_report", "no_grad", "vjp"]

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


class Report(list):
    """For each target of the newest grad() or backward(): "" or why no gradient reached it."""

    def __repr__(self) -> str:
        return "\n".join(f"target {i}: {why}" for i, why in enumerate(self) if why) or "every target has a gradient"


last_report = Report()


def grad(loss: Var, targets: Any, retain_graph: bool = True, *, grad_outputs: Var | None = None) -> Any:
    """Gradients of `loss` with respect to `targets` (a Var or a sequence); zeros where no path leads.

    Nothing runs. They are Vars like any others: gradients of gradients need no flag. Why a target was not reached
    stands in jt.autograd.last_report.

    Args:     loss: one element, unless grad_outputs gives a weight for each · retain_graph: False releases the path, so
                    that a second sweep through it is an error, and memory goes with the sweep
    Raises:   GradientError: loss has several elements, is not floating, or its path was released
    Example:  >>> x = jt.array(3.0)
              >>> jt.grad(x * x, x).item()
              6.0
    """
    single = isinstance(targets, Var)
    wanted = [targets] if single else list(targets)
    found = sweep("grad", loss, grad_outputs, wanted, not retain_graph)
    whole = [
        _graph.full(x.shape, x.dtype, 0).to(x.device) if g is None else g for g, x in zip(found, wanted, strict=True)
    ]
    return whole[0] if single else whole


def sweep(function: str, loss: Any, cotangent: Var | None, targets: Sequence[Var], release: bool) -> list[Var | None]:
    for name, value in [("loss", loss), *((f"target {i}", t) for i, t in enumerate(targets))]:
        if not isinstance(value, Var):
            raise ArgumentTypeError(f"{function}: {name} must be a Var, found {type(value).__name__}")
    if "float" not in str(loss.dtype):
        raise GradientError(
            f"{function}: the loss must be floating, found {loss.dtype}",
            loss=loss,
            help="cast it, or take the gradient of a floating var",
        )
    if cotangent is not None and cotangent.shape != loss.shape:
        raise ShapeError(f"{function}: the loss and its weights have different shapes", loss=loss, weights=cotangent)
    found, reasons = _graph.backward(loss, cotangent, targets, release)
    last_report[:] = reasons
    return found


def backward(
    loss: Var, gradient: Var | None = None, retain_graph: bool = False, inputs: Sequence[Var] | None = None
) -> None:
    """Adds the gradients of `loss` to .grad of the trained Vars that it depends on (nn.Parameter, requires_grad_()).

    Args:     gradient: weights where loss has several elements · inputs: these Vars alone
    Raises:   GradientError: there is no trained Var, or the path was released
    """
    targets = list(_graph.trained_leaves(loss) if inputs is None else inputs)
    if not targets:
        raise GradientError(
            "backward: the loss depends on no trained var",
            loss=loss,
            help="call x.requires_grad_(), use nn.Parameter, or take jt.grad(loss, x)",
        )
    found = sweep("backward", loss, gradient, targets, not retain_graph)
    with no_grad():
        for target, g in zip(targets, found, strict=True):
            if g is not None:
                target.grad = g.detach() if target.grad is None else target.grad + g.detach()


def register_hook(x: Var, hook: Callable[[Var], Var | None]) -> Any:
    """Calls `hook` with the gradient of x when one is taken; what it returns takes the gradient's place.

    Holds from here on: what was recorded before is as it was. Returns a handle with remove().
    """
    state = SimpleNamespace(hook=hook)

    def call(cotangent: Var) -> Var:
        result = None if state.hook is None else state.hook(cotangent)
        return cotangent if result is None else result

    add_hook(x, call)
    return SimpleNamespace(remove=lambda: setattr(state, "hook", None))


def vjp(function: Callable[..., Any], *inputs: Var) -> tuple[Any, Callable[[Var], Any]]:
    """(function(*inputs), v -> gradients of the inputs for the weights v of the result)."""
    values = [copy.copy(x) for x in inputs]
    output = function(*values)

    def pull(weights: Var) -> Any:
        found = grad(output, values, grad_outputs=weights)
        return found[0] if len(values) == 1 else tuple(found)

    return output, pull


def is_grad_enabled() -> bool:
    """Whether gradient paths are recorded now."""
    return _graph.grad_enabled()


class GradMode:
    """A `with` block or decorator that switches recording of gradient paths; nests."""

    enabled = True

    def __init__(self) -> None:
        self.changes: list[int] = []

    def __enter__(self) -> None:
        changes = 0
        if not self.enabled:
            _graph.set_grad_enabled(False)
            changes = 1
        while self.enabled and not _graph.grad_enabled():
            _graph.set_grad_enabled(True)
            changes += 1
        self.changes.append(changes)

    def __exit__(self, *error: object) -> None:
        for _ in range(self.changes.pop()):
            _graph.set_grad_enabled(not self.enabled)

    def __call__(self, function: Decorated) -> Decorated:
        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with type(self)():
                return function(*args, **kwargs)

        return wrapped  # type: ignore[return-value]


class no_grad(GradMode):
    """Records no gradient paths: `with jt.no_grad(): ...` or `@jt.no_grad()`.

    Example:  >>> with jt.no_grad(): y = jt.ones(2) * 2
              >>> y.requires_grad
              False
    """

    enabled = False


class enable_grad(GradMode):
    """Records gradient paths again inside no_grad."""


class Function:
    """A function with a gradient of its own: define execute (or forward) and grad (or backward), call it or apply.

    Jittor's style: `execute(self, *inputs)` and `grad(self, *gradients)` keep what they need on self. PyTorch's style:
    static `forward(ctx, ...)` and `backward(ctx, ...)` with ctx.save_for_backward. Gradients come one for each output,
    and one is returned for each input (None where there is none).

    Example:  >>> class Double(jt.Function):
              ...     def execute(self, x): return x * 2
              ...     def grad(self, dy): return dy * 2
              >>> Double()(jt.array(3.0)).item()
              6.0
    """

    saved_tensors: tuple[Any, ...] = ()

    def save_for_backward(self, *values: Any) -> None:
        """Keeps values for the gradient, in saved_tensors (PyTorch)."""
        self.saved_tensors = values

    def __call__(self, *inputs: Any) -> Any:
        return run_function(self, inputs)

    @classmethod
    def apply(cls, *inputs: Any) -> Any:
        """Calls a fresh instance."""
        return run_function(cls(), inputs)


def bound(owner: Function, names: tuple[str, str]) -> Callable[..., Any]:
    """The method of one of two names; a static one takes the instance as ctx."""
    for name in names:
        found = inspect.getattr_static(type(owner), name, None)
        if isinstance(found, staticmethod):
            return functools.partial(found.__func__, owner)
        if found is not None:
            return getattr(owner, name)
    raise ArgumentTypeError(f"{type(owner).__name__}: a Function defines {names[0]} or {names[1]}")


def run_function(owner: Function, inputs: Sequence[Any]) -> Any:
    forward, backward_ = bound(owner, ("execute", "forward")), bound(owner, ("grad", "backward"))
    with no_grad():
        result = forward(*inputs)
    values = list(result) if isinstance(result, (tuple, list)) else [result]
    places = [i for i, x in enumerate(inputs) if isinstance(x, Var)]
    owner.input_mask = [isinstance(x, Var) for x in inputs]

    def call(cotangents: list[Var | None]) -> list[Var | None]:
        whole = [
            _graph.full(shape, dtype, 0).to(device) if g is None else g
            for g, (shape, dtype, device) in zip(cotangents, kinds, strict=True)
        ]
        found = backward_(*whole)
        found = list(found) if isinstance(found, (tuple, list)) else [found]
        if len(found) == len(inputs):
            found = [found[i] for i in places]
        if len(found) != len(places):
            raise GradientError(f"{type(owner).__name__}: {len(found)} gradients for {len(places)} inputs")
        return found

    if not all(isinstance(v, Var) for v in values):
        raise ArgumentTypeError(f"{type(owner).__name__}: execute must return Vars")
    kinds = [(v.shape, v.dtype, v.device) for v in values]
    outputs = _graph.user_function(values, [inputs[i] for i in places], call)
    return type(result)(outputs) if isinstance(result, (tuple, list)) else outputs[0]

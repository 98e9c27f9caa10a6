"""Optimizer: parameter groups, gradients from a loss or from .grad, state by parameter; and clipping of gradients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from jittor_cy import _compose, _graph, _state, ops
from jittor_cy._var import Var
from jittor_cy.autograd import no_grad
from jittor_cy.errors import ArgumentError, ArgumentTypeError, GradientError

__all__ = ["Optimizer", "clip_grad_norm_", "clip_grad_value_"]

_TINY = 1e-6  # keeps the ratio of norms finite; PyTorch's number


class Optimizer:
    """Base of all optimizers: a subclass says in `_update` what one step does to one parameter.

    step(loss) takes the gradients of the loss, updates and releases the path; step() alone uses what loss.backward()
    left in .grad. Both leave the new values pending: the step runs once something reads them, or reads its loss.

    Args:   params: Vars, or dicts with "params" and settings of their own
    Raises: ArgumentError: no parameters, one given twice, or an unknown setting
    """

    def __init__(self, params: Iterable[Var] | Iterable[Mapping[str, Any]], defaults: Mapping[str, Any]) -> None:
        self.defaults = dict(defaults)
        self.param_groups: list[dict[str, Any]] = []
        self.state: dict[int, dict[str, Any]] = {}
        self._numbers: dict[int, int] = {}
        self._owns_gradients = False
        given = [params] if isinstance(params, (Var, Mapping)) else list(params)
        if not given:
            raise ArgumentError(f"{type(self).__name__}: there are no parameters", help="pass model.parameters()")
        if not any(isinstance(entry, Mapping) for entry in given):
            given = [{"params": given}]
        for group in given:
            self.add_param_group(group)

    def __repr__(self) -> str:
        groups = []
        for group in self.param_groups:
            settings = ", ".join(f"{name}={value!r}" for name, value in group.items() if name != "params")
            groups.append(f"{len(group['params'])} parameters, {settings}")
        return f"{type(self).__name__}({'; '.join(groups)})"

    def __setstate__(self, state: dict[str, Any]) -> None:
        """A copy's parameters are other objects, in the same order."""
        self.__dict__.update(state)
        params = [param for group in self.param_groups for param in group["params"]]
        self._numbers = {id(param): number for number, param in enumerate(params)}

    def add_param_group(self, group: Mapping[str, Any]) -> None:
        """Add {"params": Vars, setting: value, ...}; settings that it lacks are the optimizer's."""
        name = type(self).__name__
        if not isinstance(group, Mapping) or "params" not in group:
            raise ArgumentTypeError(
                f'{name}: a parameter group must be a dict with "params", not {type(group).__name__}'
            )
        unknown = [key for key in group if key != "params" and key not in self.defaults]
        if unknown:
            raise ArgumentError(f"{name}: unknown settings {unknown}", help=f"known are {sorted(self.defaults)}")
        params = [group["params"]] if isinstance(group["params"], Var) else list(group["params"])
        for param in params:
            if not isinstance(param, Var):
                raise ArgumentTypeError(f"{name}: parameters must be Vars, found {type(param).__name__}")
            if id(param) in self._numbers:
                raise ArgumentError(f"{name}: a parameter is given twice", parameter=param)
            self._numbers[id(param)] = len(self._numbers)
        self.param_groups.append({**self.defaults, **group, "params": params})

    @property
    def lr(self) -> float:
        """Learning rate of the first group; setting it sets that of all groups."""
        return self.param_groups[0]["lr"]

    @lr.setter
    def lr(self, value: float) -> None:
        for group in self.param_groups:
            group["lr"] = value

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients, or make them zeros with set_to_none=False."""
        self._owns_gradients = False
        for param in self._params():
            param.grad = None if set_to_none or param.grad is None else ops.zeros(param.shape, dtype=str(param.dtype))

    def backward(self, loss: Var, retain_graph: bool = False) -> None:
        """Add the gradients of `loss` to .grad of the parameters; the next step() uses and forgets them (Jittor)."""
        for param, gradient in self._gradients(loss, retain_graph):
            param.grad = gradient
        self._owns_gradients = True

    def step(self, loss: Var | None = None, retain_graph: bool = False) -> None:
        """Update all parameters that have a gradient: of `loss` (added to .grad, if there is any), or .grad alone.

        Raises: GradientError: `loss` reaches no parameter
        """
        if loss is None:
            pairs = [(param, param.grad) for param in self._params() if param.grad is not None]
        else:
            pairs = self._gradients(loss, retain_graph)
        gradients = {id(param): gradient for param, gradient in pairs}
        updated = [
            (param, group, self.state.setdefault(self._numbers[id(param)], {}))
            for group in self.param_groups
            for param in group["params"]
            if param.requires_grad and id(param) in gradients
        ]
        self._start_state(updated)
        number = _compose.next_update_group()
        for param, group, state in updated:
            self._update(param, gradients[id(param)], group, state, number)
        if loss is not None or self._owns_gradients:
            self.zero_grad()

    def _start_state(self, updated: list[tuple[Var, dict[str, Any], dict[str, Any]]]) -> None:
        """Zeros that a parameter's state lacks are in memory before its first step, which is then like all others."""
        made = []
        for param, group, state in updated:
            for name in self._zeros(group):
                if name not in state:
                    state[name] = ops.zeros(param.shape, dtype=str(param.dtype)).stop_grad()
                    made.append(state[name])
        if made:
            _state.flush(made)

    def _zeros(self, group: dict[str, Any]) -> tuple[str, ...]:
        """Names in a parameter's state that start as zeros of its shape."""
        return ()

    def _update(self, param: Var, gradient: Var, group: dict[str, Any], state: dict[str, Any], number: int) -> None:
        """One step of one parameter; `number` is shared by all parameters of this step, so that they are one launch."""
        raise ArgumentTypeError(f"{type(self).__name__}: does not say how to update", help="define _update")

    def _params(self) -> list[Var]:
        return [param for group in self.param_groups for param in group["params"]]

    def _gradients(self, loss: Var, retain_graph: bool) -> list[tuple[Var, Var]]:
        if not isinstance(loss, Var):
            raise ArgumentTypeError(f"{type(self).__name__}.step: loss must be a Var, found {type(loss).__name__}")
        targets = [param for param in self._params() if param.requires_grad]
        with no_grad():
            found, reasons = _graph.backward(loss, None, targets, not retain_graph)
            if all(gradient is None for gradient in found):
                why = reasons[0] if reasons else "all parameters are frozen"
                raise GradientError(f"{type(self).__name__}.step: the loss reaches no parameter: {why}", loss=loss)
            pairs = [(param, gradient) for param, gradient in zip(targets, found, strict=True) if gradient is not None]
            return [(param, gradient if param.grad is None else param.grad + gradient) for param, gradient in pairs]

    def clip_grad_norm(self, max_norm: float, norm_type: float = 2.0) -> Var:
        """clip_grad_norm_ over all parameters (Jittor)."""
        return clip_grad_norm_(self._params(), max_norm, norm_type)

    def state_dict(self) -> dict[str, Any]:
        """{"state": {number of the parameter: its state}, "param_groups": settings}, laid out as PyTorch's."""
        groups = [{**group, "params": [self._numbers[id(p)] for p in group["params"]]} for group in self.param_groups]
        return {"state": {number: dict(state) for number, state in self.state.items()}, "param_groups": groups}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over what state_dict() of an optimizer over the same parameters gave.

        Raises: ArgumentError: the groups have other numbers of parameters
        """
        sizes = [len(group["params"]) for group in state["param_groups"]]
        here = [len(group["params"]) for group in self.param_groups]
        if sizes != here:
            raise ArgumentError(f"{type(self).__name__}.load_state_dict: groups of {sizes} parameters, here of {here}")
        params = self._params()
        loaded = {
            int(number): {key: _state_value(value, params[int(number)]) for key, value in entry.items()}
            for number, entry in state["state"].items()
        }
        for group, other in zip(self.param_groups, state["param_groups"], strict=True):
            group.update({key: value for key, value in other.items() if key != "params" and key in self.defaults})
        self.state = loaded


def _state_value(value: Any, param: Var) -> Any:
    """A state that nobody else writes to: arrays and Vars become new Vars, PyTorch's 0-d step counts a number."""
    if isinstance(value, (bool, int, float)) or value is None:
        return value
    array = np.array(value.detach().numpy() if hasattr(value, "detach") else value)
    return ops.array(array, dtype=str(param.dtype)).stop_grad() if array.shape == tuple(param.shape) else array.item()


def clip_grad_norm_(parameters: Var | Iterable[Var], max_norm: float, norm_type: float = 2.0) -> Var:
    """Scale the gradients so that the norm of all together is at most max_norm; returns the norm before. Lazy.

    Source: Pascanu et al. 2013, arXiv:1211.5063
    """
    params = [p for p in ([parameters] if isinstance(parameters, Var) else parameters) if p.grad is not None]
    if not params:
        return ops.zeros(())
    with no_grad():
        if norm_type == float("inf"):
            total = ops.stack([p.grad.abs().max() for p in params], 0).max()
        elif norm_type == 2.0:
            total = ops.stack([(p.grad * p.grad).sum() for p in params], 0).sum().sqrt()
        else:
            total = ops.stack([(p.grad.abs() ** norm_type).sum() for p in params], 0).sum() ** (1 / norm_type)
        scale = (max_norm / (total + _TINY)).minimum(1.0)
        for param in params:
            param.grad = param.grad * scale
    return total


def clip_grad_value_(parameters: Var | Iterable[Var], clip_value: float) -> None:
    """Bound every element of the gradients to [-clip_value, clip_value]."""
    with no_grad():
        for param in [parameters] if isinstance(parameters, Var) else parameters:
            if param.grad is not None:
                param.grad = param.grad.clamp(-clip_value, clip_value)

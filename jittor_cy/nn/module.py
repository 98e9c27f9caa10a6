"""Module: a layer or net with its parameters, buffers, children, state dict and hooks."""

from __future__ import annotations

import copy
import difflib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from jittor_cy import ops
from jittor_cy._var import Var
from jittor_cy.errors import ArgumentError, ArgumentTypeError, ShapeError

__all__ = ["Module", "Parameter"]

_PARAMETER, _BUFFER, _TRANSIENT = "parameter", "buffer", "transient buffer"
_ENTRIES = ("execute", "forward")
_NAMES_SHOWN = 8  # missing or unexpected names listed in one error; the rest is counted


def Parameter(data: Any, requires_grad: bool = True) -> Var:
    """A new Var cell with the value of `data` that is trained: its gradient is wanted.

    Args:    data: a Var, a NumPy array or nested lists, of a floating dtype if it is to be trained
             requires_grad: False makes a frozen parameter
    Example: >>> nn.Parameter(jt.zeros(3)).requires_grad
             True
    """
    value = copy.deepcopy(data) if isinstance(data, Var) else ops.array(data)
    if requires_grad and not _is_float(value):
        raise ArgumentTypeError(
            f"nn.Parameter: gradients need a floating dtype, not {_dtype_name(value)}\n"
            "  help: pass requires_grad=False or cast it with .float()"
        )
    return value.requires_grad_(requires_grad)


class Handle:
    """What registering a hook returns; `remove` takes the hook out again."""

    def __init__(self, hooks: list[Callable], hook: Callable) -> None:
        self._hooks, self._hook = hooks, hook

    def remove(self) -> None:
        """Take the hook out; a second call does nothing."""
        if self._hook in self._hooks:
            self._hooks.remove(self._hook)


class Module:
    """A layer or a net: what `execute` (or `forward`) computes, with the Vars and Modules that it holds.

    Assigning to an attribute registers it: a Module is a child; a floating Var whose gradient is not stopped is a
    parameter (with or without nn.Parameter around it); any other Var is a buffer, which the state dict holds and
    training does not touch. A Var first assigned while the module is being called is neither: it is a plain attribute.
    What a name is stays so: freezing a parameter does not make it a buffer. Calling super().__init__() is optional.

    Example: >>> class Net(nn.Module):
             ...     def __init__(self):
             ...         self.layer = nn.Linear(4, 2)
             ...     def execute(self, x):
             ...         return nn.relu(self.layer(x))
             >>> Net()(jt.ones(3, 4)).shape
             (3, 2)
    """

    _both_entries = False

    def __new__(cls, *args: Any, **kwargs: Any) -> Module:
        self = super().__new__(cls)
        self.__dict__.update(training=True, _kinds={}, _pre_hooks=[], _hooks=[], _running=0)
        return self

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """`execute` and `forward` are one entry with two names; the nearest class that defines either decides."""
        super().__init_subclass__(**kwargs)
        owner = next((c for c in cls.__mro__ if any(name in c.__dict__ for name in _ENTRIES)), None)
        if owner is None:
            return
        found = {id(owner.__dict__[name]): owner.__dict__[name] for name in _ENTRIES if name in owner.__dict__}
        cls._both_entries = len(found) == 2
        if not cls._both_entries:
            cls.execute = cls.forward = next(iter(found.values()))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._both_entries or not hasattr(self, "execute"):
            self._explain_entries()
        for hook in self._pre_hooks:
            changed = hook(self, args)
            if changed is not None:
                args = changed if isinstance(changed, tuple) else (changed,)
        fields = self.__dict__
        fields["_running"] += 1
        try:
            result = self.execute(*args, **kwargs)
        finally:
            fields["_running"] -= 1
        for hook in self._hooks:
            changed = hook(self, args, result)
            result = result if changed is None else changed
        return result

    def _explain_entries(self) -> None:
        if self._both_entries:
            said, cure = "defines both execute and forward, and they differ", "keep one of them; either name works"
        else:
            said, cure = "defines neither execute nor forward", "define execute(self, ...)"
        raise ArgumentError(f"{type(self).__name__}: {said}\n  help: {cure}")

    def __setattr__(self, name: str, value: Any) -> None:
        fields = self.__dict__
        if isinstance(value, Var):
            if name not in fields["_kinds"] and not fields["_running"]:
                fields["_kinds"][name] = _PARAMETER if value.requires_grad else _BUFFER
                if value.requires_grad:
                    _make_trained_leaf(value)
        elif value is not None:  # None keeps the place: the Var may come back
            fields["_kinds"].pop(name, None)
        if name in _ENTRIES:
            fields.update(dict.fromkeys(_ENTRIES, value))
        else:
            object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        object.__delattr__(self, name)
        self._kinds.pop(name, None)

    def __getattr__(self, name: str) -> Any:
        near = difflib.get_close_matches(name, dir(type(self)) + list(self.__dict__), n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}{hint}")

    # ---- what it holds ----

    def register_buffer(self, name: str, value: Any, persistent: bool = True) -> None:
        """Hold `value` under `name` without training it; the state dict has it if `persistent`."""
        if value is not None:
            value = copy.deepcopy(value) if isinstance(value, Var) else ops.array(value)
            value.stop_grad()
        self._kinds[name] = _BUFFER if persistent else _TRANSIENT
        object.__setattr__(self, name, value)

    def register_parameter(self, name: str, value: Var | None) -> None:
        """Hold `value` as a parameter under `name`, also where plain assignment would make it a buffer."""
        self._kinds[name] = _PARAMETER
        object.__setattr__(self, name, value)

    def add_module(self, name: str, module: Module | None) -> None:
        """Hold `module` as the child `name`."""
        setattr(self, name, module)

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """(name, child) pairs in the order of assignment."""
        for name, value in self.__dict__.items():
            if isinstance(value, Module):
                yield name, value

    def children(self) -> list[Module]:
        """The modules held directly."""
        return [child for _, child in self.named_children()]

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """(name, module) pairs of this module and all below it; a module that is held twice comes once."""
        seen: set[int] = set()
        stack: list[tuple[str, Module]] = [(prefix, self)]
        while stack:
            path, module = stack.pop()
            if id(module) in seen:
                continue
            seen.add(id(module))
            yield path, module
            below = [(f"{path}.{name}" if path else name, child) for name, child in module.named_children()]
            stack.extend(reversed(below))

    def modules(self) -> list[Module]:
        """This module and all below it."""
        return [module for _, module in self.named_modules()]

    def named_parameters(self, prefix: str = "", recurse: bool = True) -> list[tuple[str, Var]]:
        """(name, parameter) pairs, named as PyTorch names them; a Var that is held twice comes once."""
        return self._named((_PARAMETER,), prefix, recurse)

    def parameters(self, recurse: bool = True) -> list[Var]:
        """The Vars that training changes."""
        return [value for _, value in self.named_parameters(recurse=recurse)]

    def named_buffers(self, prefix: str = "", recurse: bool = True) -> list[tuple[str, Var]]:
        """(name, buffer) pairs."""
        return self._named((_BUFFER, _TRANSIENT), prefix, recurse)

    def buffers(self, recurse: bool = True) -> list[Var]:
        """The Vars that are kept but not trained."""
        return [value for _, value in self.named_buffers(recurse=recurse)]

    def _named(self, kinds: tuple[str, ...], prefix: str, recurse: bool) -> list[tuple[str, Var]]:
        seen: set[int] = set()
        result = []
        for path, module in self.named_modules(prefix) if recurse else [(prefix, self)]:
            for name, value in module._held(kinds):
                if id(value) not in seen:
                    seen.add(id(value))
                    result.append((f"{path}.{name}" if path else name, value))
        return result

    def _held(self, kinds: tuple[str, ...]) -> list[tuple[str, Var]]:
        own = [(name, getattr(self, name)) for name, kind in self._kinds.items() if kind in kinds]
        return [(name, value) for name, value in own if value is not None]

    # ---- state ----

    def state_dict(self, to: str | None = None, prefix: str = "") -> dict[str, Any]:
        """Parameters and persistent buffers by name, named as by PyTorch; the very Vars, or arrays with to="numpy"."""
        if to not in (None, "numpy"):
            raise ArgumentError(f'state_dict: to is {to!r}\n  help: None gives Vars, "numpy" gives arrays')
        result = {}
        for path, module in self.named_modules(prefix):
            for kind in (_PARAMETER, _BUFFER):
                for name, value in module._held((kind,)):
                    result[f"{path}.{name}" if path else name] = value.numpy() if to else value
        return result

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> None:
        """Put the values of `state` (Vars, arrays, tensors of other frameworks) into the Vars of those names.

        Everything is checked before anything is changed. Values are cast to the dtype that is here.
        A `state` without a single buffer (parameters alone) is complete: buffers then keep their values.

        Args:   strict: False ignores missing and unexpected names; shapes must agree all the same
        Raises: ArgumentError: names are missing or unexpected · ShapeError: a shape differs
        """
        places = self._places()
        if strict:
            self._check_names(places, state)
        loads = [
            (module, name, _fitting_value(key, state[key], getattr(module, name)))
            for key, (module, name, _) in places.items()
            if key in state
        ]
        for module, name, value in loads:
            module._load(name, value)

    def load_parameters(self, state: Mapping[str, Any]) -> None:
        """Jittor's name of load_state_dict(state, strict=False)."""
        self.load_state_dict(state, strict=False)

    def _places(self) -> dict[str, tuple[Module, str, str]]:
        places = {}
        for path, module in self.named_modules():
            for kind in (_PARAMETER, _BUFFER):
                for name, _ in module._held((kind,)):
                    places[f"{path}.{name}" if path else name] = (module, name, kind)
        return places

    def _check_names(self, places: Mapping[str, tuple[Module, str, str]], state: Mapping[str, Any]) -> None:
        buffers = {key for key, (_, _, kind) in places.items() if kind == _BUFFER}
        required = places if any(key in state for key in buffers) else [key for key in places if key not in buffers]
        missing = [key for key in required if key not in state]
        unexpected = [key for key in state if key not in places]
        if not missing and not unexpected:
            return
        lines = [
            f"load_state_dict: {len(missing)} names are missing and {len(unexpected)} are not of {type(self).__name__}"
        ]
        lines += [f"  missing: {key}" for key in missing[:_NAMES_SHOWN]]
        for key in unexpected[:_NAMES_SHOWN]:
            near = difflib.get_close_matches(key, missing or list(places), n=1)
            lines.append(f"  unexpected: {key}" + (f" (near {near[0]})" if near else ""))
        left = max(0, len(missing) - _NAMES_SHOWN) + max(0, len(unexpected) - _NAMES_SHOWN)
        lines += [f"  and {left} more"] if left else []
        raise ArgumentError("\n".join([*lines, "  help: strict=False loads the names that match"]))

    def _load(self, name: str, value: Var) -> None:
        getattr(self, name).update(value)

    # ---- all at once ----

    def apply(self, function: Callable[[Module], Any]) -> Module:
        """Call `function` with every module below and then with this one; returns this module."""
        for module in reversed(self.modules()):
            function(module)
        return self

    def train(self, mode: bool = True) -> Module:
        """Set training mode (dropout drops, batch norm uses the batch) for this module and all below."""
        for module in self.modules():
            module.__dict__["training"] = bool(mode)
        return self

    def eval(self) -> Module:
        """Set evaluation mode for this module and all below."""
        return self.train(False)

    def is_training(self) -> bool:
        """Whether the module is in training mode."""
        return self.training

    def requires_grad_(self, requires_grad: bool = True) -> Module:
        """Freeze (False) or train (True) all parameters."""
        for parameter in self.parameters():
            parameter.requires_grad = requires_grad
        return self

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for parameter in self.parameters():
            parameter.grad = None

    def to_dtype(self, dtype: Any) -> Module:
        """Cast floating parameters and buffers to `dtype`: new Vars, so make the optimizer afterwards."""
        new: dict[int, Var] = {}  # a Var that is held twice stays one
        for module in self.modules():
            for name, value in module._held((_PARAMETER, _BUFFER, _TRANSIENT)):
                if _is_float(value):
                    if id(value) not in new:
                        new[id(value)] = Parameter(value.detach().cast(dtype), value.requires_grad)
                    object.__setattr__(module, name, new[id(value)])
        return self

    def float(self) -> Module:
        """Cast floating parameters and buffers to float32."""
        return self.to_dtype("float32")

    def half(self) -> Module:
        """Cast floating parameters and buffers to float16."""
        return self.to_dtype("float16")

    def register_forward_hook(self, hook: Callable[[Module, tuple, Any], Any]) -> Handle:
        """Call hook(module, inputs, output) after each call; what it returns replaces the output unless None."""
        self._hooks.append(hook)
        return Handle(self._hooks, hook)

    def register_forward_pre_hook(self, hook: Callable[[Module, tuple], Any]) -> Handle:
        """Call hook(module, inputs) before each call; what it returns replaces the inputs unless None."""
        self._pre_hooks.append(hook)
        return Handle(self._pre_hooks, hook)

    # ---- words ----

    def extra_repr(self) -> str:
        """What stands between the brackets of the repr of a layer."""
        return ""

    def __repr__(self) -> str:
        lines = []
        for name, child in self.named_children():
            lines.append(f"  ({name}): " + repr(child).replace("\n", "\n  "))
        extra = self.extra_repr()
        if not lines:
            return f"{type(self).__name__}({extra})"
        return "\n".join([f"{type(self).__name__}(", *([f"  {extra}"] if extra else []), *lines, ")"])


def _make_trained_leaf(value: Var) -> None:
    """Gradients start at it and end at it, whatever it was computed from."""
    if not value.is_leaf:
        value.update(value)
    value.requires_grad_()


def _is_float(value: Var) -> bool:
    return "float" in _dtype_name(value)


def _dtype_name(value: Var) -> str:
    return str(value.dtype)


def _fitting_value(key: str, value: Any, target: Var) -> Var:
    """`value` as a Var of the shape and dtype of `target`, or an error that names `key`."""
    if isinstance(value, Var):
        value = value.detach()
    else:
        value = value.detach().cpu() if hasattr(value, "detach") else value
        value = ops.array(np.asarray(value))
    if tuple(value.shape) != tuple(target.shape):
        raise ShapeError(f"load_state_dict: {key} is {tuple(value.shape)} in the state and {tuple(target.shape)} here")
    return value if value.dtype == target.dtype else value.cast(target.dtype)

"""Containers: modules in a row, in a list, in a dict; parameters in a list."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from jittor_cy._var import Var
from jittor_cy.errors import ArgumentTypeError
from jittor_cy.nn.module import Module, Parameter

__all__ = ["ModuleDict", "ModuleList", "ParameterList", "Sequential"]


class Sequential(Module):
    """Modules (or functions) one after the other.

    Args:    modules: the steps, or one dict or list of them
    Example: >>> nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))(jt.ones(1, 4)).shape
             (1, 2)
    """

    def __init__(self, *modules: Any) -> None:
        super().__init__()
        self._names: list[str] = []
        for name, module in _named_items(modules):
            self.add_module(name, module)

    def add_module(self, name: str, module: Any) -> None:
        """Add a step at the end, or replace the step of that name."""
        if not callable(module):
            raise ArgumentTypeError(f"Sequential: step {name} is {type(module).__name__}, which cannot be called")
        if name not in self._names:
            self._names.append(name)
        self.__dict__[name] = module

    def append(self, module: Any) -> Sequential:
        """Add a step at the end."""
        self.add_module(str(len(self)), module)
        return self

    def execute(self, x: Any) -> Any:
        for name in self._names:
            x = self.__dict__[name](x)
        return x

    def __len__(self) -> int:
        return len(self._names)

    def __iter__(self) -> Iterator[Callable]:
        return iter([self.__dict__[name] for name in self._names])

    def __getitem__(self, index: int | slice | str) -> Any:
        if isinstance(index, slice):
            return Sequential({name: self.__dict__[name] for name in self._names[index]})
        return self.__dict__[index if isinstance(index, str) else self._names[index]]

    def __setitem__(self, index: int | str, module: Any) -> None:
        self.add_module(index if isinstance(index, str) else self._names[index], module)


class ModuleList(Module):
    """A list whose modules are children, named by their index; it cannot be called itself.

    Example: >>> len(nn.ModuleList([nn.Linear(4, 4) for _ in range(3)]).parameters())
             6
    """

    def __init__(self, modules: Iterable[Module] = ()) -> None:
        super().__init__()
        self.extend(modules)

    def append(self, module: Module) -> ModuleList:
        """Add a module at the end."""
        _check_module("ModuleList", module)
        self.__dict__[str(len(self))] = module
        return self

    def extend(self, modules: Iterable[Module]) -> ModuleList:
        """Add modules at the end."""
        for module in modules:
            self.append(module)
        return self

    def insert(self, index: int, module: Module) -> None:
        """Put a module before the one at `index`."""
        items = self.children()
        items.insert(index, module)
        self._replace(items)

    def _replace(self, items: list[Module]) -> None:
        for name, _ in list(self.named_children()):
            del self.__dict__[name]
        self.extend(items)

    def __len__(self) -> int:
        return len(self.children())

    def __iter__(self) -> Iterator[Module]:
        return iter(self.children())

    def __getitem__(self, index: int | slice) -> Any:
        found = self.children()[index]
        return ModuleList(found) if isinstance(index, slice) else found

    def __setitem__(self, index: int, module: Module) -> None:
        _check_module("ModuleList", module)
        self.__dict__[str(range(len(self))[index])] = module

    def __delitem__(self, index: int) -> None:
        items = self.children()
        del items[index]
        self._replace(items)


class ModuleDict(Module):
    """A dict whose modules are children; it cannot be called itself.

    Example: >>> nn.ModuleDict({"head": nn.Linear(4, 2)})["head"].weight.shape
             (2, 4)
    """

    def __init__(self, modules: Mapping[str, Module] | None = None) -> None:
        super().__init__()
        for name, module in (modules or {}).items():
            self[name] = module

    def __getitem__(self, name: str) -> Module:
        return dict(self.named_children())[name]

    def __setitem__(self, name: str, module: Module) -> None:
        _check_module("ModuleDict", module)
        self.__dict__[name] = module

    def __delitem__(self, name: str) -> None:
        del self.__dict__[name]

    def __contains__(self, name: str) -> bool:
        return isinstance(self.__dict__.get(name), Module)

    def __len__(self) -> int:
        return len(self.children())

    def __iter__(self) -> Iterator[str]:
        return iter([name for name, _ in self.named_children()])

    def keys(self) -> list[str]:
        """The names."""
        return list(self)

    def values(self) -> list[Module]:
        """The modules."""
        return self.children()

    def items(self) -> list[tuple[str, Module]]:
        """(name, module) pairs."""
        return list(self.named_children())


class ParameterList(Module):
    """A list of parameters, named by their index.

    Example: >>> len(nn.ParameterList([jt.zeros(2), jt.zeros(3)]).parameters())
             2
    """

    def __init__(self, values: Iterable[Var] = ()) -> None:
        super().__init__()
        for value in values:
            self.append(value)

    def append(self, value: Var) -> ParameterList:
        """Add a parameter at the end."""
        self.register_parameter(str(len(self)), value if isinstance(value, Var) else Parameter(value))
        return self

    def __len__(self) -> int:
        return len(self._kinds)

    def __iter__(self) -> Iterator[Var]:
        return iter([getattr(self, name) for name in self._kinds])

    def __getitem__(self, index: int) -> Var:
        return getattr(self, str(range(len(self))[index]))


def _named_items(modules: tuple) -> list[tuple[str, Any]]:
    if len(modules) == 1 and isinstance(modules[0], Mapping):
        return list(modules[0].items())
    flat = modules[0] if len(modules) == 1 and isinstance(modules[0], (list, tuple)) else modules
    return [(str(index), module) for index, module in enumerate(flat)]


def _check_module(container: str, module: Any) -> None:
    if not isinstance(module, Module):
        raise ArgumentTypeError(f"{container}: holds modules, not {type(module).__name__}")

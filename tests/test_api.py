"""The stubs name what the extensions have, and nothing else; every public name has a docstring whose example runs."""

from __future__ import annotations

import ast
import doctest
import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import jittor_cy as jt
from jittor_cy import ops

PACKAGE = Path(jt.__file__).parent
MODULES = (
    "_graph",
    "_compose",
    "_state",
    "_arguments",
    "_index",
    "_memory",
    "_device",
    "_plan",
    "_program",
    "_convert",
)


def names_in_stub(tree: ast.Module | ast.ClassDef) -> set[str]:
    return {n.name for n in tree.body if isinstance(n, (ast.FunctionDef, ast.ClassDef))}


@pytest.mark.parametrize("name", [name for name in dir(jt) if not name.startswith("_")])
def test_public_name_resolves_and_says_what_it_is(name: str) -> None:
    value = getattr(jt, name)

    if callable(value) and not isinstance(value, jt.dtype):
        assert value.__doc__, f"jt.{name} has no docstring"


def test_nothing_but_public_names_is_listed() -> None:
    borrowed = {"Any", "annotations", "importlib", "np", "os", "sys"}

    assert not borrowed & set(dir(jt))


def test_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(jt, "no_such_name")
    with pytest.raises(AttributeError, match="no attribute 'no_such_name'"):
        _ = jt.no_such_name


@pytest.mark.parametrize("name", MODULES)
def test_stub_of_a_module_names_its_functions(name: str) -> None:
    module = importlib.import_module(f"jittor_cy.{name}")
    public = {
        n
        for n, v in vars(module).items()
        if not n.startswith("_") and callable(v) and getattr(v, "__module__", None) == module.__name__
    }

    public -= {"Pin"}  # the memory behind numpy(): never named by a user
    stub = names_in_stub(ast.parse((PACKAGE / f"{name}.pyi").read_text()))

    assert stub == public


def test_stub_of_var_names_its_methods() -> None:
    tree = ast.parse((PACKAGE / "_var.pyi").read_text())
    body = next(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "Var")
    public = {n for n in vars(jt.Var) if not n.startswith("_")}

    assert {n for n in names_in_stub(body) if not n.startswith("_")} | {"copy"} == public


@pytest.mark.parametrize("name", sorted(ops.__all__))
def test_operation_has_a_docstring_and_stands_in_the_package(name: str) -> None:
    assert getattr(jt, name) is getattr(ops, name)
    assert getattr(ops, name).__doc__


def test_methods_of_var_have_docstrings() -> None:
    without = [n for n, v in vars(jt.Var).items() if not n.startswith("_") and not getattr(v, "__doc__", None)]

    assert not without


DOCUMENTED = (
    "ops.elementwise",
    "ops.arithmetic",
    "ops.padding",
    "ops.activation",
    "ops.reduce",
    "ops.movement",
    "ops.joining",
    "ops.indexing",
    "ops.gathering",
    "ops.creation",
    "ops.matmul",
    "ops.ordering",
    "ops.meta",
    "ops.custom",
    "autograd",
    "random",
    "io",
    "config",
    "scheduling",
    "compiler.ir.schedule",
    "debug.explain",
    "_var",
    "_convert",
)


@pytest.mark.parametrize("name", DOCUMENTED)
def test_examples_in_docstrings_run(name: str, tmp_path: Path) -> None:
    module = importlib.import_module(f"jittor_cy.{name}")
    runner = doctest.DocTestRunner(verbose=False)
    failures = []

    for key, value in vars(module).items():
        doc = getattr(value, "__doc__", None) or ""
        own = not isinstance(value, ModuleType) and getattr(value, "__module__", module.__name__) == module.__name__
        if not own or ">>>" not in doc:
            continue
        text = doc.replace("Example:  >>>", "          >>>")
        test = doctest.DocTestParser().get_doctest(text, {"jt": jt, "np": np, "path": tmp_path / "saved"}, key, name, 0)
        runner.run(test, out=failures.append)

    assert runner.tries > 0
    assert not failures, "".join(failures)

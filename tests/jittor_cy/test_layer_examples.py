"""The examples in the docstrings of nn, optim and data run and give what they say."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import numpy as np
import pytest

import jittor_cy as jt

MODULES = [
    found.name
    for package in (jt.nn, jt.optim, jt.data)
    for found in pkgutil.iter_modules(package.__path__, package.__name__ + ".")
]
NAMES = {"jt": jt, "nn": jt.nn, "optim": jt.optim, "data": jt.data, "np": np}


class FieldParser(doctest.DocTestParser):
    """Takes the first example from the line of the field's name."""

    def parse(self, string: str, name: str = "<string>"):
        return super().parse(string.replace("Example:", " " * len("Example:")), name)


def examples() -> list[doctest.DocTest]:
    finder = doctest.DocTestFinder(parser=FieldParser())
    found = [test for name in MODULES for test in finder.find(importlib.import_module(name), name, extraglobs=NAMES)]
    return [test for test in found if test.examples]


@pytest.mark.parametrize("example", examples(), ids=lambda test: test.name.removeprefix("jittor_cy."))
def test_example_gives_what_it_says(example):
    shown: list[str] = []

    result = doctest.DocTestRunner(verbose=False).run(example, out=shown.append)

    assert result.failed == 0, "".join(shown)

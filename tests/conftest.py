"""Settings of every test: invariants verified, all compiled and waited for; `--full` for what takes minutes."""

from __future__ import annotations

import os

import pytest

os.environ.setdefault("JTCY_VERIFY", "1")
# Structures are compiled when they are first met: a test runs most of them once.
os.environ.setdefault("JTCY_COMPILE_AT_ONCE", "1")
os.environ.setdefault("JTCY_PLAN_STORE", "0")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="also run what is marked slow")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--full"):
        return
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="takes minutes; pass --full"))


@pytest.fixture
def settled():
    """Kernels are waited for, so that counts of launches do not depend on how fast a compiler is."""
    import jittor_cy as jt

    with jt.flags(wait_for_kernels=True):
        jt.sync_all()
        yield jt
        jt.sync_all()

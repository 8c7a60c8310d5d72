"""Real parts for tests: built once where their tools are, skipped by name where not."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from fakes.build import real_parts
from fakes.processes import available_cgroup
from fakes.processes.cgroup import CgroupError
from fakes.stack.programs import ORIGIN
from tests.support import needs
from tests.support.worker_rig import NO_WORKERD, WORKERD


def build() -> None:
    """Have the origin in Go, or skip."""
    if not real_parts.is_built(real_parts.GO_SOURCE, ORIGIN):
        needs.require("go")
    if missing := _missing():
        pytest.skip(missing)


def nano() -> None:
    """Have it, and the right to make a cgroup for it, or skip."""
    build()
    try:
        available_cgroup.find("mcpist-test")
    except CgroupError as error:
        pytest.skip(f"{needs.SKIPPED}a cgroup, for a real nano: {error}")


def worker() -> None:
    """Have the Worker, or skip."""
    if WORKERD is None:
        pytest.skip(NO_WORKERD)


def whole() -> None:
    """Have the Worker and the real nano, or skip."""
    worker()
    nano()


def kind(request: pytest.FixtureRequest, ready: Callable[[], None]) -> str:
    """What a fixture is to be: `fakes`, or `real`, for which `ready` is called; not for a test of a model."""
    if request.param == "real":
        if request.node.get_closest_marker("modelled"):
            pytest.skip("the nano is modelled in the fake alone")
        ready()
    return str(request.param)


@cache
def _missing() -> str:
    try:
        real_parts.build_origin()
    except real_parts.BuildError as error:
        return str(error)
    return ""

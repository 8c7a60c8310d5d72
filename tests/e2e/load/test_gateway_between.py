"""A gateway that nobody here wrote under load: each call of ours is one at the server behind it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.support.contextforge import ContextForge
from tests.support.outside_servers import (
    QUIET,
    CountingServer,
    attacked,
    checked,
    go_sdk,
    target_file,
)

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
TRIED: Final = {"burst": 0, "slow-api": 6}  # a spammer tries its tool before load
Both = tuple[CountingServer, ContextForge]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    """A server, and the gateway before it."""
    with go_sdk() as behind, ContextForge(tmp_path_factory.mktemp("gateway"), behind) as gateway:
        yield behind, gateway


def test_a_target_file_alone_is_checked(tmp_path: Path, both: Both) -> None:
    said = checked(target_file(tmp_path, both[1], protocol="auto"))
    assert "behind-echo(text), behind-wait(seconds)" in said


@pytest.mark.parametrize("name", TRIED)
def test_every_planned_call_succeeds_and_the_server_behind_counts_the_same(
    tmp_path: Path, both: Both, name: str
) -> None:
    behind, gateway = both
    before = behind.counts().get("tools/call", 0)
    found = attacked(tmp_path, gateway, name, protocol="auto")
    calls = found["arrivals"]
    assert calls["ok"] == calls["sent"] == calls["planned"], found["failures"]
    assert behind.counts()["tools/call"] - before == calls["sent"] + QUIET[name] + TRIED[name]
    assert found["sessions"] == {}  # it gives none, and keeps those of the server behind to itself

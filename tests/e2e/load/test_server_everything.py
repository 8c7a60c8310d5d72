"""npm's reference server under load: what we say holds against the lines that it prints."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from tests.support.outside_servers import (
    ACCOUNTS,
    QUIET,
    EverythingServer,
    attacked,
    checked,
    target_file,
)

pytestmark = pytest.mark.e2e
LOOK: Final = 4  # server/discover, then a session: initialize, its notification, DELETE


@pytest.mark.slow
@pytest.mark.parametrize("name", ["burst", "slow-api"])
def test_every_planned_call_succeeds_and_the_server_counts_the_same(tmp_path: Path, name: str) -> None:
    with EverythingServer(tmp_path) as server:
        found = attacked(tmp_path, server, name, protocol="auto")
        counts, requests = server.counts(), server.requests()
    calls, accounts = found["arrivals"], ACCOUNTS[name]
    assert calls["ok"] == calls["sent"] == calls["planned"], found["failures"]
    assert found["protocol"] == "2025-11-25"
    assert found["sessions"] == {"opened": accounts, "lost": 0, "reopened": 0, "closed": accounts}
    assert counts["Session initialized"] == counts["Transport closed"] == accounts + 1  # the look before load
    assert requests == calls["sent"] + calls["extra"] + LOOK + QUIET[name]


def test_a_target_file_alone_is_checked(tmp_path: Path) -> None:
    with EverythingServer(tmp_path) as server:
        said = checked(target_file(tmp_path, server, protocol="auto"))
        counts = server.counts()
    assert "MCP 2025-11-25: initialize agreed on 2025-11-25" in said
    assert "13 listed: echo(message)," in said
    assert counts["Session initialized"] == counts["Transport closed"] == 1

"""Servers by the official SDKs under load, in both eras: what we say holds against their own count."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from tests.support.outside_servers import (
    ACCOUNTS,
    QUIET,
    CountingServer,
    attacked,
    checked,
    go_sdk,
    python_sdk,
    target_file,
)

pytestmark = pytest.mark.e2e
Start = Callable[..., CountingServer]
ALL: Final = tuple(ACCOUNTS)  # what is other in another mode, a burst shows


class Row(NamedTuple):
    """`look`: requests of the look before load, to learn the era, open a session or list the tools."""

    start: Start
    modes: tuple[str, ...]
    protocol: str
    spoken: str
    look: int
    scenarios: tuple[str, ...]


ROWS: Final = {
    "Python, stateful SSE": Row(python_sdk, (), "2025-11-25", "2025-11-25", 3, ALL),
    "Python, stateless SSE": Row(python_sdk, ("stateless",), "2025-06-18", "2025-06-18", 2, ("burst",)),
    "Python, stateless JSON": Row(
        python_sdk, ("stateless", "json"), "2025-03-26", "2025-03-26", 2, ("burst",)
    ),
    "Python, modern": Row(python_sdk, ("json",), "auto", "2026-07-28", 2, ("burst", "slow-api")),
    "Go, stateful SSE": Row(go_sdk, (), "auto", "2025-11-25", 4, ("burst",)),
    "Go, modern": Row(go_sdk, ("stateless", "json"), "auto", "2026-07-28", 2, ("burst",)),
}


@pytest.mark.parametrize(
    ("name", "scenario"),
    [
        pytest.param(
            name,
            scenario,
            marks=[] if (name, scenario) == ("Python, modern", "burst") else [pytest.mark.slow],
        )
        for name, row in ROWS.items()
        for scenario in row.scenarios
    ],
)
def test_every_planned_call_succeeds_and_the_server_counts_the_same(
    tmp_path: Path, name: str, scenario: str
) -> None:
    row, accounts = ROWS[name], ACCOUNTS[scenario]
    with row.start(*row.modes) as server:
        found = attacked(tmp_path, server, scenario, protocol=row.protocol)
        counts, requests = server.counts(), server.requests()
    calls = found["arrivals"]
    assert calls["ok"] == calls["sent"] == calls["planned"], found["failures"]
    if scenario != "agent-loop":  # which calls the slow tool alone; the fast one says each call's nonce back
        (own,) = (point["figures"] for point in found["points"] if point["id"] == "I1")
        assert own["foreign"] == own["wrong"] == 0 < own["checked"]
    assert found["protocol"] == row.spoken
    assert requests == calls["sent"] + calls["extra"] + row.look + QUIET[scenario], counts
    if "stateful" in name:
        assert found["sessions"] == {"opened": accounts, "lost": 0, "reopened": 0, "closed": accounts}
        assert counts["sessions"] == closed(counts) == accounts + 1  # the look before load has one, too
    else:
        assert found["sessions"] == {}
        assert counts.get("initialize", 0) == (0 if "modern" in name else accounts + 1)


@pytest.mark.slow
@pytest.mark.parametrize("start", [python_sdk, go_sdk])
def test_a_server_that_restarts_serves_all_accounts_again(tmp_path: Path, start: Start) -> None:
    gentle = {"accounts": {"count": 5}, "rate": 1, "duration": "6s"}
    with start() as server, ThreadPoolExecutor(1) as beside:
        first = beside.submit(server.restart_after, 10)
        found = attacked(tmp_path, server, "burst", protocol="2025-11-25", scenario=gentle)
        counts, second = server.counts(), server.requests()
    assert found["sessions"] == {"opened": 5, "lost": 5, "reopened": 5, "closed": 5}
    assert closed(counts) == counts["sessions"] == 5
    calls = found["arrivals"]
    assert calls["planned"] == calls["sent"] == calls["ok"] + calls["failed"] == 30
    assert counts["tools/call"] - counts["POST 404"] >= 5
    look = 3
    assert first.result() + second <= calls["sent"] + calls["extra"] + look  # no call outside the ledger


def test_a_target_file_alone_is_checked_against_the_go_sdk(tmp_path: Path) -> None:
    with go_sdk() as server:
        said = checked(target_file(tmp_path, server, protocol="auto"))
        counts = server.counts()
    assert "MCP 2025-11-25: initialize agreed on 2025-11-25" in said
    assert "2 listed: echo(text), wait(seconds)" in said
    assert counts["sessions"] == closed(counts) == 1


def closed(counts: dict[str, int]) -> int:
    """Sessions that were ended: the SDKs answer with 200 or 204."""
    return counts.get("DELETE 200", 0) + counts.get("DELETE 204", 0)

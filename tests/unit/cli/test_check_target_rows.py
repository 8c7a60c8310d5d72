"""What the check says of a file that would send something else than the server speaks."""

from __future__ import annotations

from typing import Any

import pytest

from cli.check_target import TableLine, table, works
from run.checks.dry_run import Findings
from run.checks.era import SpokenEra
from run.checks.talk import RequestResult
from targets.guard import Pinned
from targets.schema import Target

PINNED = Pinned("http", "127.0.0.1", 9, ("127.0.0.1",))
WORKS = [RequestResult("tools/list", 200, "", 0.01)]


def rows(spoken: str = "none", **keys: Any) -> dict[str, tuple[str, str]]:
    target = Target.model_validate({"name": "t", "base_url": "http://127.0.0.1:9", **keys})
    found = Findings(PINNED, answers=WORKS, era=SpokenEra(spoken, "initialize agreed"))
    return {row.what: (row.state, row.detail) for row in works(target, found)}


@pytest.mark.parametrize(
    ("named", "spoken", "state"),
    [
        ("none", "2025-11-25", "NO"),
        ("2026-07-28", "2025-11-25", "NO"),
        ("auto", "2025-11-25", "ok"),
        ("2025-11-25", "2025-11-25", "ok"),
        ("none", "none", "ok"),
    ],
)
def test_a_file_that_would_speak_otherwise_does_not_work(named: str, spoken: str, state: str) -> None:
    assert rows(spoken, protocol=named)["protocol"][0] == state


def test_the_line_to_put_there_is_said() -> None:
    told = rows("2025-11-25")["protocol"][1]
    assert 'runs would speak plain JSON-RPC: put "protocol: 2025-11-25" or "protocol: auto"' in told


def test_the_key_in_a_paths_query_is_not_told() -> None:
    state, told = rows(path="/mcp?api_key=s3cret")["target"]
    assert (state, told) == ("ok", "t: http://127.0.0.1:9/mcp?***, 127.0.0.1 (loopback)")


def test_sources_are_tried() -> None:
    assert rows(sources=["127.0.1.1-127.0.1.9"])["sources"][0] == "ok"
    state, told = rows(sources=["203.0.113.9"])["sources"]
    assert (state, "allowed: addresses that this machine has" in told) == ("NO", True)
    assert "sources" not in rows()


def test_tokens_that_somebody_else_made_are_called_so() -> None:
    told = rows(auth={}, accounts={"tokens": "tokens.txt"})["auth"][1]
    assert told == "ready-made tokens in Authorization"


def test_a_line_commands_no_terminal() -> None:
    (line,) = table([TableLine("tools", "info", "1 listed: \x1b[2Jecho")])
    assert line == r"tools  info  1 listed: \x1b[2Jecho"

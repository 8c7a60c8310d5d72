"""The official conformance suite against our client, in both eras: what fails is what docs/mcp.md names.

The suite is the server and starts the client, here a short attack on the address that it gives.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from common.paths import ROOT
from tests.support.conformance import suite

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
AT_ONCE: Final = 3
CLIENT: Final = f"{sys.executable} -m tests.support.conformance.client"
TOOLS: Final[dict[str, list[dict[str, Any]]]] = {
    "initialize": [],
    "tools_call": [{"name": "add_numbers", "arguments": {"a": 5, "b": 3}}],
    "request-metadata": [],
    "http-standard-headers": [{"name": "test_headers", "arguments": {}}],
    "http-custom-headers": [],  # the suite's own context names them
    "http-invalid-tool-headers": [{"name": "valid_tool", "arguments": {"region": "x"}}],
    "json-schema-ref-no-deref": [],
    "sep-2322-client-request-state": [
        {"name": f"test_mrtr_{name}", "arguments": {}}
        for name in ("echo_state", "no_state", "unrelated", "no_result_type")
    ],
}


class Played(NamedTuple):
    """One scenario of the suite: how its process ended, and what it checked."""

    done: subprocess.CompletedProcess[str]
    checks: list[dict[str, Any]]


def test_what_applies_and_what_does_not_is_named() -> None:
    """Every scenario that the suite has for clients: tried below, or on the page with its reason."""
    listed = subprocess.run(
        [*suite.installed(), "list", "--client"], capture_output=True, text=True, check=True
    )
    named = re.findall(r"- (\S+) \[(?!extension)", listed.stdout)
    assert len(named) > len(TOOLS)
    reasons = not_applying()
    assert {name for name in named if not name.startswith("auth/")} - TOOLS.keys() == reasons - {"auth/*"}
    assert "auth/*" in reasons


def not_applying() -> set[str]:
    """The scenarios that docs/mcp.md says do not apply to a load client."""
    return suite.named((ROOT / "docs" / "mcp.md").read_text().partition("## Our client")[2])


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[Played]]]:
    """All of them, some at a time: they wait for each other more than they work."""
    suite.installed()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {name: pool.submit(play, name, tmp_path_factory.mktemp("conformance")) for name in TOOLS}


def play(name: str, folder: Path) -> Played:
    environment = {**os.environ, "CLIENT_TOOLS": json.dumps(TOOLS[name])}
    words = ["client", "--command", CLIENT, "--scenario", name, "--timeout", "120000", "-o", str(folder)]
    done = subprocess.run(
        [*suite.installed(), *words], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    checks = [check for file in folder.rglob("checks.json") for check in json.loads(file.read_text())]
    return Played(done, checks)


@pytest.mark.parametrize("name", TOOLS)
def test_our_client_conforms(played: dict[str, Future[Played]], name: str) -> None:
    done, checks = played[name].result()
    assert any(check["status"] == "SUCCESS" for check in checks), done.stdout + done.stderr
    assert [check for check in checks if check["status"] == "FAILURE"] == []
    assert done.returncode == 0, done.stdout + done.stderr

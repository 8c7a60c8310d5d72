"""Servers by the official Python SDK under load, in both eras: what we say holds against their own count."""

from __future__ import annotations

import json
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from cli.launch.local_workers import free_port
from common.paths import ROOT
from tests.support import needs

pytestmark = pytest.mark.e2e
SERVER: Final = ROOT / "tests" / "support" / "sdk_server.py"
WITHIN: Final = 120.0
TOOLS: Final = {
    "fast": {"name": "echo", "arguments": {"text": "hi"}},
    "slow": {"name": "wait", "arguments": {"seconds": 1.2}},
}
SCENARIOS: Final[dict[str, dict[str, Any]]] = {
    "burst": {"accounts": {"count": 10}, "rate": 3, "duration": "4s"},
    "agent-loop": {"accounts": {"count": 5}, "rate": 2, "duration": "4s"},
    "slow-api": {
        "duration": "4s",
        "groups": [
            {"name": "spammers", "accounts": {"count": 6}, "rate": 2},
            {"name": "innocent-fast", "accounts": {"count": 4}},
            {"name": "innocent-jira", "accounts": {"count": 4}},
        ],
    },
}


class SdkServer:
    """One process; `restart` ends it and starts another at the same port, which knows no session."""

    def __init__(self, *modes: str) -> None:
        self._python = needs.require("mcp-sdk")
        self._modes = modes
        self.port = free_port()
        self.start()

    def start(self) -> None:
        command = [self._python, str(SERVER), str(self.port), *self._modes]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        until = time.monotonic() + 30
        while time.monotonic() < until:
            try:
                self.counts()
                return
            except OSError:
                time.sleep(0.1)
        raise AssertionError("the server did not start")

    def counts(self) -> dict[str, int]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/counts", timeout=5) as answer:
            found: dict[str, int] = json.load(answer)
            return found

    def end(self) -> None:
        self._process.kill()
        self._process.wait()

    def restart(self) -> None:
        self.end()
        self.start()


@pytest.fixture
def servers() -> Iterator[list[SdkServer]]:
    made: list[SdkServer] = []
    yield made
    for one in made:
        one.end()


def attacked(folder: Path, server: SdkServer, name: str, **keys: Any) -> dict[str, Any]:
    """verdicts.json of a short attack by `bin/attack`, from files."""
    scenario = {"extends": name, "title": name, **SCENARIOS[name], **keys.pop("scenario", {})}
    (folder / "short.yaml").write_text(yaml.safe_dump(scenario))
    limits = {"burst_per_s": None, "ip_per_min": None, "rate_per_min": None}
    target = {
        "name": "sdk", "base_url": f"http://127.0.0.1:{server.port}", "path": "/mcp", "tools": TOOLS,
        "limits": limits, **keys,
    }  # fmt: skip
    (folder / "target.yaml").write_text(yaml.safe_dump(target))
    command = [ROOT / "bin" / "attack", folder / "short.yaml", "--target", folder / "target.yaml"]
    done = subprocess.run(
        [*map(str, command), "--out", str(folder / "run")], capture_output=True, text=True, check=False,
        timeout=WITHIN, cwd=ROOT,
    )  # fmt: skip
    assert (folder / "run" / "verdicts.json").exists(), done.stdout + done.stderr
    found: dict[str, Any] = json.loads((folder / "run" / "verdicts.json").read_text())
    return found


MODES: Final = {
    "stateful SSE": ((), "2025-11-25"),
    "stateless SSE": (("stateless",), "2025-06-18"),
    "stateless JSON": (("stateless", "json"), "2025-03-26"),
    "modern": (("json",), "auto"),
}


PAIRS: Final = (*((mode, "burst") for mode in MODES), ("stateful SSE", "agent-loop"),
                ("stateful SSE", "slow-api"), ("modern", "agent-loop"), ("modern", "slow-api"))  # fmt: skip


@pytest.mark.parametrize(("mode", "name"), PAIRS)
def test_every_planned_call_succeeds_and_the_server_counts_the_same(
    tmp_path: Path, servers: list[SdkServer], mode: str, name: str
) -> None:
    modes, protocol = MODES[mode]
    server = SdkServer(*modes)
    servers.append(server)
    found = attacked(tmp_path, server, name, protocol=protocol)
    calls, counts = found["arrivals"], server.counts()
    assert calls["ok"] == calls["sent"] == calls["planned"], found["failures"]
    assert found["protocol"] == ("2026-07-28" if protocol == "auto" else protocol)
    looked = 0 if name == "burst" else 1  # the slow tool in the quiet before load
    tried = 6 if name == "slow-api" else 0  # what spammers try before load
    assert counts["tools/call"] == calls["planned"] + looked + tried
    accounts = {"burst": 10, "agent-loop": 5, "slow-api": 14}[name]
    if mode == "stateful SSE":
        assert found["sessions"] == {"opened": accounts, "lost": 0, "reopened": 0, "closed": accounts}
        assert counts["sessions"] == counts["DELETE 200"] == accounts + 1  # the look before load has one, too
    else:
        assert found["sessions"] == {}
        assert counts.get("initialize", 0) == (0 if mode == "modern" else accounts + 1)


def test_a_server_that_restarts_serves_all_accounts_again(tmp_path: Path, servers: list[SdkServer]) -> None:
    server = SdkServer()
    servers.append(server)
    restart = threading.Thread(target=_restart_under_load, args=(server,))
    restart.start()
    gentle = {"accounts": {"count": 5}, "rate": 1, "duration": "30s"}
    found = attacked(tmp_path, server, "burst", protocol="2025-11-25", scenario=gentle)
    restart.join()
    assert found["sessions"] == {"opened": 5, "lost": 5, "reopened": 5, "closed": 5}
    calls = found["arrivals"]
    assert calls["planned"] == calls["sent"] == calls["ok"] + calls["failed"] == 150
    counts = server.counts()  # of the second one alone
    assert counts["tools/call"] - counts["POST 404"] >= 5
    assert counts["DELETE 200"] == counts["sessions"] == 5


def _restart_under_load(server: SdkServer) -> None:
    while server.counts().get("tools/call", 0) < 10:
        time.sleep(0.05)
    server.restart()

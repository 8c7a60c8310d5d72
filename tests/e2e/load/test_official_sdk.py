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
WITHIN: Final = 240.0
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
    """A process, and another that is ready to take its place: after `restart` nobody knows a session."""

    def __init__(self, *modes: str) -> None:
        command = [needs.require("mcp-sdk"), str(SERVER), str(port := free_port()), *modes]
        self.port = port
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        self._standby = subprocess.Popen([*command, "standby"], stdin=subprocess.PIPE, text=True)
        self._wait()

    def _wait(self) -> None:
        until = time.monotonic() + 180
        while time.monotonic() < until:
            try:
                self.counts()
                return
            except OSError:
                time.sleep(0.1)
        raise AssertionError("the server did not start")

    def counts(self) -> dict[str, int]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/counts", timeout=10) as answer:
            found: dict[str, int] = json.load(answer)
            return found

    def restart(self) -> None:
        with self._process:
            self._process.kill()
        assert self._standby.stdin is not None
        self._standby.stdin.write("now\n")
        self._standby.stdin.flush()

    def end(self) -> None:
        for process in (self._process, self._standby):
            with process:  # closes its pipe
                process.kill()


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
    gentle = {"accounts": {"count": 5}, "rate": 1, "duration": "20s"}
    found = attacked(tmp_path, server, "burst", protocol="2025-11-25", scenario=gentle)
    restart.join()
    assert found["sessions"] == {"opened": 5, "lost": 5, "reopened": 5, "closed": 5}
    calls = found["arrivals"]
    assert calls["planned"] == calls["sent"] == calls["ok"] + calls["failed"] == 100
    counts = server.counts()  # of the second one alone
    assert counts["tools/call"] - counts["POST 404"] >= 5
    assert counts["DELETE 200"] == counts["sessions"] == 5


def _restart_under_load(server: SdkServer) -> None:
    while server.counts().get("tools/call", 0) < 10:
        time.sleep(0.05)
    server.restart()

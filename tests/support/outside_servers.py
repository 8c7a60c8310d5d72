"""Servers of MCP that nobody here wrote, as processes that count what comes in, and short attacks on them.

with CountingServer("PROGRAM", modes=("json",)) as server:      # PROGRAM PORT json
    found = attacked(folder, server, "burst", protocol="auto")  # verdicts.json
    server.counts()
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any, ClassVar, Final, Self

import yaml

from cli.launch.local_workers import free_port
from common.paths import ROOT
from tests.support import needs, warm_runs
from tests.support.recorder.attack import as_a_user

SDK_SERVER: Final = ROOT / "tests" / "support" / "sdk_server.py"
START: Final = 180.0  # seconds: a first import of the SDK on a busy machine
WITHIN: Final = 240.0
REQUEST: Final = re.compile(r"(POST|GET|DELETE) \d+$|Received ")
SCENARIOS: Final[dict[str, dict[str, Any]]] = {
    "burst": {"accounts": {"count": 10}, "rate": 3, "duration": "3s"},
    "agent-loop": {"accounts": {"count": 5}, "rate": 2, "duration": "3s"},
    "slow-api": {
        "duration": "3s",
        "groups": [
            {"name": "spammers", "accounts": {"count": 6}, "rate": 2},
            {"name": "innocent-fast", "accounts": {"count": 4}},
            {"name": "innocent-jira", "accounts": {"count": 4}},
        ],
    },
}
ACCOUNTS: Final = {"burst": 10, "agent-loop": 5, "slow-api": 14}
QUIET: Final = {"burst": 0, "agent-loop": 1, "slow-api": 1}  # calls before load, for a slow tool's own time


class OutsideServer:
    """A process that listens on `port`; `tools`: its fast and its slow one."""

    tools: ClassVar[dict[str, Any]]

    def __init__(self) -> None:
        self.port = free_port()
        self.keys: dict[str, Any] = {"path": "/mcp"}  # what else a target file says of it

    def counts(self) -> dict[str, int]:
        """What came in, by its own count. Raises OSError until it listens."""
        raise NotImplementedError

    def requests(self) -> int:
        """All requests to its endpoint, by its own count."""
        return sum(n for name, n in self.counts().items() if REQUEST.match(name))

    def end(self) -> None:
        """End the process."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        until = time.monotonic() + START
        while time.monotonic() < until:
            try:
                self.counts()
                return self
            except OSError:
                time.sleep(0.05)
        self.end()
        raise AssertionError("the server did not start")

    def __exit__(self, *_: object) -> None:
        self.end()


class CountingServer(OutsideServer):
    """By an official SDK, with `GET /counts`; another stands by: after `restart` nobody knows a session."""

    tools: ClassVar = {
        "fast": {"name": "echo", "arguments": {"text": "{nonce}"}, "expect": {"equals": "{nonce}"}},
        "slow": {"name": "wait", "arguments": {"seconds": 1.2}},
    }

    def __init__(self, *program: str, modes: tuple[str, ...] = ()) -> None:
        super().__init__()
        command = [*program, str(self.port), *modes]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        self._standby = subprocess.Popen([*command, "standby"], stdin=subprocess.PIPE, text=True)

    def counts(self) -> dict[str, int]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/counts", timeout=10) as answer:
            found: dict[str, int] = json.load(answer)
            return found

    def restart(self) -> None:
        """Kill it, and let the other one listen."""
        with self._process:
            self._process.kill()
        assert self._standby.stdin is not None
        self._standby.stdin.write("now\n")
        self._standby.stdin.flush()

    def restart_after(self, calls: int) -> int:
        """Restart once it has had so many calls of tools; all the requests that it had by then."""
        while self.counts().get("tools/call", 0) < calls:
            time.sleep(0.05)
        had = self.requests()
        self.restart()
        return had

    def end(self) -> None:
        for process in (self._process, self._standby):
            with process:  # closes its pipe
                process.kill()


class EverythingServer(OutsideServer):
    """npm's reference server: it prints a line for each request, and for each session's begin and end."""

    tools: ClassVar = {
        "fast": {"name": "echo", "arguments": {"message": "{nonce}"}, "expect": {"contains": "{nonce}"}},
        "slow": {"name": "trigger-long-running-operation", "arguments": {"duration": 1.2, "steps": 1}},
    }
    LINE: Final = re.compile(
        r"^(Received MCP \w+|Received session termination|Session initialized|Transport closed|.* listening)",
        re.MULTILINE,
    )

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._log = folder / "server.log"
        command = [needs.require("node"), needs.require("server-everything"), "streamableHttp"]
        environment = {**os.environ, "PORT": str(self.port)}
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment
            )

    def counts(self) -> dict[str, int]:
        found = Counter(self.LINE.findall(self._log.read_text()))
        if not any(line.endswith("listening") for line in found):
            raise ConnectionRefusedError
        return found

    def end(self) -> None:
        with self._process:
            self._process.kill()


def python_sdk(*modes: str) -> CountingServer:
    """By the official Python SDK."""
    return CountingServer(needs.require("mcp-sdk"), str(SDK_SERVER), modes=modes)


def go_sdk(*modes: str) -> CountingServer:
    """By the official Go SDK."""
    return CountingServer(needs.require("go-sdk-server"), modes=modes)


def target_file(folder: Path, server: OutsideServer, **keys: Any) -> Path:
    """All that the suite is told of it."""
    target = {
        "name": "outside", "base_url": f"http://127.0.0.1:{server.port}",
        "tools": server.tools, **server.keys,
        "limits": {"burst_per_s": None, "ip_per_min": None, "rate_per_min": None}, **keys,
    }  # fmt: skip
    (folder / "target.yaml").write_text(yaml.safe_dump(target))
    return folder / "target.yaml"


def checked(target: Path) -> str:
    """What `bin/check_target` says of it; it found nothing that does not work."""
    command = [ROOT / "bin" / "check_target", target, "--scenario", "slow-api", "--accounts", "4"]
    done = subprocess.run(
        [*map(str, command)], capture_output=True, text=True, check=False, timeout=WITHIN, cwd=ROOT
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def attacked(folder: Path, server: OutsideServer, name: str, **keys: Any) -> dict[str, Any]:
    """verdicts.json of a short attack by `bin/attack`, from files."""
    scenario = {"extends": name, "title": name, **SCENARIOS[name], **keys.pop("scenario", {})}
    (folder / "short.yaml").write_text(yaml.safe_dump(scenario))
    words = [folder / "short.yaml", "--target", target_file(folder, server, **keys), "--out", folder / "run"]
    warm_runs.ended(warm_runs.start([*map(str, words)], ROOT, as_a_user(), folder / "console.log"), WITHIN)
    assert (folder / "run" / "verdicts.json").exists(), (folder / "console.log").read_text()
    found: dict[str, Any] = json.loads((folder / "run" / "verdicts.json").read_text())
    return found

"""A stack whose origins others start, as containers are: it waits for them, and tells one that is back."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from common.paths import ROOT
from fakes.settings import StackSettings
from fakes.stack import programs
from fakes.stack.attach import AttachedStack, attach
from fakes.stack.handle import StackError
from tests.support import real_parts
from tests.support.stack_rig import wait_until

pytestmark = pytest.mark.e2e
ORIGINS = ("origin-a", "origin-b")


class Outside:
    """A stack, and the origins that we start for it as docker would."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.config = folder, folder / "stack.json"
        with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
            ports = {name: sock.getsockname()[1] for name, sock in zip(ORIGINS, (one, other), strict=True)}
        tree = {"parts": {"origin": "real", "nano": "container"}, "ports": ports}
        self.settings = StackSettings.model_validate(tree)
        life, self._life = os.pipe()
        state = folder / "state.json"
        self.stack = subprocess.Popen(
            [
                sys.executable, "-m", "fakes.stack", "--settings", "-", "--protections", "none",
                "--state-file", str(state), "--shared-config", str(self.config), "--life-fd", str(life),
            ],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, pass_fds=(life,),
        )  # fmt: skip
        os.close(life)
        assert self.stack.stdin is not None
        with self.stack.stdin as stdin:
            stdin.write(json.dumps(tree).encode())
        wait_until(lambda: '"db_dsn":"' in (self.config.read_text() if self.config.exists() else ""))
        self.origins = {name: self.run(name) for name in ORIGINS}
        self.handle: AttachedStack = attach(state, self.settings, ["rate-limit"])

    def run(self, name: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen([str(programs.ORIGIN), "--config", str(self.config), "--name", name])

    def origin(self) -> dict[str, Any]:
        """What the origin itself says is in force."""
        port, token = self.settings.ports["origin-a"], json.loads(self.config.read_text())["control_token"]
        asked = urllib.request.Request(
            f"http://127.0.0.1:{port}/_control/state", headers={"X-Control-Token": token}
        )
        with urllib.request.urlopen(asked, timeout=5) as answer:
            return dict(json.load(answer))

    def health(self) -> int:
        try:
            with urllib.request.urlopen(f"{self.handle.base_url}/health", timeout=5) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    def ups(self) -> list[bool]:
        return [
            one["detail"]["up"] for one in self.handle.state()["events"]
            if one["name"] == "origin-a" and "up" in one["detail"]
        ]  # fmt: skip

    def end(self) -> None:
        os.close(self._life)
        self.stack.wait(20)
        for process in self.origins.values():
            process.kill()
            process.wait()


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Outside]:
    real_parts.build()
    made = Outside(tmp_path)
    yield made
    made.end()


def test_an_origin_of_others_serves_is_missed_and_is_told_again(outside: Outside) -> None:
    assert outside.health() == 200
    outside.handle.put_settings({"origin": {"user_concurrency": 7}})
    assert outside.origin()["protections"] == ["rate-limit"]
    assert "origin-a" not in outside.handle.state()["processes"]
    with pytest.raises(StackError, match="down, or in a container"):
        outside.handle.kill("origin-a")
    outside.origins["origin-a"].kill()
    outside.origins["origin-a"].wait()
    wait_until(lambda: outside.ups() == [False])
    outside.origins["origin-a"] = outside.run("origin-a")
    wait_until(lambda: outside.ups() == [False, True])
    wait_until(lambda: outside.origin()["settings"]["origin"]["user_concurrency"] == 7)
    wait_until(lambda: outside.health() == 200)
    assert not outside.handle.state()["stale"]


def test_the_shared_configuration_goes_with_the_stack(outside: Outside) -> None:
    assert outside.config.stat().st_mode & 0o777 == 0o600
    outside.stack.terminate()
    outside.stack.wait(20)
    assert not outside.config.exists()

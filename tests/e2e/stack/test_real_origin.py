"""The whole stack with the origin in Go in a real nano: a cgroup that the kernel holds it to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest

from common.paths import ROOT
from fakes.processes import cgroup
from fakes.settings import StackSettings
from fakes.stack.handle import StackError, StackHandle
from fakes.stack.start import start_stack
from tests.support import real_parts
from tests.support.stack_rig import wait_until

pytestmark = pytest.mark.e2e
SLOW = {"slow": {"wait": {"mean": 20.0}}, "fast": {"echo": {"mean": 0.01}}}
MIB = 2**20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    real_parts.nano()
    return tmp_path


@pytest.fixture
def stack(folder: Path) -> Iterator[StackHandle]:
    settings = {"parts": {"origin": "real"}, "upstreams": SLOW, "nano": {"restart": 1.0}}
    handle = start_stack(StackSettings.model_validate(settings), [], folder / "log")
    yield handle
    handle.stop()


def call(stack: StackHandle, module: str, tool: str) -> int:
    """The status of one tool call; 0 where the connection broke."""
    now = int(time.time())
    claims = {"iss": stack.signing.issuer, "sub": "u", "iat": now, "exp": now + 60, "tier": "unlimited"}
    key, headers = stack.signing.key, {"kid": stack.signing.kid}
    token = jwt.encode(claims, key, algorithm=stack.signing.algorithm, headers=headers)
    body = (
        '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"run","arguments":'
        f'{{"module":"{module}","tool":"{tool}","params":{{}}}}}}}}'
    )
    request = urllib.request.Request(
        f"{stack.base_url}/v1/mcp", body.encode(), {"Authorization": f"Bearer {token}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except OSError:
        return 0


def counted(stack: StackHandle, name: str, process: str = "origin-a") -> float:
    """A figure of the stack's own metrics."""
    with urllib.request.urlopen(stack.metrics["stack"], timeout=10) as answer:
        text = answer.read().decode()
    lines = [line for line in text.splitlines() if line.startswith(f'{name}{{process="{process}"}} ')]
    return float(lines[0].rpartition(" ")[2])


def nano_events(stack: StackHandle) -> list[dict[str, Any]]:
    return [event["detail"] for event in stack.state()["events"] if event["name"] == "nano"]


@pytest.mark.slow
def test_the_nano_is_a_cgroup_of_its_own(stack: StackHandle) -> None:
    assert call(stack, "fast", "echo") == 200
    state = stack.state()["processes"]["origin-a"]
    held = Path(f"/proc/{state['pid']}/cgroup").read_text()
    assert "-origin-a\n" in held
    assert state["own"]["instance"].startswith("origin-a-")
    assert counted(stack, "stack_cgroup_memory_peak_bytes") > MIB
    before = counted(stack, "stack_cgroup_throttled_periods_total")
    stack.put_settings({"nano": {"cpu_share": 0.01}})
    for _ in range(40):
        assert call(stack, "fast", "echo") == 200
    assert counted(stack, "stack_cgroup_throttled_periods_total") > before
    assert counted(stack, "stack_cgroup_throttled_seconds_total") > 0
    assert counted(stack, "stack_cgroup_cpu_seconds_total") > 0.01
    assert counted(stack, "stack_cgroup_oom_kills_total") == 0


@pytest.mark.slow
def test_over_its_memory_the_kernel_kills_it_and_it_comes_back(stack: StackHandle) -> None:
    instance = stack.state()["processes"]["origin-a"]["own"]["instance"]
    stack.put_settings({"nano": {"memory_limit": 10 * MIB, "cpu_enforced": False}})
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda: answers.append(call(stack, "slow", "wait")), daemon=True)
        for _ in range(300)
    ]
    for thread in threads:
        thread.start()
    wait_until(lambda: {"origin": "origin-a", "to": "killed", "limit": "memory"} in nano_events(stack))
    assert counted(stack, "stack_cgroup_oom_kills_total") >= 1
    stack.put_settings({"nano": {"memory_limit": 256 * MIB}})
    wait_until(lambda: {"origin": "origin-a", "to": "running"} in nano_events(stack))
    assert stack.state()["processes"]["origin-a"]["own"]["instance"] != instance
    wait_until(lambda: call(stack, "fast", "echo") == 200)
    assert {0, 502} & set(answers)  # the edge tells a broken connection, or breaks its own


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["term", "kill"])
def test_nothing_is_left_of_a_cgroup(stack: StackHandle, number: int) -> None:
    pid = stack.state()["processes"]["origin-b"]["pid"]
    names = [line.rpartition("/")[2] for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines()]
    name = next(one for one in names if one.endswith("-origin-b"))
    assert list(cgroup.ROOT.glob(f"**/{name}"))
    supervisor = stack.pids["stack"]
    assert supervisor
    os.kill(supervisor, number)
    wait_until(lambda: not list(cgroup.ROOT.glob(f"**/{name}")))


NO_RIGHT = """
import sys
from pathlib import Path
from fakes.processes import available_cgroup, systemd_scope
from fakes.stack.__main__ import main
available_cgroup.find.__defaults__ = (Path("/nowhere"),)
systemd_scope.usable = lambda: False
sys.exit(main(["--settings", "-"]))
"""


def test_without_the_right_it_is_one_line_before_it_starts(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", NO_RIGHT],
        input='{"parts": {"origin": "real"}}', capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip
    line = done.stderr.strip().splitlines()[-1]
    assert done.returncode == 3, done.stderr
    assert line.startswith("stack: NANO: no cgroup may be made here")
    assert line.endswith("allowed: NANO=unlimited, which measures no nano")


def test_unlimited_is_asked_for_by_name(folder: Path) -> None:
    settings = {"parts": {"origin": "real", "nano": "unlimited"}, "upstreams": SLOW}
    handle = start_stack(StackSettings.model_validate(settings), [], folder / "log")
    try:
        assert call(handle, "fast", "echo") == 200
        with pytest.raises(IndexError):
            counted(handle, "stack_cgroup_memory_bytes")
        with pytest.raises(StackError, match=r"settings: parts: allowed: only at the start"):
            handle.put_settings({"parts": {"origin": "fakes"}})
    finally:
        handle.stop()

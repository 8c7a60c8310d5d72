"""The whole stack with the origin in Go in a real nano: a cgroup that the kernel holds it to."""

from __future__ import annotations

import os
import signal
import subprocess
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
from fakes.stack import start
from fakes.stack.handle import StackError, StackHandle
from tests.support import real_parts
from tests.support.stack_rig import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
SLOW = {"slow": {"wait": {"mean": 20.0}}, "fast": {"echo": {"mean": 0.01}}}
MIB = 2**20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    real_parts.nano()
    return tmp_path


@pytest.fixture
def stack(folder: Path) -> Iterator[StackHandle]:
    settings = {"parts": {"origin": "real"}, "upstreams": SLOW, "nano": {"restart": 1.0}}
    handle = start.start(StackSettings.model_validate(settings), [], folder / "log")
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
    wait_until(lambda: {"origin": "origin-a", "to": "killed", "limit": "memory"} in nano_events(stack), 60)
    assert counted(stack, "stack_cgroup_oom_kills_total") >= 1
    stack.put_settings({"nano": {"memory_limit": 256 * MIB}})
    wait_until(lambda: stack.state()["processes"]["origin-a"]["up"], 60)
    assert stack.state()["processes"]["origin-a"]["own"]["instance"] != instance
    wait_until(lambda: {"origin": "origin-a", "to": "running"} in nano_events(stack), 30)
    wait_until(lambda: call(stack, "fast", "echo") == 200, 60)
    assert 0 in answers or 503 in answers


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["term", "kill"])
def test_nothing_is_left_of_a_cgroup(stack: StackHandle, number: int) -> None:
    pid = stack.state()["processes"]["origin-b"]["pid"]
    names = [line.rpartition("/")[2] for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines()]
    name = next(one for one in names if one.endswith("-origin-b"))
    assert list(cgroup.ROOT.glob(f"**/{name}"))
    os.kill(stack.pids["stack"] or 0, number)
    wait_until(lambda: not list(cgroup.ROOT.glob(f"**/{name}")), 20)


def test_without_the_right_it_is_one_line_before_it_starts(folder: Path) -> None:
    settings = StackSettings.model_validate({"parts": {"origin": "real"}})
    script = "from pathlib import Path; import fakes.processes.cgroup as c; c.ROOT = Path('/nowhere')"
    command = (
        f"{script}; import sys; from fakes.stack.__main__ import main; sys.exit(main(['--settings', '-']))"
    )
    for nano, code in (("cgroup", 3),):
        tree = settings.model_copy(update={"parts": settings.parts.model_copy(update={"nano": nano})})
        done = subprocess.run(
            [".venv/bin/python", "-c", command.replace("c.ROOT", "c.ROOT")],
            input=tree.model_dump_json(), capture_output=True, text=True, check=False, cwd=ROOT, timeout=120,
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        line = done.stderr.strip().splitlines()[-1]
        assert line.startswith("stack: NANO: no cgroup may be made here")
        assert line.endswith("allowed: NANO=unlimited, which measures no nano")


def test_unlimited_is_asked_for_by_name(folder: Path) -> None:
    settings = {"parts": {"origin": "real", "nano": "unlimited"}, "upstreams": SLOW}
    handle = start.start(StackSettings.model_validate(settings), [], folder / "log")
    try:
        assert call(handle, "fast", "echo") == 200
        with pytest.raises(IndexError):
            counted(handle, "stack_cgroup_memory_bytes")
        with pytest.raises(StackError, match=r"settings: parts: allowed: only at the start"):
            handle.put_settings({"parts": {"origin": "fakes"}})
    finally:
        handle.stop()

"""The control API against a whole stack: what it changes is what the processes then do."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import asyncpg
import jwt
import psutil
import pytest

from common.paths import ROOT
from fakes.settings import StackSettings
from fakes.stack.handle import StackError, StackHandle
from fakes.stack.start import start_stack
from tests.support.stack_rig import wait_until

pytestmark = pytest.mark.e2e

RESERVED, MONITOR = 3, 1
TOOL = {"name": "run", "arguments": {"module": "fast", "tool": "echo", "params": {}}}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackHandle]:
    handle = start_stack(
        StackSettings.model_validate({"database": {"max_connections": 40, "pool_size": 2}}),
        [],
        tmp_path_factory.mktemp("stack") / "log",
    )
    yield handle
    handle.stop()


@pytest.fixture(autouse=True)
def as_new(stack: StackHandle) -> Iterator[None]:
    yield
    stack.clear_faults()
    stack.put_protections([])


def call(stack: StackHandle, timeout: float = 20.0) -> tuple[int, dict[str, Any]]:
    now = int(time.time())
    claims = {"iss": stack.signing.issuer, "sub": "user-1", "iat": now, "exp": now + 60, "tier": "unlimited"}
    key, headers = stack.signing.key, {"kid": stack.signing.kid}
    token = jwt.encode(claims, key, algorithm=stack.signing.algorithm, headers=headers)
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": TOOL}
    request = urllib.request.Request(
        f"{stack.base_url}/v1/mcp",
        json.dumps(body).encode(),
        {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "Accept": "application/json",
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def metrics(stack: StackHandle, source: str) -> str:
    with urllib.request.urlopen(stack.metrics[source], timeout=10) as answer:
        return str(answer.read().decode())


def value(text: str, series: str) -> float:
    found = re.search(rf"^{re.escape(series)} (\S+)$", text, re.MULTILINE)
    assert found, f"{series} is not in the text"
    return float(found[1])


def test_a_call_is_served_and_charged(stack: StackHandle) -> None:
    before = value(metrics(stack, "stack"), "stack_credit_transactions")
    status, answer = call(stack)
    assert status == 200
    assert "result" in answer
    time.sleep(0.2)  # a reading serves every scrape within 0.1 s
    assert value(metrics(stack, "stack"), "stack_credit_transactions") == before + 1


def test_every_process_has_its_figures(stack: StackHandle) -> None:
    text = metrics(stack, "stack")
    assert set(stack.pids) == {"stack", "postgres", "edge", "origin-a", "origin-b", "upstream", "supabase"}
    for name in stack.pids:
        assert value(text, f'stack_process_up{{process="{name}"}}') == 1
        assert value(text, f'stack_process_resident_memory_bytes{{process="{name}"}}') > 1e6
    assert value(text, 'stack_process_cpu_seconds_total{process="edge"}') > 0
    assert value(text, 'stack_db_connections{state="idle"}') == 4  # two origins with a pool of two


def test_processes_run_at_lower_priority(stack: StackHandle) -> None:
    ours = os.getpriority(os.PRIO_PROCESS, 0)
    for pid in stack.pids.values():
        assert pid is not None
        assert os.getpriority(os.PRIO_PROCESS, pid) == min(ours + 5, 19)


def test_the_control_door_needs_the_token(stack: StackHandle) -> None:
    request = urllib.request.Request(f"{stack.control_url}/state", headers={"X-Control-Token": "guess"})
    with pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.urlopen(request, timeout=10)
    with raised.value as error:
        assert error.code == 403


def test_protections_reach_every_process(stack: StackHandle) -> None:
    stack.put_protections(["rate-limit", "breaker"])
    state = stack.state()
    assert state["protections"] == ["rate-limit", "breaker"]
    assert state["stale"] == []
    with pytest.raises(StackError, match=r"unknown protection 'moat'; allowed: .*breaker"):
        stack.put_protections(["moat"])
    assert stack.state()["protections"] == ["rate-limit", "breaker"]


def test_settings_are_merged_or_refused(stack: StackHandle) -> None:
    stack.put_settings({"balancer": {"failures_to_down": 7}})
    assert stack.state()["settings"]["balancer"]["failures_to_down"] == 7
    for part, line in [
        ({"balancer": {"failures": 7}}, r"settings: balancer\.failures: "),
        (
            {"database": {"max_connections": 9}},
            r"settings: database\.max_connections: allowed: only at the start",
        ),
    ]:
        with pytest.raises(StackError, match=line):
            stack.put_settings(part)


def test_a_fault_is_in_force_until_it_is_cleared(stack: StackHandle) -> None:
    fault = stack.add_fault({"fault": "upstream-error", "target": "fast"})
    assert "result" not in call(stack)[1] or call(stack)[1]["result"]["isError"]
    stack.clear_fault(fault)
    assert call(stack)[1]["result"]["isError"] is False


def test_an_unknown_fault_is_refused(stack: StackHandle) -> None:
    with pytest.raises(StackError, match=r"unknown fault 'rain'; allowed: .*upstream-stall"):
        stack.add_fault({"fault": "rain"})
    with pytest.raises(StackError, match=r"unknown fault 'upstream-stall' at 'edge'"):
        stack.add_fault({"fault": "upstream-stall", "target": "edge"})
    with pytest.raises(StackError, match=r"unknown id 'f'; allowed: none is in force"):
        stack.clear_fault("f")
    assert stack.state()["faults"] == []


def test_a_killed_origin_is_seen_refuses_and_comes_back(stack: StackHandle) -> None:
    stack.kill("origin-a")
    wait_until(lambda: not stack.state()["processes"]["origin-a"]["up"])
    state = stack.state()
    assert state["processes"]["origin-a"]["how"] == "killed by SIGKILL"
    assert state["events"][-1]["detail"] == {"up": False, "how": "killed by SIGKILL"}
    with pytest.raises(urllib.error.URLError, match="refused"):
        metrics(stack, "origin-a")
    assert value(metrics(stack, "stack"), 'stack_process_up{process="origin-a"}') == 0
    stack.put_protections(["breaker"])
    stack.restart("origin-a")
    wait_until(lambda: not stack.state()["stale"])
    state = stack.state()
    assert state["processes"]["origin-a"]["up"]
    assert state["processes"]["origin-a"]["pid"] != stack.pids["origin-a"]
    wait_until(lambda: call(stack)[0] == 200)
    assert call(stack)[0] == 200


def test_a_process_that_is_down_by_a_fault_comes_back_when_it_is_cleared(stack: StackHandle) -> None:
    fault = stack.add_fault({"fault": "process-down", "target": "upstream"})
    wait_until(lambda: not stack.state()["processes"]["upstream"]["up"])
    assert call(stack)[0] != 200 or call(stack)[1]["result"]["isError"]
    stack.clear_fault(fault)
    assert stack.state()["processes"]["upstream"]["up"]
    assert call(stack)[1]["result"]["isError"] is False


@pytest.mark.slow
def test_a_frozen_process_catches_up(stack: StackHandle) -> None:
    fault = stack.add_fault({"fault": "process-frozen", "target": "origin-b"})
    assert stack.state()["processes"]["origin-b"]["frozen"]
    stack.put_protections(["timeout"])
    assert stack.state()["stale"] == ["origin-b"]
    stack.clear_fault(fault)
    wait_until(lambda: not stack.state()["stale"])
    assert stack.state()["stale"] == []


def test_postgres_killed_comes_back_with_its_data(stack: StackHandle) -> None:
    assert call(stack)[0] == 200
    time.sleep(0.2)
    before = value(metrics(stack, "stack"), "stack_credit_transactions")
    stack.kill("postgres")
    wait_until(lambda: not stack.state()["processes"]["postgres"]["up"])
    time.sleep(0.2)
    assert value(metrics(stack, "stack"), "stack_db_up") == 0
    stack.restart("postgres")
    time.sleep(0.2)
    # synchronous_commit is off, as it is for the gateway: the last moment before a kill may be lost
    assert value(metrics(stack, "stack"), "stack_credit_transactions") in (before, before - 1)
    wait_until(lambda: call(stack)[0] == 200)
    assert call(stack)[0] == 200


def test_the_gateway_gets_all_connections_but_the_reserved_and_the_monitors(stack: StackHandle) -> None:
    metrics(stack, "stack")  # the monitor is connected
    dsn = f"postgresql://mcpist@/postgres?host={_postgres_folder(stack)}&port=5432"
    refusal, text = asyncio.run(_fill(dsn, stack))
    assert "SUPERUSER" in refusal
    held = re.findall(r"^stack_db_connections\{.*\} (\S+)$", text, re.MULTILINE)
    assert sum(map(float, held)) == 40 - RESERVED - MONITOR


def _postgres_folder(stack: StackHandle) -> str:
    postmaster = psutil.Process(stack.state()["processes"]["postgres"]["pid"])
    return postmaster.cwd().removesuffix("/data")


async def _fill(dsn: str, stack: StackHandle) -> tuple[str, str]:
    """Connect until refused; the refusal, and what the supervisor tells meanwhile."""
    connections: list[Any] = []
    try:
        while True:
            connections.append(await asyncpg.connect(dsn))
    except asyncpg.TooManyConnectionsError as error:
        await asyncio.sleep(0.2)
        return str(error), metrics(stack, "stack")
    finally:
        for connection in connections:
            await connection.close()


def test_reset_zeroes_the_counters(stack: StackHandle) -> None:
    call(stack)
    stack.reset()
    assert value(metrics(stack, "edge"), "mcpist_forwarded_total") == 0


def test_unknown_processes_and_signals_are_refused(stack: StackHandle) -> None:
    with pytest.raises(StackError, match="process: unknown 'moon'; allowed: postgres, edge"):
        stack.kill("moon")
    with pytest.raises(StackError, match="signal: unknown 'HUP'; allowed: KILL, TERM, STOP, CONT"):
        stack.kill("edge", "HUP")


@pytest.mark.slow
def test_the_curl_lines_work_and_ctrl_c_ends_the_stack() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "fakes.stack", "--keep"], cwd=ROOT, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, start_new_session=True, text=True,
    ) as process:  # fmt: skip
        try:
            text = _until_ready(process)
            answers = {what: _paste(line) for what, line in re.findall(r"# (.*)\n(curl .*)\n", text)}
        finally:
            os.killpg(process.pid, signal.SIGINT)
            said = process.communicate(timeout=60)[1]
    assert process.returncode == 0
    assert "Traceback" not in said
    assert json.loads(answers["health"]) == {"status": "ok"}
    assert "tools" in json.loads(answers["list the tools"])["result"]
    assert json.loads(answers["call a slow tool"])["result"]["isError"] is False
    assert "mcpist_forwarded_total" in answers["metrics of the edge"]
    assert "stack_process_cpu_seconds_total" in answers["metrics of every process"]
    assert "id" in json.loads(answers["stall Notion"])
    assert json.loads(answers["heal it"])["faults"] == []


def _until_ready(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if "Ctrl-C" in line:
            break
    return "".join(lines)


def _paste(line: str) -> str:
    return subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=60, check=True).stdout

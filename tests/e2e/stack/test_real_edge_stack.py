"""The whole stack with the edge as a Worker: the supervisor steers, kills and restarts it as any process."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import jwt
import pytest

from fakes.settings import StackSettings
from fakes.stack.handle import StackHandle
from fakes.stack.start import start_stack
from tests.support.stack_rig import wait_until
from tests.support.worker_rig import NO_WORKERD, WORKERD

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(WORKERD is None, reason=NO_WORKERD),
]
PROTECTIONS = ["worker-cpu", "ip-limit", "jwks-cache", "burst-limit", "rate-limit"]
BODY = {
    "jsonrpc": "2.0", "id": 1, "method": "tools/call",
    "params": {"name": "run", "arguments": {"module": "fast", "tool": "echo", "params": {}}},
}  # fmt: skip


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackHandle]:
    settings = StackSettings.model_validate({"parts": {"edge": "real"}, "edge": {"burst_window": 3600.0}})
    handle = start_stack(settings, PROTECTIONS, tmp_path_factory.mktemp("stack") / "log")
    yield handle
    handle.stop()


def call(stack: StackHandle, user: str) -> tuple[int, dict[str, Any]]:
    """Status and answer of one tool call; 0 where there was no answer."""
    now = int(time.time())
    claims = {"iss": stack.signing.issuer, "sub": user, "iat": now, "exp": now + 60, "tier": "unlimited"}
    key, headers = stack.signing.key, {"kid": stack.signing.kid}
    token = jwt.encode(claims, key, algorithm=stack.signing.algorithm, headers=headers)
    request = urllib.request.Request(
        f"{stack.base_url}/v1/mcp", json.dumps(BODY).encode(), {"Authorization": f"Bearer {token}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)
    except (OSError, json.JSONDecodeError):
        return 0, {}


def test_a_tool_call_goes_the_whole_way_and_the_limits_hold(stack: StackHandle) -> None:
    status, answer = call(stack, "ann")
    assert (status, answer["result"]["isError"]) == (200, False)
    assert [call(stack, "ann")[0] for _ in range(6)] == [200] * 4 + [429, 429]


def test_control_reaches_it_like_any_other_process(stack: StackHandle) -> None:
    stack.put_settings({"edge": {"burst_per_s": 1}})
    assert [call(stack, "bob")[0] for _ in range(2)] == [200, 429]
    stack.put_protections([])
    assert [call(stack, "bob")[0] for _ in range(3)] == [200] * 3
    stack.put_protections(PROTECTIONS)
    stack.put_settings({"edge": {"burst_per_s": 5}})
    stack.reset()
    assert [call(stack, "bob")[0] for _ in range(6)] == [200] * 5 + [429]


def test_killed_it_is_started_again_with_what_is_in_force(stack: StackHandle) -> None:
    stack.put_settings({"edge": {"burst_per_s": 2}})
    fault = stack.add_fault({"fault": "process-down", "target": "edge"})
    wait_until(lambda: call(stack, "cid")[0] == 0)
    stack.clear_fault(fault)
    wait_until(lambda: call(stack, "probe")[0] == 200)
    assert [call(stack, "cid")[0] for _ in range(3)] == [200, 200, 429]

"""Foreign clients, the connection limit and PgBouncer, in a whole stack and on a real Postgres."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jwt
import pytest

from fakes.settings import StackSettings
from fakes.stack.handle import StackError, StackHandle
from fakes.stack.start import start_stack
from tests.support import needs
from tests.support.stack_rig import wait_until

pytestmark = pytest.mark.e2e
DATABASE = {"max_connections": 30, "pool_size": 3, "pool_open": 3, "acquire_timeout": 0.5}


def started(tmp_path_factory: pytest.TempPathFactory, **database: Any) -> StackHandle:
    settings = StackSettings.model_validate({"database": {**DATABASE, **database}})
    return start_stack(settings, [], tmp_path_factory.mktemp("stack") / "log")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackHandle]:
    handle = started(tmp_path_factory)
    yield handle
    handle.stop()


@pytest.fixture(autouse=True)
def as_new(stack: StackHandle) -> Iterator[None]:
    stack.reset()
    yield
    stack.clear_faults()


def call(stack: StackHandle, user: str = "ann") -> tuple[int, dict[str, Any]]:
    """The status and answer of one tool call."""
    now = int(time.time())
    claims = {"iss": stack.signing.issuer, "sub": user, "iat": now, "exp": now + 60, "tier": "unlimited"}
    headers = {"kid": stack.signing.kid}
    token = jwt.encode(claims, stack.signing.key, algorithm=stack.signing.algorithm, headers=headers)
    arguments = {"module": "fast", "tool": "echo", "params": {}}
    body = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": "run", "arguments": arguments},
    }
    request = urllib.request.Request(
        f"{stack.base_url}/v1/mcp", json.dumps(body).encode(),
        {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )  # fmt: skip
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_a_locked_account_takes_the_whole_pool(stack: StackHandle) -> None:
    assert call(stack)[0] == call(stack, "ben")[0] == 200
    fault = stack.add_fault({"fault": "db-row-lock", "account": "ann"})
    with ThreadPoolExecutor(3) as threads:
        locked = [threads.submit(call, stack) for _ in range(3)]
        wait_until(lambda: call(stack, "ben")[0] != 200)
        status, answer = call(stack, "ben")
        stack.clear_fault(fault)
        assert [one.result()[0] for one in locked] == [200, 200, 200]
    assert status == 503
    assert answer["error"]["data"]["reason"] == "db_pool_timeout"
    assert answer["error"]["data"]["retry_after"] == 1
    assert call(stack, "ben")[0] == 200


def test_the_first_account_is_locked_unless_one_is_named(stack: StackHandle) -> None:
    assert call(stack, "ann")[0] == call(stack, "ben")[0] == 200
    fault = stack.add_fault({"fault": "db-row-lock"})
    assert call(stack, "ben")[0] == 200
    with ThreadPoolExecutor(1) as threads:
        locked = threads.submit(call, stack, "ann")
        time.sleep(0.5)
        assert not locked.done()
        stack.clear_fault(fault)
        assert locked.result()[0] == 200


def test_an_open_transaction_blocks_every_account(stack: StackHandle) -> None:
    assert call(stack, "ann")[0] == call(stack, "ben")[0] == 200
    fault = stack.add_fault({"fault": "db-idle-transaction", "connections": 2})
    held = stack.connections()["held"]
    assert held["mcpist-foreign"] == 2
    with ThreadPoolExecutor(2) as threads:
        blocked = [threads.submit(call, stack, user) for user in ("ann", "ben")]
        time.sleep(0.5)
        assert not any(one.done() for one in blocked)
        stack.clear_fault(fault)
        assert [one.result()[0] for one in blocked] == [200, 200]
    assert "mcpist-foreign" not in stack.connections()["held"]


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        ({"fault": "db-row-lock", "account": "nobody"}, "account 'nobody' has no credits"),
        ({"fault": "db-row-lock"}, "account None has no credits"),
        ({"fault": "db-idle-transaction", "connections": 0}, "connections: 0; allowed: 1 to 1000"),
        ({"fault": "db-idle-transaction", "connections": "2"}, "connections: '2'; allowed: 1 to 1000"),
        (
            {"fault": "db-idle-transaction", "connections": 100},
            "db-idle-transaction: sorry, too many clients",
        ),
    ],
)
def test_what_cannot_be_held_is_refused_and_nothing_is(
    stack: StackHandle, fault: dict[str, Any], line: str
) -> None:
    with pytest.raises(StackError, match=line):
        stack.add_fault(fault)
    assert stack.state()["faults"] == []
    wait_until(lambda: "mcpist-foreign" not in stack.connections()["held"])
    assert "mcpist-foreign" not in stack.connections()["held"]


def test_the_limit_is_max_connections_less_the_reserved(stack: StackHandle) -> None:
    found = stack.connections()
    assert (found["max_connections"], found["reserved"], found["limit"]) == (30, 3, 27)
    assert found["held"]["mcpist-origin"] == 6
    assert found["opened"] == found["held"]["mcpist-limit-probe"]
    assert found["sqlstate"] == "53300"
    assert found["refusal"] in found["log"]
    assert "SUPERUSER" in found["refusal"]
    assert found["pooler"] is False
    assert call(stack)[0] == 200


def test_the_books_of_a_stack(stack: StackHandle) -> None:
    assert [call(stack, user)[0] for user in ("ann", "ben", "ann")] == [200, 200, 200]
    books = stack.consistency()
    assert (books["problems"], books["by_user"]) == ([], {"ann": [2, 0], "ben": [1, 0]})
    stack.reset()
    assert stack.consistency()["by_user"] == {}


def test_no_books_without_a_database(stack: StackHandle) -> None:
    fault = stack.add_fault({"fault": "process-down", "target": "postgres"})
    with pytest.raises(StackError, match=r"^database: "):
        stack.consistency()
    with pytest.raises(StackError, match=r"^database: "):
        stack.connections()
    stack.clear_fault(fault)
    assert stack.consistency()["problems"] == []


@pytest.mark.slow
def test_calls_go_through_pgbouncer(tmp_path_factory: pytest.TempPathFactory) -> None:
    needs.require("pgbouncer")
    stack = started(tmp_path_factory, mode="pooler", pooler_size=2, pool_size=10, pool_open=10)
    try:
        with ThreadPoolExecutor(10) as threads:
            assert set(threads.map(lambda n: call(stack, f"user-{n % 3}")[0], range(60))) == {200}
        found, books = stack.connections(), stack.consistency()
        assert found["pooler"] is True
        assert 0 < found["held"].get("mcpist", 0) <= 4
        assert (books["problems"], books["transactions"]) == ([], 60)
        assert stack.state()["processes"]["pgbouncer"]["up"]
        stack.kill("pgbouncer")
        wait_until(lambda: call(stack)[0] == 500)
        stack.restart("pgbouncer")
        wait_until(lambda: call(stack)[0] == 200)
        assert call(stack)[0] == 200
    finally:
        stack.stop()


@pytest.mark.slow
def test_without_pgbouncer_the_stack_says_so(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESILIENCE_NO_PGBOUNCER", "1")
    stack = started(tmp_path_factory, mode="pooler")
    try:
        assert call(stack)[0] == 200
        assert stack.connections()["pooler"] is False
        assert "pgbouncer" not in stack.state()["processes"]
    finally:
        stack.stop()

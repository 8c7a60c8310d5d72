"""The impatient: how a call is given up in each era, and when it is not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from common.mcp_versions import LEGACY, MODERN, NONE
from telemetry.recording.sample import Flag, Outcome
from tests.support.fake_account_client import FakeAccountClient, answer
from users.mcp.dialect import Dialect
from users.mcp.operations import CANCELLED, Operation
from users.personas.persona import make_persona


def begun(version: str, **options: Any) -> FakeAccountClient:
    """One call is in flight, and its caller's patience is over."""
    dialect = Dialect(version)
    client = FakeAccountClient(dialect=dialect)
    tool = Operation(9, "m.t", dialect.call_tool("t", {}))
    make_persona("impatient", client, (tool,), options).arrive(7, 0.0, 0)
    client.advance(0.99)
    assert [call.index for call in client.open_calls] == [7]
    client.advance(1.0)
    return client


@pytest.mark.parametrize("version", [MODERN, NONE])
def test_where_there_is_no_session_leaving_is_all_there_is_to_say(version: str) -> None:
    (call,) = begun(version).calls
    assert (call.outcome, call.done) == (Outcome.ABORTED, 1.0)


@pytest.mark.parametrize("version", LEGACY)
def test_in_a_session_the_call_is_named_and_left_when_that_has_arrived(version: str) -> None:
    client = begun(version)
    call, notice = client.calls
    assert (call.outcome, notice.tool, notice.flags, notice.index) == (None, CANCELLED, Flag.EXTRA, -1)
    message = client.sent[1][1]
    said = json.loads(message.before + message.after)
    assert said == {
        "jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": call.request_id}
    }  # fmt: skip
    client.advance(1.1)
    answer(client, notice, 202)
    assert (call.outcome, call.done) == (Outcome.ABORTED, 1.1)


def test_it_is_left_too_where_the_notice_is_refused() -> None:
    client = begun(LEGACY[0])
    answer(client, client.calls[1], 404, "http_error")
    assert client.calls[0].outcome is Outcome.ABORTED


def test_without_notice_it_just_leaves() -> None:
    client = begun(LEGACY[0], notice=False)
    assert [call.outcome for call in client.calls] == [Outcome.ABORTED]


def test_patience_is_an_option() -> None:
    client = FakeAccountClient()
    tool = Operation(9, "m.t", client.dialect.call_tool("t", {}))
    make_persona("impatient", client, (tool,), {"after": 2.5}).arrive(0, 0.0, 0)
    client.advance(2.4)
    assert client.open_calls
    client.advance(2.5)
    assert not client.open_calls


@pytest.mark.parametrize("version", [MODERN, LEGACY[0]])
def test_a_call_that_was_answered_is_not_given_up(version: str) -> None:
    client = FakeAccountClient(dialect=Dialect(version))
    tool = Operation(9, "m.t", client.dialect.call_tool("t", {}))
    make_persona("impatient", client, (tool,), {}).arrive(0, 0.0, 0)
    client.advance(0.5)
    answer(client, client.calls[0])
    client.advance(5.0)
    assert [call.outcome for call in client.calls] == [Outcome.OK]


@pytest.mark.parametrize(("option", "value"), [("after", 0), ("after", "soon"), ("notice", "loudly")])
def test_other_options_are_refused(option: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"persona impatient: {option}: {value!r}, allowed: "):
        begun(NONE, **{option: value})

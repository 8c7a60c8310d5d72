"""An account's client: its session's wait, its standing stream."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest

from common.mcp_versions import MODERN, NONE
from fakes.http import mcp_headers
from targets.intents import USUAL
from telemetry.recording.sample import REASON_CODE, Flag, Outcome, of_intent
from users.accounts.account_client import PooledAccountClient
from users.accounts.accounts import Account, evenly
from users.mcp.dialect import Dialect
from users.mcp.headers import RequestHeaders
from users.mcp.operations import INITIALIZE, INITIALIZED, LISTEN
from users.transport.call import Call

LEGACY = "2025-11-25"


@dataclass
class Pool:
    """A `Client` without a network: what it was to send."""

    sent: list[Call] = field(default_factory=list)

    def send(self, call: Call) -> None:
        call.sent = 0.0
        self.sent.append(call)


@dataclass
class Rig:
    """One account's client, and what it put off."""

    account: int
    reopen_within: float = 0.0
    version: str = LEGACY
    answers: bool = False
    now: float = 0.0
    pool: Pool = field(default_factory=Pool)
    later: list[tuple[float, Callable[[], None]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        pool: Any = self.pool
        self.client = PooledAccountClient(
            Account(self.account, "a", "192.0.2.1", "unlimited", 0),
            pool,
            RequestHeaders("/", "t", {}),
            lambda account: b"",
            count(1),
            clock=lambda: self.now,
            spawn_later=self._spawn_later,
            dialect=Dialect(self.version, answers=self.answers),
            reopen_within=self.reopen_within,
        )

    def _spawn_later(self, seconds: float, action: Callable[[], None]) -> Any:
        made = (seconds, action)
        self.later.append(made)
        return SimpleNamespace(kill=lambda block: self.later.remove(made))

    @property
    def opened(self) -> list[Call]:
        """The calls that open a session."""
        return [call for call in self.pool.sent if call.tool == INITIALIZE]

    def lose_session(self) -> None:
        """It is open, and then a call is told that it is gone."""
        self.open_session()
        self.now = 5.0
        lost = Call(0, 5.0, self.account, 0, 9)
        lost.status, lost.sent, lost.outcome = 404, 5.0, Outcome.FAILED
        self.client.failed(lost)

    def open_session(self) -> None:
        """It is open."""
        self.client.open_session()
        (opening,) = self.pool.sent
        opening.outcome, opening.headers = Outcome.OK, {b"mcp-session-id": b"s"}
        opening.body = b'{"result":{}}'
        assert opening.on_done is not None
        opening.on_done(opening)
        notice = self.pool.sent[-1]
        assert (notice.tool, b"Mcp-Session-Id: s" in notice.request) == (INITIALIZED, True)
        assert notice.on_done is not None
        notice.on_done(notice)


@pytest.mark.parametrize("account", [0, 1, 2, 499])
def test_a_lost_session_is_opened_anew_after_the_accounts_own_time(account: int) -> None:
    rig = Rig(account, reopen_within=10.0)
    rig.lose_session()
    waits = [seconds for seconds, _ in rig.later]
    assert waits == ([10.0 * evenly(account)] if account else [])  # the first account's own time is none
    assert len(rig.opened) == (1 if account else 2)


def test_without_such_a_time_it_is_opened_anew_at_once() -> None:
    rig = Rig(3)
    rig.lose_session()
    assert (rig.later, len(rig.opened)) == ([], 2)


def test_a_standing_stream_is_a_get_of_the_session() -> None:
    rig = Rig(0)
    rig.open_session()
    call = rig.client.listen(index=4, planned=2.0)
    assert rig.pool.sent[-1] is call
    assert (call.index, call.planned, call.tool) == (4, 2.0, LISTEN)
    assert call.request.startswith(b"GET / HTTP/1.1\r\n")
    assert call.request.endswith(b"Mcp-Session-Id: s\r\nMCP-Protocol-Version: 2025-11-25\r\n\r\n")


def test_in_the_modern_era_it_is_a_request_of_its_own() -> None:
    rig = Rig(0, version=MODERN)
    call = rig.client.listen(index=4, planned=2.0)
    assert call.request.startswith(b"POST ")
    assert b"Mcp-Method: subscriptions/listen\r\n" in call.request
    assert b'"method":"subscriptions/listen"' in call.request


def test_plain_json_rpc_asks_too_and_has_no_session_to_show() -> None:
    call = Rig(0, version=NONE).client.listen(index=0, planned=0.0)
    assert call.request.startswith(b"GET / ")
    assert b"Mcp" not in call.request


def asks(call: Call) -> None:
    """The call is over: its tool asks the user something."""
    question = {"method": "elicitation/create", "params": {"requestedSchema": {}}}
    result = {"resultType": "input_required", "inputRequests": {"q": question}, "requestState": "s"}
    call.body = json.dumps({"jsonrpc": "2.0", "id": call.request_id, "result": result}).encode()
    call.outcome, call.reason = Outcome.FAILED, REASON_CODE["input_required"]
    assert call.on_done is not None
    call.on_done(call)


def test_a_tool_that_asks_is_answered_once_and_the_persona_hears_of_the_last_call() -> None:
    rig, heard = Rig(0, version=MODERN, answers=True), list[Call]()
    rig.client.call(rig.client.dialect.call_tool("book", {}), 9, index=4, planned=1.0, on_done=heard.append)
    asks(rig.pool.sent[0])
    first, again = rig.pool.sent
    assert (again.index, again.attempt, again.tool, again.flags) == (of_intent(4), 1, 9, Flag.EXTRA)
    assert again.request_id != first.request_id
    assert b'"inputResponses":{"q":{"action":"accept","content":{}}}' in again.request
    assert heard == []
    asks(again)  # again: once is enough
    assert (heard, len(rig.pool.sent)) == ([again], 2)


def test_who_does_not_answer_hears_of_the_question() -> None:
    rig, heard = Rig(0, version=MODERN), list[Call]()
    rig.client.call(rig.client.dialect.call_tool("book", {}), 9, index=4, planned=1.0, on_done=heard.append)
    asks(rig.pool.sent[0])
    assert (heard, len(rig.pool.sent)) == (rig.pool.sent, 1)


def test_each_call_of_a_marked_message_has_a_nonce_of_its_own_wherever_the_mark_stands() -> None:
    rig = Rig(3, version=MODERN)
    dialect = Dialect(MODERN, {"echo": {"text": "Text"}})
    message = dialect.call_tool("echo", {"text": "{nonce}", "deep": [{"a": "is {nonce}"}]})
    calls = [rig.client.call(message, 9, index=index, planned=0.0) for index in range(2)]
    for call in calls:
        assert call.nonce.startswith(b"rznonce-")
        assert f"-3-{call.index}-{call.request_id}-z".encode() in call.nonce
        assert call.request.count(call.nonce) == 3
        assert b"Mcp-Param-Text: " + call.nonce + b"\r\n" in call.request
        head, _, body = call.request.partition(b"\r\n\r\n")
        assert b"content-length: %d" % len(body) in head
    assert calls[0].nonce != calls[1].nonce


@pytest.mark.parametrize(
    "text", ["ü {nonce}", " {nonce}", '{intent}\n{nonce} "ü"', "{intent} ", "=?base64?{nonce}?="]
)
def test_a_marked_argument_that_a_header_cannot_hold_says_there_what_the_body_says(text: str) -> None:
    rig = Rig(3, version=MODERN)
    dialect = Dialect(MODERN, {"echo": {"text": "Text"}}, intents=USUAL)
    message = dialect.call_tool("echo", {"text": text})
    said = set[str]()
    for index in range(2):
        call = rig.client.call(message, 9, index=index, planned=0.0)
        head, _, body = call.request.partition(b"\r\n\r\n")
        found = re.search(rb"\r\nMcp-Param-Text: (.*)\r\n", head)
        assert found is not None
        argument = json.loads(body)["params"]["arguments"]["text"]
        assert mcp_headers.decode(found[1]) == argument
        assert found[1].startswith(b"=?base64?")
        assert "{" not in argument
        said.add(argument)
    assert len(said) == 2


def test_a_message_without_a_mark_has_none() -> None:
    call = Rig(0, version=NONE).client.call(
        Dialect().call_tool("echo", {"text": "hi"}), 9, index=0, planned=0.0
    )
    assert (call.nonce, call.expect) == (b"", None)


def test_an_arrival_and_its_repeats_say_the_same_intent() -> None:
    rig = Rig(3, version=MODERN)
    message = Dialect(MODERN, intents=USUAL).call_tool("echo", {"text": "hi"})
    first = rig.client.call(message, 9, index=5, planned=0.0)
    again = rig.client.call(message, 9, index=of_intent(5), flags=Flag.EXTRA | Flag.RETRY, attempt=1)
    other = rig.client.call(message, 9, index=6, planned=0.0)
    key = re.compile(rb"Idempotency-Key: (rzintent-[a-z0-9]+-3-\d+-z)\r")
    told = [key.findall(one.request) for one in (first, again, other)]
    assert told[0] == told[1] != told[2]
    assert all(len(keys) == 1 for keys in told)


def test_an_arrival_and_its_repeats_are_of_one_trace() -> None:
    rig = Rig(3, version=MODERN)
    message = Dialect(MODERN, trace=True).call_tool("echo", {"text": "hi"})
    first = rig.client.call(message, 9, index=5, planned=0.0)
    again = rig.client.call(message, 9, index=of_intent(5), flags=Flag.EXTRA | Flag.RETRY, attempt=1)
    other = rig.client.call(message, 9, index=6, planned=0.0)
    value = re.compile(rb"00-([0-9a-f]{32})-([0-9a-f]{16})-01")
    told = [value.findall(one.request) for one in (first, again, other)]
    assert all(header == meta for header, meta in told)  # both places say the same
    (one, _), (repeat, _), (another, _) = told
    assert one[0] == repeat[0] != another[0]
    assert len({one[1], repeat[1], another[1]}) == 3

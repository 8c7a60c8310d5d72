"""Whose answer it is: nonces, JSON-RPC ids, sessions and users of others are found, and nothing else is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from telemetry.recording.sample import REASONS, Outcome
from users.mcp import answers
from users.mcp.expectation import OWN_NONCE
from users.mcp.isolation import Foreign, Isolation
from users.mcp.nonce import UNKNOWN, Nonces, Whose
from users.mcp.operations import INITIALIZE
from users.mcp.sse import EventStream
from users.transport.call import Call


class Rig:
    """The check of a process with two accounts."""

    def __init__(self) -> None:
        self.found: list[Foreign] = []
        self.nonces = Nonces("run")
        users = [(0, "user-a"), (1, "user-b")]
        self.check = Isolation(answers.judge, self.nonces, users, lambda call, one: self.found.append(one))

    def call(self, account: int, id: int, tool: int = 9, index: int | None = None) -> Call:
        call = Call(id if index is None else index, 0.0, account, 0, tool)
        call.request_id, call.status, call.expect = id, 200, OWN_NONCE
        call.nonce = self.nonces.of(call)
        call.headers = {b"content-type": b"application/json"}
        return call

    def answered(self, call: Call, text: bytes = b"", id: int | None = None, **headers: str) -> str:
        result = {"content": [{"type": "text", "text": (text or call.nonce).decode()}]}
        reply: dict[str, Any] = {"jsonrpc": "2.0", "id": id or call.request_id, "result": result}
        call.body = json.dumps(reply).encode()
        call.headers |= {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
        self.check(call)
        return REASONS[call.reason]


def test_an_answer_with_its_own_nonce_is_good_however_often_it_is_there() -> None:
    rig = Rig()
    call = rig.call(0, 1)
    assert rig.answered(call, call.nonce + b" " + call.nonce) == ""
    assert (call.outcome, rig.found) == (Outcome.OK, [])


def test_an_answer_without_it_is_wrong() -> None:
    rig = Rig()
    assert rig.answered(rig.call(0, 1), b"hello") == "wrong_answer"
    assert rig.found == []


@pytest.mark.parametrize("own_too", [False, True])
def test_a_nonce_of_another_call_is_foreign_also_beside_ones_own(own_too: bool) -> None:
    rig = Rig()
    mine, theirs = rig.call(0, 1), rig.call(1, 12)
    call = mine.nonce + theirs.nonce if own_too else theirs.nonce
    assert rig.answered(mine, call) == "foreign_answer"
    assert mine.outcome is Outcome.FAILED
    assert rig.found == [Foreign("nonce", Whose(1, 12))]


def test_no_nonce_is_part_of_another() -> None:
    rig = Rig()
    mine, longer = rig.call(0, 1), rig.call(0, 11)
    assert mine.nonce not in longer.nonce
    assert rig.answered(mine, longer.nonce) == "foreign_answer"


def test_a_failed_answer_is_looked_at_too() -> None:
    rig = Rig()
    call, theirs = rig.call(0, 1), rig.call(1, 2)
    call.status, call.body = 502, b"upstream said: " + theirs.nonce
    rig.check(call)
    assert REASONS[call.reason] == "foreign_answer"


def test_a_refusal_without_any_keeps_its_reason() -> None:
    rig = Rig()
    call = rig.call(0, 1)
    call.status, call.body = 429, b'{"error":{"data":{"reason":"burst_exceeded"}}}'
    rig.check(call)
    assert (REASONS[call.reason], rig.found) == ("burst_exceeded", [])


def test_a_nonce_of_another_run_names_nobody_of_this_one() -> None:
    rig = Rig()
    old = Nonces("another").of(rig.call(1, 3))
    assert rig.answered(rig.call(0, 1), old) == "foreign_answer"
    assert rig.found == [Foreign("nonce", Whose(UNKNOWN, -1))]


def test_a_nonce_of_another_worker_of_the_run_names_its_account() -> None:
    rig = Rig()
    assert rig.answered(rig.call(0, 1), Nonces("run").of(rig.call(7, 3))) == "foreign_answer"
    assert rig.found == [Foreign("nonce", Whose(7, 3))]


def test_what_only_looks_like_a_nonce_is_none() -> None:
    rig = Rig()
    call = rig.call(0, 1)
    assert rig.answered(call, b"rznonce-of-old " + call.nonce) == ""


def test_another_calls_id_is_foreign_unless_our_own_nonce_is_there() -> None:
    rig = Rig()
    assert rig.answered(rig.call(0, 5), b"hello", id=4) == "foreign_answer"
    assert rig.found == [Foreign("id", Whose(UNKNOWN, -1))]
    assert rig.answered(rig.call(0, 5), id=1) == "bad_response"


def test_another_accounts_session_and_user_are_foreign() -> None:
    rig = Rig()
    for account, session in ((0, "s-a"), (1, "s-b")):
        assert rig.answered(rig.call(account, 1 + account, INITIALIZE), mcp_session_id=session) == ""
    assert rig.answered(rig.call(0, 3), mcp_session_id="s-a", x_user_id="user-a") == ""
    assert rig.answered(rig.call(0, 4), x_user_id="somebody-else") == ""  # none of ours
    assert rig.found == []
    assert rig.answered(rig.call(0, 5), mcp_session_id="s-b") == "foreign_answer"
    assert rig.answered(rig.call(0, 6), x_user_id="user-b") == "foreign_answer"
    assert rig.answered(rig.call(1, 7, INITIALIZE), mcp_session_id="s-a") == "foreign_answer"  # given twice
    assert [one.by for one in rig.found] == ["session", "user", "session"]


def test_an_event_stream_that_came_in_pieces_is_looked_at() -> None:
    rig = Rig()
    mine, theirs = rig.call(0, 1), rig.call(1, 2)
    mine.headers = {b"content-type": b"text/event-stream"}
    stream = mine.stream = EventStream(mine.request_id)
    reply = {"jsonrpc": "2.0", "id": 1, "result": {"content": [{"text": theirs.nonce.decode()}]}}
    stream.feed(b"data: " + json.dumps(reply).encode() + b"\n\n")
    rig.check(mine)
    assert rig.found == [Foreign("nonce", Whose(1, 2))]


def test_a_foreign_nonce_in_the_first_piece_is_seen_where_the_end_came_in_the_last() -> None:
    rig = Rig()
    mine, theirs = rig.call(0, 1), rig.call(1, 2)
    mine.headers = {b"content-type": b"text/event-stream"}
    stream = mine.stream = EventStream(mine.request_id)
    text = f"{theirs.nonce.decode()} {mine.nonce.decode()}"
    reply = {"jsonrpc": "2.0", "id": 1, "result": {"content": [{"text": text}]}}
    told = b"data: " + json.dumps(reply).encode()
    stream.feed(told[:-6])
    mine.body = told[-6:] + b"\n\n"
    rig.check(mine)
    assert rig.found == [Foreign("nonce", Whose(1, 2))]
    assert REASONS[mine.reason] == "foreign_answer"


def test_anothers_message_in_our_stream_is_foreign() -> None:
    rig = Rig()
    mine, theirs = rig.call(0, 1), rig.call(1, 2)
    mine.headers = {b"content-type": b"text/event-stream"}
    stream = mine.stream = EventStream(mine.request_id)
    reply = {"jsonrpc": "2.0", "id": 2, "result": {"content": [{"text": theirs.nonce.decode()}]}}
    stream.feed(b"data: " + json.dumps(reply).encode() + b"\n\n")
    rig.check(mine)
    assert REASONS[mine.reason] == "foreign_answer"

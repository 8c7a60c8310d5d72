"""An intent's key: one for all of its calls, wherever it is told, and counted wherever it stands."""

from __future__ import annotations

import json

import pytest

from common.mcp_versions import MODERN, NONE
from targets.intents import USUAL, IntentPlace
from telemetry.recording.sample import of_intent
from users.accounts.intent_key import IntentKeys
from users.mcp.dialect import Dialect
from users.mcp.messages import Message, assemble
from users.transport.call import Call

KEYS = IntentKeys("a1b2")


def call(index: int, request_id: int) -> Call:
    made = Call(index, 0.0, 3, 0, 0)
    made.request_id = request_id
    return made


def sent(message: Message, key: bytes) -> tuple[str, dict[str, object]]:
    head, _, body = assemble(b"POST / HTTP/1.1\r\n", message, 7, key=key).partition(b"\r\n\r\n")
    assert b"content-length: %d" % len(body) in head
    return head.decode(), json.loads(body)["params"]


def test_an_arrival_and_its_repeats_have_one_key_and_others_another() -> None:
    first, again = KEYS.of(call(12, 40)), KEYS.of(call(of_intent(12), 41))
    assert first == again == b"rzintent-a1b2-3-12-z"
    assert KEYS.of(call(1, 40)) != first
    assert IntentKeys("ffff").of(call(12, 40)) != first


def test_a_call_beyond_the_schedule_counts_for_no_arrival() -> None:
    keys = {KEYS.of(call(-1, number)) for number in (40, 41)}
    assert len(keys) == 2
    assert KEYS.count(b" ".join(keys).decode()) == {}


def test_keys_are_counted_in_any_text_those_of_other_runs_are_not() -> None:
    one, two = KEYS.of(call(12, 1)).decode(), KEYS.of(call(1, 1)).decode()
    other = IntentKeys("a1b3").of(call(12, 1)).decode()
    text = json.dumps({"effects": [{"key": one}, one], "text": json.dumps([two, other])})
    assert KEYS.count(text) == {12: 2, 1: 1}


@pytest.mark.parametrize("version", [NONE, "2025-11-25", MODERN])
def test_it_goes_as_a_header_unless_told_otherwise(version: str) -> None:
    message = Dialect(version, intents=USUAL).call_tool("echo", {"text": "hi"})
    head, params = sent(message, b"rzintent-k")
    assert head.count("Idempotency-Key: rzintent-k\r\n") == 1
    assert "rzintent-k" not in json.dumps(params)


@pytest.mark.parametrize("version", [NONE, MODERN])
def test_it_goes_in_meta_where_the_target_wants_it_there(version: str) -> None:
    message = Dialect(version, intents=IntentPlace(meta="com.example/intent")).call_tool("echo", {})
    head, params = sent(message, b"rzintent-k")
    meta = params["_meta"]
    assert isinstance(meta, dict)
    assert meta["com.example/intent"] == "rzintent-k"
    assert ("io.modelcontextprotocol/protocolVersion" in meta) == (version == MODERN)
    assert "rzintent-k" not in head


def test_it_stands_for_its_mark_in_arguments_beside_a_nonce() -> None:
    message = Dialect().call_tool("pay", {"once": "{intent}", "mark": "{nonce}"})
    assert (message.keyed, len(message.pieces)) == (True, 2)
    body = assemble(b"", message, 7, b"rznonce-n", b"rzintent-k").partition(b"\r\n\r\n")[2]
    assert json.loads(body)["params"]["arguments"] == {"once": "rzintent-k", "mark": "rznonce-n"}


def test_nothing_is_keyed_that_calls_no_tool_or_was_not_asked_to() -> None:
    keyed = Dialect(MODERN, intents=USUAL)
    assert not keyed.list_tools().keyed
    assert not Dialect(MODERN).call_tool("echo", {"text": "hi"}).keyed


@pytest.mark.parametrize("given", [{}, {"header": "A", "meta": "b"}, {"header": "a b"}])
def test_it_has_one_place(given: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"one of header, meta|pattern"):
        IntentPlace(**given)

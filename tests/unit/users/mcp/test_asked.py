"""A tool that asks gets one answer: the same request, with what fits its questions and its own state."""

from __future__ import annotations

import json
from typing import Any

from common.mcp_versions import MODERN
from users.mcp import asked
from users.mcp.dialect import Dialect
from users.mcp.messages import Message, assemble

DIALECT = Dialect(MODERN, answers=True)
CALL = DIALECT.call_tool("book", {"day": "today"})
FORM = {"properties": {"name": {"type": "string"}, "size": {"enum": ["s", "m"]}, "sure": {"default": False}}}


def reply(**result: Any) -> bytes:
    return json.dumps(
        {"jsonrpc": "2.0", "id": 7, "result": {"resultType": "input_required", **result}}
    ).encode()


def params(message: Message | None) -> dict[str, Any]:
    assert message is not None
    head, _, body = assemble(b"", message, 8).partition(b"\r\n\r\n")
    assert b"Mcp-Name: book" in head
    sent: dict[str, Any] = json.loads(body)
    assert (sent["id"], sent["method"]) == (8, "tools/call")
    found: dict[str, Any] = sent["params"]
    return found


def test_the_same_call_with_answers_that_fit_and_the_state_as_it_was() -> None:
    questions = {"who": {"method": "elicitation/create", "params": {"requestedSchema": FORM}}}
    told = params(asked.answered(DIALECT, CALL, reply(inputRequests=questions, requestState={"round": 1})))
    assert (told["name"], told["arguments"]) == ("book", {"day": "today"})
    content = {"name": "x", "size": "s", "sure": False}
    assert told["inputResponses"] == {"who": {"action": "accept", "content": content}}
    assert told["requestState"] == {"round": 1}
    capabilities = told["_meta"]["io.modelcontextprotocol/clientCapabilities"]
    assert set(capabilities) == {"elicitation", "sampling", "roots"}


def test_a_model_and_roots_are_answered_too_and_no_state_is_made_up() -> None:
    questions = {"m": {"method": "sampling/createMessage"}, "r": {"method": "roots/list"}}
    told = params(asked.answered(DIALECT, CALL, reply(inputRequests=questions)))
    assert told["inputResponses"]["r"] == {"roots": []}
    assert told["inputResponses"]["m"]["content"] == {"type": "text", "text": "x"}
    assert "requestState" not in told


def test_what_cannot_be_read_is_not_answered() -> None:
    deep = b'{"result":{"requestState":' + b"[" * 5000 + b"]" * 5000 + b"}}"
    for body in (
        deep,
        b'{"result":{"requestState":"\xff"}}',
        b"",
        b"{",
        reply(),
        reply(inputRequests=5),
        b'{"result":5}',
        b'{"error":{}}',
    ):
        assert asked.answered(DIALECT, CALL, body) is None


def test_an_answer_is_known_as_one() -> None:
    again = asked.answered(DIALECT, CALL, reply(requestState="s"))
    assert again is not None
    assert asked.is_answer(again)
    assert not asked.is_answer(CALL)


def test_who_does_not_answer_says_so_in_its_capabilities() -> None:
    plain = json.loads(Dialect(MODERN).call_tool("book", {}).after.removeprefix(b",").join([b"{", b""]))
    assert plain["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] == {}

from __future__ import annotations

import json
from typing import Any

import pytest

from telemetry.recording.sample import REASON_CODE
from users.engine.error_texts import MAX_KINDS, ErrorTexts
from users.mcp.words import MAX_LENGTH
from users.transport.call import Call


def failed(body: bytes, reason: str = "db_error", status: int = 500) -> Call:
    call = Call(0, 1.0, 0, 0, 0)
    call.body, call.reason, call.status = body, REASON_CODE[reason], status
    return call


def error(detail: str, request_id: int = 1) -> bytes:
    data = {"reason": "db_error", "detail": detail}
    reply = {"jsonrpc": "2.0", "id": request_id, "error": {"code": -32603, "message": "No", "data": data}}
    return json.dumps(reply).encode()


@pytest.fixture
def said() -> list[dict[str, Any]]:
    return []


def test_a_text_is_kept_word_for_word(said: list[dict[str, Any]]) -> None:
    ErrorTexts(said.append).see(failed(error("sorry, too many clients already")), 3.14159)
    assert said == [
        {
            "t": 3.142, "reason": "db_error", "status": 500, "code": -32603, "message": "No",
            "detail": "sorry, too many clients already", "kind": "No: sorry, too many clients already",
            "count": 1,
        }
    ]  # fmt: skip


def test_the_same_text_is_one_kind_whatever_its_id(said: list[dict[str, Any]]) -> None:
    texts = ErrorTexts(said.append)
    for number in range(50):
        texts.see(failed(error("full", number)), number)
    assert len(said) == 1
    texts.see(failed(error("full"), reason="http_error"), 1)
    assert len(said) == 2


def test_ids_and_numbers_make_no_new_kind(said: list[dict[str, Any]]) -> None:
    texts = ErrorTexts(said.append)
    for number in range(50):
        texts.see(failed(error(f"account 8f14e45f-ceea-4672-9a36-{number:012x} used {number} of 30")), number)
    assert len(said) == 1
    texts.flush()
    texts.flush()
    assert [line["count"] for line in said] == [1, 50]
    assert (
        said[0]["detail"] == said[1]["detail"] == "account 8f14e45f-ceea-4672-9a36-000000000000 used 0 of 30"
    )


def test_no_more_kinds_than_so_many(said: list[dict[str, Any]]) -> None:
    texts = ErrorTexts(said.append)
    for number in range(3 * MAX_KINDS):
        texts.see(failed(error(f"text {'x' * number}")), number)
    assert len(said) == MAX_KINDS


def test_a_tools_error_is_told_in_its_words(said: list[dict[str, Any]]) -> None:
    result = {"content": [{"type": "text", "text": "Notion is not connected"}], "isError": True}
    ErrorTexts(said.append).see(
        failed(json.dumps({"id": 1, "result": result}).encode(), "tool_error", 200), 0
    )
    assert said[0]["message"] == "Notion is not connected"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", ""),
        (b"<html>Bad Gateway</html>", "<html>Bad Gateway</html>"),
        (b'{"error": "plain"}', '{"error": "plain"}'),
        (b"\xff\xfe", "��"),
        (b"x" * 10_000, "x" * MAX_LENGTH),
        (b"[" * 100_000, "[" * MAX_LENGTH),
    ],
)
def test_other_bodies_are_kept_as_they_are(said: list[dict[str, Any]], body: bytes, message: str) -> None:
    ErrorTexts(said.append).see(failed(body, "http_error", 502), 0)
    assert said[0]["message"] == message
    assert (said[0]["code"], said[0]["detail"]) == (0, "")


def test_an_error_without_data_has_no_detail(said: list[dict[str, Any]]) -> None:
    ErrorTexts(said.append).see(failed(b'{"error":{"code":-1,"message":"no"}}'), 0)
    assert (said[0]["message"], said[0]["detail"]) == ("no", "")

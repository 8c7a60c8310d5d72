"""What a target says of a failed call reaches terminals, pages and XML: it commands none of them."""

from __future__ import annotations

import json

import pytest

from users.mcp.words import words
from users.transport.call import Call

HOSTILE = "\x1b[2J\x1b]0;you\x07 won\r\nPASS \x9b31m \u202egnp"
HARMLESS = r"\x1b[2J\x1b]0;you\x07 won PASS \x9b31m \u202egnp"


def failed(body: bytes) -> Call:
    call = Call(0, 0.0, 0, 0, 0)
    call.body = body
    return call


@pytest.mark.parametrize(
    "body",
    [
        HOSTILE.encode(),
        json.dumps({"error": {"code": -32000, "message": HOSTILE}}).encode(),
        json.dumps({"result": {"isError": True, "content": [{"type": "text", "text": HOSTILE}]}}).encode(),
    ],
)
def test_what_cannot_be_printed_is_escaped(body: bytes) -> None:
    assert words(failed(body)).message == HARMLESS


def test_what_stands_behind_the_gateway_is_escaped_too() -> None:
    said = words(failed(json.dumps({"error": {"code": 1, "message": "障害", "data": HOSTILE}}).encode()))
    assert (said.message, said.detail) == ("障害", HARMLESS)

"""An answer held against what is expected: raw bytes, texts without their escapes, values at paths."""

from __future__ import annotations

import json
from typing import Any

import pytest

from common.expect import Expect
from users.mcp.expectation import OWN_NONCE, ready

NONCE = b"rznonce-00aa"


def answer(result: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": 1, "result": result}).encode()


def text(*said: str) -> bytes:
    return answer({"content": [{"type": "text", "text": one} for one in said]})


INNER = text(json.dumps({"data": {"id": "rznonce-00aa"}, "n": 3, "yes": True}))


@pytest.mark.parametrize(
    ("expect", "message", "met"),
    [
        ({"contains": "{nonce}"}, text("it is rznonce-00aa."), True),
        ({"contains": "{nonce}"}, text("it is rznonce-00ab."), False),
        ({"contains": 'say "{nonce}"'}, text('say "rznonce-00aa"'), True),  # escaped on the wire
        ({"contains": "日本 {nonce}"}, text("日本 rznonce-00aa"), True),
        ({"contains": "x"}, b"\xff", False),
        ({"equals": "you said {nonce}"}, text("you said rznonce-00aa"), True),
        ({"equals": "you said {nonce}"}, text("you said rznonce-00aa!"), False),
        ({"equals": "a\nb"}, text("a", "b"), True),
        ({"equals": "a"}, answer({"content": "no list"}), False),
        ({"json": {"content.0.text.data.id": "{nonce}", "content.0.text.n": 3}}, INNER, True),
        ({"json": {"content.0.text.data.id": "other"}}, INNER, False),
        ({"json": {"content.0.text.n": 4}}, INNER, False),
        ({"json": {"content.0.text.yes": 1}}, INNER, False),  # true is not 1
        ({"json": {"content.1.text": "a"}}, INNER, False),
        ({"json": {"content.x": "a"}}, INNER, False),
        ({"json": {"content.0.type.a": "a"}}, INNER, False),  # a text that is no JSON
        ({"json": {"a": "b"}}, answer(None), False),
        ({"json": {"a": "b"}}, b"<html>", False),
    ],
)
def test_an_expectation(expect: dict[str, Any], message: bytes, met: bool) -> None:
    made = ready(Expect.model_validate(expect))
    assert made is not None
    assert made.met(message, NONCE) is met


def test_nearly_all_expect_their_own_nonce() -> None:
    assert ready(Expect(contains="{nonce}")) is OWN_NONCE
    assert ready(None) is None

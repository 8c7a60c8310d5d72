"""The liar: `Mcp-Name` says one of its false names in turn, and the body is what a caller sends."""

from __future__ import annotations

from typing import Any

import pytest

from common.mcp_versions import LEGACY, MODERN
from tests.support.fake_account_client import FakeAccountClient
from users.mcp.dialect import Dialect, misnamed
from users.mcp.messages import Message
from users.mcp.operations import Operation
from users.personas.persona import make_persona


def sent(version: str, calls: int, **options: Any) -> list[Message]:
    dialect = Dialect(version, {"echo": {"text": "Text"}})
    client = FakeAccountClient(dialect=dialect)
    tool = Operation(9, "m.t", dialect.call_tool("echo", {"text": "Mcp-Name: x"}))
    made = make_persona("liar", client, (tool,), options)
    for index in range(calls):
        made.arrive(index, 0.0, 0)
    return [message for _, message in client.sent]


def names(messages: list[Message]) -> list[bytes]:
    lines = [line for message in messages for line in message.headers.split(b"\r\n")]
    return [line.partition(b": ")[2] for line in lines if line.startswith(b"Mcp-Name: ")]


def test_false_names_go_round() -> None:
    assert names(sent(MODERN, 4, names=3)) == [b"decoy-0", b"decoy-1", b"decoy-2", b"decoy-0"]
    assert len(set(names(sent(MODERN, 30)))) == 10


def test_nothing_else_is_other_than_what_a_caller_sends() -> None:
    honest = Dialect(MODERN, {"echo": {"text": "Text"}}).call_tool("echo", {"text": "Mcp-Name: x"})
    (lie,) = sent(MODERN, 1)
    assert lie != honest
    assert lie._replace(headers=lie.headers.replace(b"decoy-0", b"echo")) == honest


def test_where_there_is_no_such_header_it_is_honest() -> None:
    assert sent(LEGACY[0], 1) == [Dialect(LEGACY[0]).call_tool("echo", {"text": "Mcp-Name: x"})]


def test_a_false_name_is_written_as_any_other() -> None:
    assert names([misnamed(Dialect(MODERN).call_tool("echo", {}), "é")]) == [b"=?base64?w6k=?="]


@pytest.mark.parametrize("value", [0, 1001, "many"])
def test_other_options_are_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=f"persona liar: names: {value!r}, allowed: 1 to 1,000"):
        sent(MODERN, 1, names=value)

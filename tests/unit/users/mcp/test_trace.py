"""`traceparent`: in every request where it is asked for, in the modern era twice, otherwise nowhere."""

from __future__ import annotations

import json

import pytest

from common.mcp_versions import LEGACY, MODERN, NONE
from users.mcp.dialect import Dialect
from users.mcp.messages import Message, assemble

VALUE = b"00-00112233aabbccdd9e3779b97f4a7c15-9e3779b97f4a7c15-01"
VERSIONS = (NONE, LEGACY[0], MODERN)


def sent(message: Message) -> tuple[str, dict[str, object]]:
    head, _, body = assemble(b"POST / HTTP/1.1\r\n", message, 7, trace=VALUE).partition(b"\r\n\r\n")
    assert b"content-length: %d" % len(body) in head
    return head.decode(), json.loads(body)


@pytest.mark.parametrize("version", VERSIONS)
def test_it_is_a_header_of_every_request(version: str) -> None:
    dialect = Dialect(version, trace=True)
    for message in (dialect.call_tool("echo", {"text": "hi"}), dialect.list_tools(), dialect.listen()):
        head, body = sent(message)
        assert message.traced
        assert head.count(f"traceparent: {VALUE.decode()}\r\n") == 1
        assert "{trace}" not in head + json.dumps(body)


def test_in_the_modern_era_meta_says_the_same() -> None:
    _, body = sent(Dialect(MODERN, trace=True).call_tool("echo", {}))
    params = body["params"]
    assert isinstance(params, dict)
    assert params["_meta"]["traceparent"] == VALUE.decode()
    assert params["_meta"]["io.modelcontextprotocol/protocolVersion"] == MODERN


@pytest.mark.parametrize("version", [NONE, LEGACY[0]])
def test_other_eras_say_it_in_the_header_alone(version: str) -> None:
    _, body = sent(Dialect(version, trace=True).call_tool("echo", {}))
    assert "_meta" not in json.dumps(body)


@pytest.mark.parametrize("version", VERSIONS)
def test_nothing_is_traced_unless_asked(version: str) -> None:
    message = Dialect(version).call_tool("echo", {"text": "hi"})
    assert not message.traced
    assert b"traceparent" not in message.headers + message.after

"""The bytes of a request in every revision: the same messages, or headers and `_meta` that say all of it."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.mcp_versions import LEGACY, MODERN, NONE
from fakes.http import mcp_headers
from users.mcp.dialect import Dialect, header_value
from users.mcp.messages import Message, assemble

VERSION = "io.modelcontextprotocol/protocolVersion"


def sent(content: Message) -> tuple[dict[str, str], dict[str, Any]]:
    """(its own headers, its body)"""
    head, _, body = assemble(b"POST / HTTP/1.1\r\n", content, 7).partition(b"\r\n\r\n")
    lines = dict(line.split(": ", 1) for line in head.decode("ascii").split("\r\n")[1:])
    assert int(lines.pop("content-length")) == len(body)
    return lines, json.loads(body)


@pytest.mark.parametrize("version", [NONE, *LEGACY])
def test_without_the_modern_era_a_message_is_bare(version: str) -> None:
    headers, body = sent(Dialect(version).call_tool("echo", {"text": "hi"}))
    assert headers == {}
    assert body["params"] == {"name": "echo", "arguments": {"text": "hi"}}
    assert "params" not in sent(Dialect(version).list_tools())[1]


def test_a_modern_request_says_all_of_it() -> None:
    headers, body = sent(Dialect(MODERN).call_tool("echo", {"text": "hi"}))
    assert headers == {"MCP-Protocol-Version": MODERN, "Mcp-Method": "tools/call", "Mcp-Name": "echo"}
    meta = body["params"].pop("_meta")
    assert (meta[VERSION], meta["io.modelcontextprotocol/clientCapabilities"]) == (MODERN, {})
    assert meta["io.modelcontextprotocol/clientInfo"]["name"]
    assert body["params"] == {"name": "echo", "arguments": {"text": "hi"}}
    headers, body = sent(Dialect(MODERN).list_tools("next"))
    assert "Mcp-Name" not in headers
    assert (headers["Mcp-Method"], body["params"]["cursor"]) == ("tools/list", "next")


def test_an_initialize_offers_its_own_revision() -> None:
    body = sent(Dialect("2025-06-18").initialize())[1]
    assert body["params"]["protocolVersion"] == "2025-06-18"


def test_arguments_go_in_headers_where_the_tool_wants_them() -> None:
    dialect = Dialect(MODERN, {"search": {"region": "Region", "top": "Top", "absent": "Absent"}})
    headers, _ = sent(dialect.call_tool("search", {"region": "éu", "top": 5, "q": "x"}))
    assert headers["Mcp-Param-Region"] == f"=?base64?{base64.b64encode('éu'.encode()).decode()}?="
    assert headers["Mcp-Param-Top"] == "5"
    assert "Mcp-Param-Absent" not in headers


@pytest.mark.parametrize("plain", ["echo", "a b", "run/now", "=?base64?"])
def test_a_visible_name_goes_as_it_is(plain: str) -> None:
    assert header_value(plain) == plain


@pytest.mark.parametrize("odd", ["écho", " a", "a ", "", "=?base64?eA==?=", "a\nb"])
def test_any_other_is_encoded(odd: str) -> None:
    assert header_value(odd).startswith("=?base64?")


@given(st.text(max_size=40))
def test_a_server_reads_every_name_back(name: str) -> None:
    assert mcp_headers.decode(header_value(name).encode("ascii")) == name

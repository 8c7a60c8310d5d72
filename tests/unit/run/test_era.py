"""What a target speaks, by its answers; and the tools that it lists, as lines for its file."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
import yaml

from common.mcp_versions import LEGACY, MODERN, NONE
from common.tool_call import StandardCall
from run.checks import era, tool_list
from run.checks.talk import RequestResult, Talk
from run.checks.tool_list import ListedTool
from users.mcp.dialect import PLAIN, Dialect
from users.mcp.operations import Operation


def said(status: int = 200, reason: str = "", **reply: Any) -> RequestResult:
    return RequestResult("", status, reason, 0.01, reply=reply, limits={"upstream_s": math.nan})


def error(code: int, status: int = 400, **data: Any) -> RequestResult:
    return said(status, "http_error", error={"code": code, "data": data})


@dataclass
class Scripted:
    """A talk whose answers are known: to each call in turn, and to each `initialize`."""

    calls: list[RequestResult]
    opened: RequestResult
    dialect: Dialect = PLAIN
    spoken: list[str] = field(default_factory=list)

    def call(self, what: str, operation: Operation) -> RequestResult:
        return self.calls.pop(0)

    def speak(self, dialect: Dialect) -> RequestResult | None:
        self.dialect = dialect
        self.spoken.append(dialect.version)
        return self.opened if dialect.legacy else None


HOSTILE = "\x1b[2J\x9b\u202e"
AGREED = said(result={"protocolVersion": "2025-06-18"})
REFUSED = said(404, "http_error")


@pytest.mark.parametrize(
    ("discovered", "opened", "version"),
    [
        (said(result={"supportedVersions": [MODERN], "capabilities": {}}), AGREED, MODERN),
        (said(result={"supportedVersions": ["2025-11-25", "2025-06-18"]}), AGREED, "2025-06-18"),
        (said(result={"supportedVersions": ["1999"]}), REFUSED, NONE),
        (error(-32020), AGREED, MODERN),
        (error(-32021), AGREED, MODERN),
        (error(-32022, supported=[MODERN]), AGREED, MODERN),
        (error(-32022, supported=["2025-06-18"]), AGREED, "2025-06-18"),
        (error(-32022, supported=["1999"]), AGREED, "2025-06-18"),
        (error(-32601, 404), AGREED, MODERN),
        (error(-32601, 200), AGREED, "2025-06-18"),
        (error(-32000, 400), AGREED, "2025-06-18"),
        (said(401, "invalid_token"), AGREED, "2025-06-18"),
        (said(result={"content": []}), AGREED, "2025-06-18"),
        (error(-32000, 400), said(result={"protocolVersion": "2024-11-05"}), LEGACY[-1]),
        (error(-32000, 400), said(result={"content": []}), NONE),
        (error(-32000, 400), REFUSED, NONE),
        (said(0, "connect"), said(0, "connect"), NONE),
    ],
)
def test_the_era_by_what_the_target_answers(
    discovered: RequestResult, opened: RequestResult, version: str
) -> None:
    talk = Scripted([discovered], opened)
    assert era.find(cast(Talk, talk), "auto").version == version
    assert talk.dialect.version in (version, LEGACY[0])


def test_what_the_file_names_is_not_asked_for() -> None:
    talk = Scripted([], AGREED)
    found = era.find(cast(Talk, talk), "2025-03-26")
    assert (found.version, talk.spoken, len(found.asked)) == ("2025-03-26", ["2025-03-26"], 1)


SCHEMA = {
    "type": "object",
    "required": ["q", "kind", "deep", "n"],
    "properties": {
        "q": {"type": "string", "x-mcp-header": "Query"},
        "kind": {"enum": ["page", "all"]},
        "n": {"type": "integer", "default": 5},
        "deep": {"type": ["boolean", "null"]},
        "more": {"type": "string"},
    },
}


def test_a_line_to_paste_calls_the_tool_with_what_it_must_be_given() -> None:
    tool = ListedTool("search: all", SCHEMA)
    assert tool.required == ("q", "kind", "deep", "n")
    assert tool.headers == {"q": "Query"}
    call = StandardCall.model_validate(yaml.safe_load(tool.line))
    assert call.wire == ("search: all", {"q": "x", "kind": "page", "deep": "x", "n": 5})
    assert StandardCall.model_validate(yaml.safe_load(ListedTool("a", {}).line)).wire == ("a", {})


def test_a_list_has_pages() -> None:
    pages = [
        said(result={"tools": [{"name": "a", "inputSchema": SCHEMA}, 5, {"name": 7}], "nextCursor": "2"}),
        said(result={"tools": [{"name": "b"}]}),
    ]
    first, found = tool_list.listed(cast(Talk, Scripted([*pages], AGREED)))
    assert first is pages[0]
    assert [one.name for one in found] == ["a", "b"]


@pytest.mark.parametrize("reply", [{}, {"result": []}, {"result": {"tools": {}}}, {"error": {"code": 1}}])
def test_what_is_no_list_holds_no_tools(reply: dict[str, Any]) -> None:
    assert tool_list.listed(cast(Talk, Scripted([said(**reply)], AGREED)))[1] == []


def test_what_a_target_calls_itself_commands_no_terminal() -> None:
    opened = said(result={"protocolVersion": HOSTILE})
    found = era.find(cast(Talk, Scripted([REFUSED], opened)), "auto")
    assert str(found).isprintable()
    tool = ListedTool(HOSTILE, {"required": [HOSTILE], "properties": {}})
    assert tool.line.isprintable()
    assert list(yaml.safe_load(tool.line)["arguments"]) == [HOSTILE]

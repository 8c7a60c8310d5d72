from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.origin import tools
from fakes.settings import StackSettings

MODULES = StackSettings().upstreams
LINE = '{"module":"fast","tool":"echo","params":{"a":1}}'


def test_run_takes_module_tool_and_params() -> None:
    command = tools.command({"module": "notion", "tool": "search", "params": {"q": "x"}}, MODULES)
    assert command == tools.Command("notion", "search", {"q": "x"})
    assert tools.command({"module": "notion", "tool": "search"}, MODULES).params == {}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({}, "module"),
        ({"module": "notion"}, "tool"),
        ({"module": "notion", "tool": 3}, "tool"),
        ({"module": "notion", "tool": "search", "params": []}, "params"),
        ({"module": "notion", "tool": "zip"}, "unknown tool notion.zip"),
        ({"module": "nothing", "tool": "search"}, "unknown tool nothing.search"),
        ([], "object"),
    ],
)
def test_run_refuses_what_does_not_fit(arguments: object, says: str) -> None:
    with pytest.raises(tools.BadArgumentsError, match=says):
        tools.command(arguments, MODULES)


def test_batch_takes_one_to_ten_lines() -> None:
    assert len(tools.commands({"commands": f"\n{LINE}\n\n{LINE}\n"}, MODULES)) == 2
    assert len(tools.commands({"commands": "\n".join([LINE] * 10)}, MODULES)) == 10


@pytest.mark.parametrize("separator", ["\u2028", "\x85"])
def test_only_a_newline_ends_a_line(separator: str) -> None:
    line = LINE.replace('"a":1', f'"a":"1{separator}2"')
    assert len(tools.commands({"commands": f"{line}\r\n{line}"}, MODULES)) == 2


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (LINE + '\n{"module":"fast","tool":"echo","params":{"a":' + "[" * 5000, "line 2: maximum recursion"),
        ("", "got 0"),
        (None, "got 0"),
        ([LINE], "got 0"),
        ("\n".join([LINE] * 11), "got 11"),
        (LINE + "\n{", "line 2"),
        (LINE + '\n{"module":"fast","tool":"zip"}', "line 2: unknown tool fast.zip"),
    ],
)
def test_batch_refuses_as_a_whole(text: object, says: str) -> None:
    with pytest.raises(tools.BadArgumentsError, match=says):
        tools.commands({"commands": text}, MODULES)


@given(st.text(max_size=200))
def test_no_text_breaks_batch(text: str) -> None:
    with pytest.raises(tools.BadArgumentsError):
        tools.commands({"commands": text}, MODULES)


def test_listing_names_the_meta_tools_and_the_modules() -> None:
    listed = tools.listing(MODULES, {})["tools"]
    assert [tool["name"] for tool in listed] == ["run", "get_module_schema", "batch"]
    assert listed[0]["inputSchema"]["properties"]["module"]["enum"] == ["fast", "jira", "notion"]


def test_module_schema_names_the_tools() -> None:
    schema = json.loads(tools.module_schema({"module": "jira"}, MODULES))
    assert [tool["name"] for tool in schema["tools"]] == ["get_issue", "search_issues"]
    for arguments in ({}, {"module": "x"}, {"module": ["jira"]}):
        with pytest.raises(tools.BadArgumentsError, match="fast, jira, notion"):
            tools.module_schema(arguments, MODULES)

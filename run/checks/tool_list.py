"""The tools that a target lists: their required arguments, the headers that they want, the lines to paste."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from common.errors import printable
from run.checks.talk import RequestResult, Talk, mapping_at
from users.mcp.asked import made_up
from users.mcp.operations import LIST, METHODS, Operation

PAGES: Final = 10


@dataclass(frozen=True)
class ListedTool:
    """One tool, as the target describes it."""

    name: str
    schema: Mapping[str, Any]

    @property
    def required(self) -> tuple[str, ...]:
        """Its arguments that must be given."""
        found = self.schema.get("required")
        return tuple(str(one) for one in found) if isinstance(found, list) else ()

    @property
    def headers(self) -> dict[str, str]:
        """Argument → `x-mcp-header`."""
        told = ((key, one.get("x-mcp-header")) for key, one in self._properties.items())
        return {key: header for key, header in told if isinstance(header, str) and header}

    @property
    def _properties(self) -> dict[str, Mapping[str, Any]]:
        items = mapping_at(self.schema, "properties").items()
        return {str(key): one for key, one in items if isinstance(one, Mapping)}

    @property
    def line(self) -> str:
        """What a target file says to call it, the required arguments made up."""
        arguments = {name: made_up(self._properties.get(name, {})) for name in self.required}
        given = f", arguments: {_flow(arguments)}" if arguments else ""
        return printable(f"{{name: {json.dumps(self.name)}{given}}}")


def _flow(arguments: Mapping[str, Any]) -> str:
    """JSON is YAML, too."""
    return json.dumps(arguments, ensure_ascii=False)


def listed(talk: Talk) -> tuple[RequestResult, list[ListedTool]]:
    """What became of the first page, and the tools of all of them."""
    first = page = talk.call(METHODS[LIST], Operation(LIST, METHODS[LIST], talk.dialect.list_tools()))
    tools = list(_tools(page))
    for _ in range(PAGES - 1):
        cursor = mapping_at(page.reply, "result").get("nextCursor")
        if not isinstance(cursor, str):
            break
        page = talk.call(METHODS[LIST], Operation(LIST, METHODS[LIST], talk.dialect.list_tools(cursor)))
        tools += _tools(page)
    return first, tools


def _tools(page: RequestResult) -> Iterator[ListedTool]:
    found = mapping_at(page.reply, "result").get("tools")
    for one in found if isinstance(found, list) else ():
        if isinstance(one, Mapping) and isinstance(one.get("name"), str):
            yield ListedTool(one["name"], mapping_at(one, "inputSchema"))

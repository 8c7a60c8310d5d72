"""What a client of the gateway may call: the three meta tools, the modules behind `run`, and named tools.

    run                {"module", "tool", "params"}
    get_module_schema  {"module"}
    batch              {"commands": JSON Lines, at most 10 of what `run` takes}
    any of `mcp.tools` the params of the module's tool that it stands for
Modules and their tools are those of `settings.upstreams`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from fakes.http import rpc
from fakes.settings import Latency, NamedTool

Modules = Mapping[str, Mapping[str, Latency]]
MAX_COMMANDS: Final = 10


class BadArgumentsError(ValueError):
    """Arguments that do not fit the tool: JSON-RPC −32602."""


class Command(msgspec.Struct, frozen=True):
    """One tool call."""

    module: str
    tool: str
    params: dict[str, Any] = {}


_line: Final = msgspec.json.Decoder(Command)


def command(arguments: object, modules: Modules) -> Command:
    """The arguments of `run`. Raises BadArgumentsError."""
    try:
        return _known(msgspec.convert(arguments, Command), modules)
    except msgspec.ValidationError as error:
        raise BadArgumentsError(str(error)) from None


def named(tool: NamedTool, params: dict[str, Any], modules: Modules) -> Command:
    """The call that a named tool stands for. Raises BadArgumentsError."""
    return _known(Command(tool.module, tool.tool, params), modules)


def commands(arguments: Mapping[str, Any], modules: Modules) -> list[Command]:
    """The commands of `batch`, 1 to 10. Raises BadArgumentsError; one bad line refuses all."""
    text = arguments.get("commands")
    lines = [line for line in text.split("\n") if line.strip()] if isinstance(text, str) else []
    if not 0 < len(lines) <= MAX_COMMANDS:
        raise BadArgumentsError(f"commands: JSON Lines, 1 to {MAX_COMMANDS}, are allowed; got {len(lines)}")
    return [_parsed(line, number, modules) for number, line in enumerate(lines, 1)]


def _parsed(line: str, number: int, modules: Modules) -> Command:
    try:
        return _known(_line.decode(line), modules)
    except (*rpc.UNREADABLE, BadArgumentsError) as error:
        raise BadArgumentsError(f"commands, line {number}: {error}") from None


def _known(wanted: Command, modules: Modules) -> Command:
    if wanted.tool not in modules.get(wanted.module, ()):
        raise BadArgumentsError(f"unknown tool {wanted.module}.{wanted.tool}; see get_module_schema")
    return wanted


def listing(modules: Modules, tools: Mapping[str, NamedTool]) -> dict[str, Any]:
    """The result of `tools/list`: named tools first."""
    names = sorted(modules)
    module = {"type": "string", "enum": names}
    run = _schema(
        {"module": module, "tool": {"type": "string"}, "params": {"type": "object"}}, "module", "tool"
    )
    about = {"commands": {"type": "string", "description": f"JSON Lines, at most {MAX_COMMANDS} commands"}}
    return {
        "tools": [
            *(_described(name, tool) for name, tool in tools.items()),
            {"name": "run", "description": "Call one tool of a module.", "inputSchema": run},
            {
                "name": "get_module_schema",
                "description": "The tools of a module.",
                "inputSchema": _schema({"module": module}, "module"),
            },
            {
                "name": "batch",
                "description": "Call several tools at once.",
                "inputSchema": _schema(about, "commands"),
            },
        ]
    }


def _described(name: str, tool: NamedTool) -> dict[str, Any]:
    about = f"{tool.tool} of {tool.module}."
    properties = {param: {"type": "string", "x-mcp-header": header} for param, header in tool.headers.items()}
    return {"name": name, "description": about, "inputSchema": _schema(properties)}


def module_schema(arguments: Mapping[str, Any], modules: Modules) -> str:
    """The result text of `get_module_schema`. Raises BadArgumentsError."""
    name = arguments.get("module")
    if not isinstance(name, str) or name not in modules:
        raise BadArgumentsError(f"unknown module {name!r}; allowed: {', '.join(sorted(modules))}")
    tools = [{"name": tool, "inputSchema": _schema({})} for tool in sorted(modules[name])]
    return msgspec.json.encode({"module": name, "tools": tools}).decode()


def _schema(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}

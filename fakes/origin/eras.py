"""The two eras of MCP: which one a request belongs to, and whether it keeps that era's rules.

legacy (2025-03-26 … 2025-11-25)  a handshake and sessions; `MCP-Protocol-Version` may be absent
modern (2026-07-28)               no session: each request says all of it, in headers and in `params._meta`

A request is modern when its version header is none of the legacy ones, or when its body's `_meta` names a
version. Its rules, in this order:
    `_meta` names version and client capabilities    else 400, −32602
    the version header is the body's                 else 400, −32020
    the version is served                            else 400, −32022 with `supported` and `requested`
    `Mcp-Method`, `Mcp-Name`, `Mcp-Param-…` are too   else 400, −32020; not asked with `compare_headers` off
A header in several lines is none of the body's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec

from fakes.http import mcp_headers, rpc
from fakes.settings import McpSettings, NamedTool

MODERN_VERSION: Final = "2026-07-28"
LEGACY_VERSIONS: Final = ("2025-11-25", "2025-06-18", "2025-03-26")
VERSIONS: Final = (MODERN_VERSION, *LEGACY_VERSIONS)
SERVER: Final = {"name": "mcpist", "version": "1.0.0"}
VERSION_KEY: Final = "io.modelcontextprotocol/protocolVersion"
CAPABILITIES_KEY: Final = "io.modelcontextprotocol/clientCapabilities"
SERVER_KEY: Final = "io.modelcontextprotocol/serverInfo"
SUBSCRIPTION_KEY: Final = "io.modelcontextprotocol/subscriptionId"
_LEGACY: Final = frozenset((None, *(version.encode() for version in LEGACY_VERSIONS)))


class Era(NamedTuple):
    """What an era adds to each result, and the status of an unknown method."""

    name: str
    marks: Mapping[str, Any]
    unknown_method: int


LEGACY: Final = Era("legacy", {}, 200)
MODERN: Final = Era("modern", {"resultType": "complete", "_meta": {SERVER_KEY: SERVER}}, 404)


def says_legacy(headers: Mapping[bytes, bytes]) -> bool:
    """Whether the version header is one of the legacy era, which may leave it out."""
    return headers.get(b"mcp-protocol-version") in _LEGACY


def era_of(headers: Mapping[bytes, bytes], request: rpc.Request) -> Era:
    """The era that a request belongs to."""
    if not says_legacy(headers):
        return MODERN
    meta = request.params.get("_meta")
    return MODERN if isinstance(meta, dict) and VERSION_KEY in meta else LEGACY


def check_modern(headers: Mapping[bytes, bytes], request: rpc.Request, settings: McpSettings) -> None:
    """Raises RpcError for a request that breaks the modern era's rules. Notifications need no `_meta`."""
    header = headers.get(b"mcp-protocol-version", b"").decode("latin-1")
    version = header if request.id is None else _version(request.params.get("_meta"))
    if header != version:
        raise rpc.mismatch("MCP-Protocol-Version")
    if version != MODERN_VERSION:
        data = {"supported": VERSIONS, "requested": version}
        raise rpc.RpcError(rpc.UNSUPPORTED_VERSION, "Unsupported protocol version", 400, data)
    if settings.compare_headers:
        _compare(headers, request, settings.tools)


def _version(meta: object) -> str:
    if not isinstance(meta, dict):
        raise rpc.RpcError(rpc.INVALID_PARAMS, "params._meta is missing", 400)
    version = meta.get(VERSION_KEY)
    for key, fits in ((VERSION_KEY, isinstance(version, str)), (CAPABILITIES_KEY, _declared(meta))):
        if not fits:
            raise rpc.RpcError(rpc.INVALID_PARAMS, f"params._meta: {key} is missing", 400)
    return str(version)


def _declared(meta: Mapping[str, Any]) -> bool:
    return isinstance(meta.get(CAPABILITIES_KEY), dict)


def _compare(headers: Mapping[bytes, bytes], request: rpc.Request, tools: Mapping[str, NamedTool]) -> None:
    if headers.get(b"mcp-method", b"").decode("latin-1") != request.method:
        raise rpc.mismatch("Mcp-Method")
    name = mcp_headers.named(request.method, request.params)
    if name is not None and mcp_headers.name_of(headers) != name:
        raise rpc.mismatch("Mcp-Name")
    tool = tools.get(name) if isinstance(name, str) else None
    arguments = request.params.get("arguments")
    if tool is not None and isinstance(arguments, dict):
        for param, header in tool.headers.items():
            _compare_param(headers, header, arguments.get(param))


def _compare_param(headers: Mapping[bytes, bytes], header: str, value: object) -> None:
    """A parameter and its header say the same, or neither is there. What is no text is there as its JSON."""
    told = headers.get(b"mcp-param-" + header.lower().encode())
    if value is None and told is None:
        return
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    if told is None or mcp_headers.decode(told) != text:
        raise rpc.mismatch(f"Mcp-Param-{header}")


def capabilities(request: rpc.Request) -> Mapping[str, Any]:
    """What a modern request's client declared."""
    declared: Mapping[str, Any] = request.params["_meta"][CAPABILITIES_KEY]
    return declared

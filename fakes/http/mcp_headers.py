"""The headers of the modern era (revision 2026-07-28) and what they say of a request's body.

    MCP-Protocol-Version   the revision, as `_meta` has it
    Mcp-Method             the method
    Mcp-Name               `params.name` of tools/call and prompts/get, `params.uri` of resources/read
A value that is no visible ASCII, has a space at an end, or looks like the marker comes as
`=?base64?…?=` of its UTF-8. Header values reach us without the whitespace around them. A header that comes
in several lines says nothing: who reads the first of them reads another value than who reads the last.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final

from fakes.http.asgi import Headers

NAMED_BY: Final = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
MARKER: Final = (b"=?base64?", b"?=")
SEVERAL: Final = b"\xff"  # between the lines of a header: with it, it is what no body says


def by_name(lines: Headers) -> dict[bytes, bytes]:
    """A request's headers. Of one that is none of MCP's the last line counts."""
    named = dict(lines)
    if len(named) < len(lines):
        for name in named:
            if name.startswith(b"mcp-"):
                named[name] = SEVERAL.join(value for other, value in lines if other == name)
    return named


def name_of(headers: Mapping[bytes, bytes]) -> str | None:
    """The name in `Mcp-Name`; None without one, or with one that cannot be read."""
    value = headers.get(b"mcp-name")
    return None if value is None else decode(value)


def decode(value: bytes) -> str | None:
    """What a header's value stands for; None if it cannot be read."""
    value = value.strip()
    try:
        if value.startswith(MARKER[0]) and value.endswith(MARKER[1]):
            return base64.b64decode(value[len(MARKER[0]) : -len(MARKER[1])], validate=True).decode()
        return value.decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        return None


def named(method: str, params: Mapping[str, Any]) -> object:
    """What `Mcp-Name` must say of this request; None where it has no place."""
    key = NAMED_BY.get(method)
    return None if key is None else params.get(key)

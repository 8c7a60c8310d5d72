"""The headers of the modern era (revision 2026-07-28) and what they say of a request's body.

    MCP-Protocol-Version   the revision, as `_meta` has it
    Mcp-Method             the method
    Mcp-Name               `params.name` of tools/call and prompts/get, `params.uri` of resources/read
A value that is no visible ASCII, has a space at an end, or looks like the marker comes as
`=?base64?…?=` of its UTF-8. Header values reach us without the whitespace around them.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final

NAMED_BY: Final = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
MARKER: Final = (b"=?base64?", b"?=")


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

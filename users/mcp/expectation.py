"""What an answer must say, made ready before load: `common.expect` for the bytes of the wire.

`contains` looks at the message as it was written first, and then at its texts, where escapes are undone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from common.expect import Expect
from common.nonce import NONCE
from users.mcp.messages import MARK
from users.mcp.sse import UNREADABLE
from users.transport.call import Expectation


class _Text(msgspec.Struct):
    text: str = ""


class _Content(msgspec.Struct):
    content: list[_Text] = []


class _Answer(msgspec.Struct):
    result: _Content = msgspec.field(default_factory=_Content)


class _Whole(msgspec.Struct):
    result: Any = None


_decode_texts: Final = msgspec.json.Decoder(_Answer).decode
_decode_whole: Final = msgspec.json.Decoder(_Whole).decode
_decode: Final = msgspec.json.Decoder().decode


def texts(message: bytes) -> str:
    """The texts of a result, one a line; "" where it has none."""
    try:
        return "\n".join(one.text for one in _decode_texts(message).result.content)
    except UNREADABLE:
        return ""


def _filled(text: bytes, nonce: bytes) -> bytes:
    return text.replace(MARK, nonce)


@dataclass(frozen=True)
class Contains:
    """The text stands somewhere in the answer."""

    text: bytes

    def met(self, message: bytes, nonce: bytes) -> bool:
        """See `users.transport.call.Expectation`."""
        wanted = nonce if self.text == MARK else _filled(self.text, nonce)
        return wanted in message or wanted in texts(message).encode()


OWN_NONCE: Final = Contains(MARK)
"""What nearly all expect; `users.mcp.isolation` has looked for it by then."""


@dataclass(frozen=True)
class Equals:
    """The texts of the answer are this one."""

    text: bytes

    def met(self, message: bytes, nonce: bytes) -> bool:
        """See `users.transport.call.Expectation`."""
        return texts(message).encode() == _filled(self.text, nonce)


@dataclass(frozen=True)
class At:
    """Values at paths of the result."""

    values: Mapping[str, str | int | float | bool]

    def met(self, message: bytes, nonce: bytes) -> bool:
        """See `users.transport.call.Expectation`."""
        try:
            result = _decode_whole(message).result
            return all(_same(_at(result, path), value, nonce) for path, value in self.values.items())
        except (*UNREADABLE, LookupError, ValueError, TypeError):
            return False


def _at(value: Any, path: str) -> Any:
    """What stands there. Raises LookupError, ValueError or TypeError where nothing does."""
    for key in path.split("."):
        if isinstance(value, str):
            value = _decode(value)
        value = value[int(key)] if isinstance(value, list) else value[key]
    return value


def _same(found: Any, wanted: str | int | float | bool, nonce: bytes) -> bool:
    if isinstance(wanted, str):
        return isinstance(found, str) and found.encode() == _filled(wanted.encode(), nonce)
    return bool(found == wanted) and isinstance(found, bool) == isinstance(wanted, bool)


def ready(expect: Expect | None) -> Expectation | None:
    """As it is held against answers."""
    if expect is None:
        return None
    if expect.contains == NONCE:
        return OWN_NONCE
    if expect.contains is not None:
        return Contains(expect.contains.encode())
    return Equals(expect.equals.encode()) if expect.equals is not None else At(expect.at or {})

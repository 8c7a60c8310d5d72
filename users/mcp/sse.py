"""Event streams (text/event-stream) that carry JSON-RPC messages, one an event."""

from __future__ import annotations

from typing import Final

import msgspec


class _Identified(msgspec.Struct):
    id: int | str | None = None
    method: msgspec.Raw = msgspec.Raw()  # a request or a notification of the server's own has one


# msgspec gives up on deep nesting with RecursionError
UNREADABLE: Final = (msgspec.DecodeError, RecursionError)
BOM: Final = b"\xef\xbb\xbf"
_decode: Final = msgspec.json.Decoder(_Identified).decode


def events(stream: bytes) -> list[bytes]:
    """The `data` of each event."""
    text = stream.removeprefix(BOM).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    found = []
    for block in text.split(b"\n\n"):
        lines = [line[5:].removeprefix(b" ") for line in block.split(b"\n") if line.startswith(b"data:")]
        if lines:
            found.append(b"\n".join(lines))
    return found


def event_for(stream: bytes, request_id: int) -> bytes:
    """The event that answers `request_id`; b"" if there is none."""
    for data in events(stream):
        try:
            found = _decode(data)
            if found.id == request_id and not len(found.method):
                return data
        except UNREADABLE:
            continue
    return b""


def holds_answer(stream: bytes, request_id: int) -> bool:
    """Whether an unfinished event stream already holds the answer to `request_id`."""
    return bool(event_for(stream, request_id))

"""Event streams (text/event-stream) that carry JSON-RPC messages, one an event.

A stream is read as it comes, in pieces of any size, and each byte of it once: what is kept is the event that
has not ended, the last one, and the one that answers.
"""

from __future__ import annotations

from typing import Final

import msgspec

from users.transport.call import Call


class _Identified(msgspec.Struct):
    id: int | str | None = None
    method: msgspec.Raw = msgspec.Raw()  # a request or a notification of the server's own has one


# What msgspec raises: RecursionError for deep nesting, UnicodeDecodeError for a wrong byte in a string
UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
BOM: Final = b"\xef\xbb\xbf"
_decode: Final = msgspec.json.Decoder(_Identified).decode


class EventStream:
    """Reads one stream, up to the message that answers `request_id`; later ones are not looked at."""

    __slots__ = ("_block", "_ended", "_first", "_halved", "_request_id", "answer", "last", "size")

    def __init__(self, request_id: int) -> None:
        self.answer = b""  # the `data` of the event that answers; b"" while there is none
        self.last = b""  # the `data` of the last event
        self.size = 0  # bytes so far
        self._request_id = request_id
        self._block = bytearray()  # the lines of the event under way, newlines as \n
        self._first = True  # no event has ended yet
        self._ended = False
        self._halved = False  # the piece before ended with \r, which may be half of a newline

    def feed(self, piece: bytes) -> bool:
        """Take what comes next; whether the answer is there."""
        self.size += len(piece)
        if piece and not self.answer:
            self._split(self._unix(piece))
        return bool(self.answer)

    def end(self, rest: bytes) -> None:
        """No more will come; an event without its empty line is one all the same."""
        if not self._ended:
            self._ended = True
            self.feed(rest)
            self._split(b"\n\n")

    def _unix(self, piece: bytes) -> bytes:
        if self._halved and piece.startswith(b"\n"):
            piece = piece[1:]
        self._halved = piece.endswith(b"\r")
        return piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _split(self, text: bytes) -> None:
        block, begin = self._block, 0
        seen = max(len(block) - 1, 0)
        block += text
        while (end := block.find(b"\n\n", seen)) >= 0 and not self.answer:
            self._event(bytes(block[begin:end]))
            begin = seen = end + 2
        del block[:begin]

    def _event(self, lines: bytes) -> None:
        if self._first:
            self._first, lines = False, lines.removeprefix(BOM)
        data = [line[5:].removeprefix(b" ") for line in lines.split(b"\n") if line.startswith(b"data:")]
        if not data:
            return
        self.last = b"\n".join(data)
        try:
            message = _decode(self.last)
        except UNREADABLE:
            return
        if message.id == self._request_id and not len(message.method):
            self.answer = self.last


def stream_of_call(call: Call) -> EventStream:
    """The event stream that an answered call was told, read to its end. Safe to repeat."""
    stream = call.stream
    if not isinstance(stream, EventStream):
        call.stream = stream = EventStream(call.request_id)
    stream.end(call.body)
    return stream

"""The answers of one HTTP/1.1 connection: bytes in, responses out, no I/O.

    receive(bytes)  → Response, or None while more bytes are needed; BadResponseError if they are no HTTP,
                      TooLargeError and OutOfRoomError as `body_limits` has them
    receive_eof()   → Response of a body that ends where the connection ends, or None: it was cut short

Framing is llhttp's (httptools): Content-Length, chunked, until EOF, statuses without a body, and interim
1xx answers, which are skipped. The requests are never HEAD. Bytes after a whole answer spoil the connection
for another request (the last of a Response's four), never the answer; the bodies among them are `unasked`.

The work per byte is constant, whatever the pieces: a body is counted as it grows, and put together once.
At most MAX_BARE bytes may come in a row without one of a body: headers, trailers, interim answers, the
extensions of a chunk. What came is given away by `take_body`, or thrown away after `skip`.
"""

from __future__ import annotations

from typing import Final

import httptools

from users.transport.body_limits import BodyLimits

MAX_BARE: Final = 65_536  # bytes
EVENT_STREAM: Final = b"text/event-stream"


class BadResponseError(Exception):
    """What came is no HTTP answer, or more than MAX_BARE bytes of headers."""


Response = tuple[int, dict[bytes, bytes], bytes, bool]
"""A whole answer: status, headers by lower-case name, body, whether the connection can carry another request.

A plain tuple: one is made for each call, and a class of its own would cost more than all the rest here."""


class ResponseParser:
    """Reads one answer after the other."""

    __slots__ = (
        "_bare",
        "_complete",
        "_feed",
        "_held",
        "_keep_alive",
        "_limits",
        "_llhttp",
        "_pieces",
        "_size",
        "_skipping",
        "headers",
        "status",
        "unasked",
    )

    def __init__(self, limits: BodyLimits) -> None:
        self._llhttp = httptools.HttpResponseParser(self)
        self._feed = self._llhttp.feed_data
        self._limits = limits
        self.status = 0  # of the answer under way; 0 until its headers are whole
        self.headers: dict[bytes, bytes] = {}
        self._pieces: list[bytes] = []  # of the body, as they came in the last bytes
        self._held = bytearray()  # the body before them
        self._size = 0  # bytes of the body so far, for as long as it is not whole
        self._bare = 0  # bytes since the last one of a body
        self._complete = False
        self._skipping = False
        self._keep_alive = True
        self.unasked = b""  # of bodies behind a whole answer, in the same bytes

    def receive(self, data: bytes) -> Response | None:
        """Take what arrived, at most some 64 kB at once."""
        try:
            self._feed(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._keep_alive = False
            if not self._complete:
                raise BadResponseError from None
        if self._complete:
            return self._take()
        self._hold(len(data))
        return None

    def _hold(self, arrived: int) -> None:
        """Count and keep what came of a body that is not whole."""
        fresh = b"".join(self._pieces)
        self._pieces.clear()
        self._bare = 0 if fresh else self._bare + arrived
        if self._bare > MAX_BARE:
            raise BadResponseError
        if not self._skipping:
            self._held += fresh
            self._size += len(fresh)
            self._limits.grow(self._size, len(fresh))

    def receive_eof(self) -> Response | None:
        """The peer will send no more."""
        headers = self.headers
        if self.status < 200 or b"content-length" in headers or b"transfer-encoding" in headers:
            return None
        self._keep_alive = False
        return self._take()

    @property
    def event_stream(self) -> bool:
        """The answer under way is a text/event-stream that can be read as it comes."""
        headers = self.headers
        kind = headers.get(b"content-type", b"").lower()
        return bool(self.status) and kind.startswith(EVENT_STREAM) and b"content-encoding" not in headers

    def take_body(self) -> bytes:
        """What has arrived of the body under way and was not taken before."""
        taken = bytes(self._held)
        self._held.clear()
        return taken

    def skip(self) -> None:
        """Nobody needs the rest of the answer under way: `receive` tells when it is over."""
        self._skipping = True
        self.release()

    def release(self) -> None:
        """Count the answer under way no longer."""
        self._limits.held -= self._size
        self._size = 0

    def _take(self) -> Response:
        body = self._pieces
        whole = body[0] if len(body) == 1 else b"".join(body)
        if self._size or self._skipping:
            whole = self._whole(whole)
        response = self.status, self.headers, whole, self._keep_alive
        self.status = 0
        self.headers = {}
        self._pieces = []
        self._bare = 0
        self._complete = False
        return response

    def _whole(self, rest: bytes) -> bytes:
        """The body that came in several pieces; without what was taken or skipped."""
        self._held += b"" if self._skipping else rest
        self._skipping = False
        self.release()
        return self.take_body()

    # llhttp's callbacks

    def on_message_begin(self) -> None:
        """A second answer to one request makes the connection useless."""
        if self._complete:
            self._keep_alive = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep one header by its lower-case name; trailers are not headers."""
        if not self.status:
            self.headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        """The body follows."""
        if not self._complete:
            self.status = self._llhttp.get_status_code()

    def on_body(self, data: bytes) -> None:
        """Collect the body."""
        if not self._complete:
            self._pieces.append(data)
        else:
            self.unasked += data

    def on_message_complete(self) -> None:
        """An interim 1xx answer ends here too; the final one follows."""
        if self._complete:
            return
        if self.status < 200:
            self.headers = {}
            self.status = 0
        else:
            self._complete = True
            if not self._llhttp.should_keep_alive():  # true only here: llhttp resets it afterwards
                self._keep_alive = False

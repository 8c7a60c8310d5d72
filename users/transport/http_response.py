"""The answers of one HTTP/1.1 connection: bytes in, responses out, no I/O.

    receive(bytes)  → Response, or None while more bytes are needed; BadResponseError if they are no HTTP
    receive_eof()   → Response of a body that ends where the connection ends, or None: it was cut short

Framing is llhttp's (httptools): Content-Length, chunked, until EOF, statuses without a body, and interim
1xx answers, which are skipped. The requests are never HEAD. Bytes after a whole answer spoil the connection
for another request (the last of a Response's four), never the answer.
"""

from __future__ import annotations

from typing import Final

import httptools

MAX_BODY: Final = 64 * 1024 * 1024  # bytes
_PIECE: Final = 65536


class BadResponseError(Exception):
    """What came is no HTTP answer, or its body is larger than MAX_BODY."""


Response = tuple[int, dict[bytes, bytes], bytes, bool]
"""A whole answer: status, headers by lower-case name, body, whether the connection can carry another request.

A plain tuple: one is made for each call, and a class of its own would cost more than all the rest here."""


class ResponseParser:
    """Reads one answer after the other."""

    __slots__ = ("_body", "_complete", "_feed", "_headers", "_keep_alive", "_llhttp", "_status")

    def __init__(self) -> None:
        self._llhttp = httptools.HttpResponseParser(self)
        self._feed = self._llhttp.feed_data
        self._status = 0  # 0 until the headers are whole
        self._headers: dict[bytes, bytes] = {}
        self._body: list[bytes] = []
        self._complete = False
        self._keep_alive = True

    def receive(self, data: bytes) -> Response | None:
        """Take what arrived."""
        try:
            self._feed(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._keep_alive = False
            if not self._complete:
                raise BadResponseError from None
        return self._take() if self._complete else None

    def receive_eof(self) -> Response | None:
        """The peer will send no more."""
        headers = self._headers
        if self._status < 200 or b"content-length" in headers or b"transfer-encoding" in headers:
            return None
        return self.take_unfinished()

    @property
    def event_stream(self) -> bool:
        """The answer under way is a text/event-stream."""
        return bool(self._status) and self._kind.startswith(b"text/event-stream")

    @property
    def _kind(self) -> bytes:
        return self._headers.get(b"content-type", b"").lower()

    def body_so_far(self) -> bytes:
        """What has arrived of the body of the answer under way."""
        return b"".join(self._body)

    def take_unfinished(self) -> Response:
        """End the answer under way here; nothing can follow it."""
        self._keep_alive = False
        return self._take()

    def _take(self) -> Response:
        body = self._body
        whole = body[0] if len(body) == 1 else b"".join(body)
        response = self._status, self._headers, whole, self._keep_alive
        self._status = 0
        self._headers = {}
        self._body = []
        self._complete = False
        return response

    # llhttp's callbacks

    def on_message_begin(self) -> None:
        """A second answer to one request makes the connection useless."""
        if self._complete:
            self._keep_alive = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep one header by its lower-case name; trailers are not headers."""
        if not self._status:
            self._headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        """The body follows."""
        if not self._complete:
            self._status = self._llhttp.get_status_code()

    def on_body(self, data: bytes) -> None:
        """Collect the body, up to MAX_BODY."""
        if self._complete:
            return
        self._body.append(data)
        if len(self._body) * _PIECE > MAX_BODY and sum(map(len, self._body)) > MAX_BODY:
            raise ValueError("the body is larger than 64 MiB")

    def on_message_complete(self) -> None:
        """An interim 1xx answer ends here too; the final one follows."""
        if self._complete:
            return
        if self._status < 200:
            self._headers = {}
            self._status = 0
        else:
            self._complete = True
            if not self._llhttp.should_keep_alive():  # true only here: llhttp resets it afterwards
                self._keep_alive = False

"""One GET with a deadline over the whole of it: connecting, TLS, and every byte of the answer.

Clients of the standard library time out a socket operation, not a call, so a source that trickles its
answer could hold a probe for ever. Redirects are not followed, environment proxies not used.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from typing import Final
from urllib.parse import SplitResult, urlsplit

import httptools

from common.addresses.url import shown_url

MOST_BYTES: Final = 16 * 1024 * 1024
_PORTS: Final = {"http": 80, "https": 443}


class FetchError(Exception):
    """No whole answer of status 200, as one line."""


def check_url(url: str) -> str:
    """The URL itself if it can be fetched; raises ValueError with one line."""
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname or parts.username is not None:
        raise ValueError(f"{shown_url(url)!r}: allowed: http://host[:port]/path or https://host[:port]/path")
    _ = parts.port
    return url


async def fetch(
    url: str,
    timeout: float,  # noqa: ASYNC109 - the deadline is part of what this function is
    headers: Mapping[str, str] | None = None,
    tls: ssl.SSLContext | None = None,
    address: str | None = None,
) -> str:
    """The body of the answer as text. `timeout` in seconds. Raises FetchError.

    `address`: where to connect, in place of what the URL's host resolves to by now.
    """
    parts = urlsplit(url)
    try:
        async with asyncio.timeout(timeout):
            return await _exchange(parts, headers or {}, tls, address)
    except TimeoutError:
        raise FetchError(f"no whole answer within {timeout:g} s") from None
    except (OSError, ssl.SSLError) as error:
        raise FetchError(error.strerror or str(error) or type(error).__name__) from None
    except UnicodeDecodeError:
        raise FetchError("the answer is not UTF-8") from None


async def _exchange(
    parts: SplitResult, headers: Mapping[str, str], tls: ssl.SSLContext | None, address: str | None
) -> str:
    secure = (tls or ssl.create_default_context()) if parts.scheme == "https" else None
    port = parts.port or _PORTS[parts.scheme]
    name = parts.hostname if secure else None
    place = address or parts.hostname
    reader, writer = await asyncio.open_connection(place, port, ssl=secure, server_hostname=name)
    try:
        writer.write(_request(parts, headers))
        answer = await _read(reader)
    finally:
        writer.transport.abort()
    if answer.status != 200:
        raise FetchError(f"HTTP status {answer.status}")
    return b"".join(answer.parts).decode()


def _request(parts: SplitResult, headers: Mapping[str, str]) -> bytes:
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    host = parts.netloc.rpartition("@")[2]
    lines = {"Host": host, "Accept": "text/plain;version=0.0.4", "Connection": "close", **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"GET {path} HTTP/1.1\r\n{head}\r\n".encode("latin-1")


class _Answer:
    """What httptools calls back; `complete` when the answer is whole."""

    def __init__(self) -> None:
        self.parser = httptools.HttpResponseParser(self)
        self.parts: list[bytes] = []
        self.size = self.status = 0
        self.complete = self.framed = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self.framed = self.framed or name.lower() in (b"content-length", b"transfer-encoding")

    def on_body(self, body: bytes) -> None:
        self.parts.append(body)
        self.size += len(body)

    def on_message_complete(self) -> None:
        self.status = self.parser.get_status_code()
        self.complete = self.status >= 200
        self.framed = self.framed and self.complete


async def _read(reader: asyncio.StreamReader) -> _Answer:
    answer = _Answer()
    while not answer.complete:
        chunk = await reader.read(65536)
        if not chunk:
            return _at_end(answer)
        _feed(answer, chunk)
    return answer


def _feed(answer: _Answer, chunk: bytes) -> None:
    try:
        answer.parser.feed_data(chunk)
    except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
        raise FetchError(f"not an HTTP answer: {error}") from None
    if answer.size > MOST_BYTES:
        raise FetchError(f"the answer is longer than {MOST_BYTES} bytes")


def _at_end(answer: _Answer) -> _Answer:
    """A body without framing ends with the connection; any other is cut short."""
    if answer.framed or not answer.parts:
        raise FetchError("the connection ended before the answer was whole")
    answer.status, answer.complete = answer.parser.get_status_code(), True
    return answer

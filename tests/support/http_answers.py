"""Every kind of HTTP answer: its bytes, and what a reader must make of them."""

from __future__ import annotations

from typing import Final, NamedTuple


class Written(NamedTuple):
    """An answer on the wire. `until_eof`: it ends where the connection ends."""

    raw: bytes
    status: int = 200
    body: bytes = b""
    keep_alive: bool = True
    until_eof: bool = False


OK: Final = b"HTTP/1.1 200 OK\r\n"
SIZED: Final = OK + b"Content-Length: 5\r\n\r\nhello"
ANSWERS: Final = {
    "content-length": Written(SIZED, body=b"hello"),
    "an empty body": Written(OK + b"Content-Length: 0\r\n\r\n"),
    "connection: close": Written(
        OK + b"Content-Length: 5\r\nConnection: close\r\n\r\nhello", body=b"hello", keep_alive=False
    ),
    "HTTP/1.0": Written(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", body=b"hi", keep_alive=False),
    "chunked": Written(
        OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=1\r\nlo\r\n0\r\n\r\n", body=b"hello"
    ),
    "chunked, with trailers": Written(
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Late: 1\r\n\r\n", body=b"hello"
    ),
    "until the end": Written(OK + b"\r\nhello", body=b"hello", keep_alive=False, until_eof=True),
    "until the end, nothing": Written(OK + b"\r\n", keep_alive=False, until_eof=True),
    "100 before it": Written(b"HTTP/1.1 100 Continue\r\n\r\n" + SIZED, body=b"hello"),
    "103 twice before it": Written(
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 2 + SIZED, body=b"hello"
    ),
    "204": Written(b"HTTP/1.1 204 No Content\r\n\r\n", 204),
    "304 with a length": Written(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 304),
    "a redirect": Written(b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", 302),
    "429": Written(b"HTTP/1.1 429 No\r\nRetry-After: 3\r\nContent-Length: 2\r\n\r\nno", 429, b"no"),
    "503": Written(b"HTTP/1.1 503 Down\r\nContent-Length: 0\r\n\r\n", 503),
    "an event stream that ends": Written(
        OK + b"Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"9\r\ndata: a\n\n\r\n0\r\n\r\n",
        body=b"data: a\n\n",
    ),
}  # fmt: skip
WHOLE: Final = {name: answer for name, answer in ANSWERS.items() if not answer.until_eof}
GARBAGE: Final = {
    "noise": b"\x16\x03\x01\x00garbage",
    "no status": b"HTTP/1.1 abc OK\r\n\r\n",
    "another protocol": b"SSH-2.0-OpenSSH_9.0\r\n",
    "two lengths": OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "a length that is none": OK + b"Content-Length: five\r\n\r\nhello",
    "length and chunks": OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a chunk without a size": OK + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
    "a header without a name": OK + b": 1\r\n\r\n",
}

"""One HTTP/1.1 connection that carries one call at a time, driven by the event loop.

There is no greenlet per call. A connection keeps one read watcher for its whole life, so a call on
a warm connection costs one `send`, one `recv` and no `epoll_ctl`. Framing is llhttp's (httptools):
Content-Length, chunked, until EOF, and interim 1xx answers. Redirects are not followed: the client
sees the 3xx. TLS runs through memory BIOs, so both kinds share every line below `_receive`.

    closed ──start──▶ connecting ──▶ (handshake) ──▶ busy ──answer──▶ idle ──start──▶ busy …
    any state ──error, EOF, close──▶ closed

A connection tells its owner four things: `answered(connection, call)`, `broken(connection, call,
reason)`, and, by the two flags `fresh` and `reusable`, what it is good for.
"""

from __future__ import annotations

import errno
import socket as _socket
import ssl
import struct
from typing import Any, Final, Protocol

import httptools
from gevent.monkey import get_original

from users.mcp.messages import answers
from users.transport.call import Call

_make_socket: Any = get_original("socket", "socket")
READ: Final = 1
WRITE: Final = 2
CHUNK: Final = 65536
MAX_BODY: Final = 64 * 1024 * 1024
_LINGER_RESET: Final = struct.pack("ii", 1, 0)


class Owner(Protocol):
    """Who is told what became of a call."""

    def answered(self, connection: Connection, call: Call) -> None:
        """The whole answer is in `call`."""

    def broken(self, connection: Connection | None, call: Call, reason: str) -> None:
        """There will be no answer: `connect`, `reset` or `bad_response`."""

    def idle_closed(self, connection: Connection) -> None:
        """A connection without a call went away."""


class Connection:
    """A socket, its parser, and the call that it carries."""

    __slots__ = (
        "_body",
        "_call",
        "_complete",
        "_fd_watch",
        "_headers",
        "_io",
        "_loop",
        "_out",
        "_owner",
        "_parser",
        "_sized",
        "_sock",
        "_status",
        "_streaming",
        "_tls",
        "_write_watch",
        "fresh",
        "pool",
        "ready",
        "reusable",
    )

    def __init__(self, loop: Any, owner: Owner, family: int, tls: Tls | None = None) -> None:
        """Open a non-blocking socket of `family`; OSError (EMFILE) if the process may open no more."""
        self._loop = loop
        self._owner = owner
        self._tls = tls
        self._sock = _make_socket(family, _socket.SOCK_STREAM)
        self._sock.setblocking(False)
        self._sock.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
        self._fd_watch = loop.io(self._sock.fileno(), READ)
        self._write_watch: Any = None
        self._parser = httptools.HttpResponseParser(self)
        self._call: Call | None = None
        self._out = b""
        self._headers: dict[bytes, bytes] = {}
        self._body: list[bytes] = []
        self._status = 0
        self._sized = self._streaming = self._complete = False
        self.fresh = True
        self.ready = False
        self.reusable = True
        self.pool: Any = None

    # Sending

    def connect(self, address: Any, call: Call) -> None:
        """Connect, then send `call`."""
        self._call = call
        code = self._sock.connect_ex(address)
        if code not in (0, errno.EINPROGRESS):
            self._fail("connect")
            return
        self._watch_write(self._on_connected)

    def start(self, call: Call) -> None:
        """Send `call` on a connection that is warm and idle."""
        self._call = call
        self.fresh = False
        self._send(call.request)

    def _send(self, data: bytes) -> None:
        if self._tls is not None:
            data = self._tls.encrypt(data)
        if self._out:
            self._out += data
            return
        try:
            sent = self._sock.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._fail("reset")
            return
        if sent < len(data):
            self._out = data[sent:]
            self._watch_write(self._on_writable)

    def _watch_write(self, callback: Any) -> None:
        if self._write_watch is None:
            self._write_watch = self._loop.io(self._sock.fileno(), WRITE)
        self._write_watch.start(callback)

    def _on_connected(self) -> None:
        self._write_watch.stop()
        if self._sock.getsockopt(_socket.SOL_SOCKET, _socket.SO_ERROR):
            self._fail("connect")
            return
        self._fd_watch.start(self._on_readable)
        if self._tls is not None:
            self._shake_hands(b"")
        else:
            self._established()

    def _established(self) -> None:
        self.ready = True
        if self._call is not None:
            self._send(self._call.request)

    def _shake_hands(self, data: bytes) -> None:
        assert self._tls is not None
        try:
            finished, answer = self._tls.handshake(data)
        except ssl.SSLError:
            self._fail("connect")
            return
        if answer:
            self._send_raw(answer)
        if finished and self._call is not None:
            self._established()

    def _send_raw(self, data: bytes) -> None:
        tls, self._tls = self._tls, None
        self._send(data)
        self._tls = tls

    def _on_writable(self) -> None:
        try:
            sent = self._sock.send(self._out)
        except BlockingIOError:
            return
        except OSError:
            self._fail("reset")
            return
        self._out = self._out[sent:]
        if not self._out:
            self._write_watch.stop()

    # Receiving

    def _on_readable(self) -> None:
        try:
            data = self._sock.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            self._fail("reset" if self.ready else "connect")
            return
        if not data:
            self._on_eof()
        elif self._tls is None:
            self._receive(data)
        elif not self.ready:
            self._shake_hands(data)
            self._receive_tls(b"")
        else:
            self._receive_tls(data)

    def _receive_tls(self, data: bytes) -> None:
        if self._tls is None or not self.ready:
            return
        try:
            plain, ended = self._tls.decrypt(data)
        except ssl.SSLError:
            self._fail("reset")
            return
        if plain:
            self._receive(plain)
        if ended and self._fd_watch is not None:
            self._on_eof()

    def _receive(self, data: bytes) -> None:
        if self._call is None:  # nobody asked
            self._fail("reset")
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.reusable = False
            if not self._complete:
                self._fail("bad_response")
                return
        if self._complete:
            self._finish()
        elif self._streaming and answers(b"".join(self._body), self._call.request_id):
            self.reusable = False  # the stream may stay open: our answer is here, so the call is over
            self._finish()

    def _on_eof(self) -> None:
        headers_seen = self._status >= 200
        if self._call is not None and headers_seen and not self._sized and not self._complete:
            self.reusable = False  # a body that ends where the connection ends
            self._finish()
        else:
            self._fail("reset" if self.ready else "connect")

    def _finish(self) -> None:
        call = self._call
        assert call is not None
        if self._out or not self._complete:
            self.reusable = False
        body = self._body
        call.status = self._status
        call.headers = self._headers
        call.body = body[0] if len(body) == 1 else b"".join(body)
        self._call = None
        self._headers = {}
        self._body = []
        self._status = 0
        self._complete = self._sized = self._streaming = False
        self._owner.answered(self, call)

    def _fail(self, reason: str) -> None:
        call, self._call = self._call, None
        self.close()
        if call is None:
            self._owner.idle_closed(self)
        else:
            self._owner.broken(self, call, reason)

    def close(self, reset: bool = False) -> None:
        """Close; with `reset`, by RST, so that the other side sees an abort. Safe to repeat."""
        if self._fd_watch is None:
            return
        self._fd_watch.close()
        self._fd_watch = None
        if self._write_watch is not None:
            self._write_watch.close()
        if reset:
            self._sock.setsockopt(_socket.SOL_SOCKET, _socket.SO_LINGER, _LINGER_RESET)
        self._sock.close()
        self._call = None
        self.reusable = False

    # llhttp's callbacks

    def on_message_begin(self) -> None:
        """A second answer to one request makes the connection useless."""
        if self._complete:
            self.reusable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep one header by its lower-case name; trailers are not headers."""
        if not self._status:
            self._headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        """Note how the body is framed."""
        if self._complete:
            return
        headers = self._headers
        self._status = self._parser.get_status_code()
        self._sized = b"content-length" in headers or b"transfer-encoding" in headers
        self._streaming = headers.get(b"content-type", b"").startswith(b"text/event-stream")

    def on_body(self, data: bytes) -> None:
        """Collect the body, up to MAX_BODY."""
        if self._complete:
            return
        self._body.append(data)
        if len(self._body) * CHUNK > MAX_BODY and sum(map(len, self._body)) > MAX_BODY:
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
            if not self._parser.should_keep_alive():  # true only here: llhttp resets it afterwards
                self.reusable = False


class Tls:
    """A TLS session over memory BIOs: bytes in, bytes out, no socket."""

    __slots__ = ("_incoming", "_object", "_outgoing")

    def __init__(self, context: ssl.SSLContext, server_name: str) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_name)

    def handshake(self, data: bytes) -> tuple[bool, bytes]:
        """Take what arrived; give (finished, what to send). ssl.SSLError if the peer is not trusted."""
        self._incoming.write(data)
        try:
            self._object.do_handshake()
            finished = True
        except ssl.SSLWantReadError:
            finished = False
        return finished, self._outgoing.read()

    def encrypt(self, data: bytes) -> bytes:
        """Plain bytes to records."""
        self._object.write(data)
        return self._outgoing.read()

    def decrypt(self, data: bytes) -> tuple[bytes, bool]:
        """Records to (plain bytes, the peer closed the session)."""
        self._incoming.write(data)
        plain = []
        try:
            while piece := self._object.read(CHUNK):
                plain.append(piece)
            return b"".join(plain), True
        except ssl.SSLWantReadError:
            return b"".join(plain), False
        except ssl.SSLZeroReturnError:
            return b"".join(plain), True

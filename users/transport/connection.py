"""One HTTP/1.1 connection that carries one call at a time, driven by the event loop.

There is no greenlet per call. A connection keeps one read watcher for its whole life, so a call on
a warm connection costs one `send`, one `recv` and no `epoll_ctl`. What the bytes say is `http_response`'s,
where the connection stands is `lifecycle`'s. Redirects are not followed: the client sees the 3xx. TLS runs
through memory BIOs, so both kinds share every line below `_receive`.

A connection tells its owner `answered`, `broken` or `idle_closed`. After `answered` its state is IDLE; SPENT:
then the owner closes it; or DRAINING: the call is over and its event stream is not, which `drained` tells.
"""

from __future__ import annotations

import errno
import socket as _socket
import ssl
import struct
from collections.abc import Callable
from typing import Any, Final, Protocol

from users.transport.body_limits import BodyLimits, OutOfRoomError, TooLargeError
from users.transport.call import Call, StreamReader
from users.transport.http_response import BadResponseError, Response, ResponseParser
from users.transport.lifecycle import LOSS, MOVES, State
from users.transport.tls import CHUNK, TlsSession

READ: Final = 1
WRITE: Final = 2
_LINGER_RESET: Final = struct.pack("ii", 1, 0)
_BUSY: Final = State.BUSY
_IDLE: Final = State.IDLE


class Owner(Protocol):
    """Who is told what became of a call."""

    def answered(self, connection: Connection, call: Call) -> None:
        """The whole answer is in `call`."""

    def broken(self, connection: Connection, call: Call, reason: str) -> None:
        """There will be no answer: `connect`, `reset`, `bad_response`, or `ENOMEM` for want of room here."""

    def drained(self, connection: Connection) -> None:
        """A stream whose call was over has ended; the connection is IDLE or SPENT."""

    def idle_closed(self, connection: Connection) -> None:
        """A connection without a call went away."""

    def spoken(self, connection: Connection, data: bytes) -> None:
        """Something came on a connection without a call, or behind an answer; it goes away for it."""


class Connection:
    """A socket, its parser, and the call that it carries. `pool` is whose it is while it is idle."""

    __slots__ = (
        "_call",
        "_loop",
        "_out",
        "_owner",
        "_parser",
        "_read_watch",
        "_refused",
        "_sock",
        "_stream_of",
        "_tls",
        "_write_watch",
        "pool",
        "state",
    )

    def __init__(
        self,
        loop: Any,
        owner: Owner,
        pool: int,
        sock: Any,
        tls: TlsSession | None,
        stream_of: Callable[[int], StreamReader] | None,
        limits: BodyLimits,
    ) -> None:
        """`sock` is new and does not block; `stream_of(request id)` reads an event stream as it comes."""
        self.pool = pool
        self.state = State.NEW
        self._loop = loop
        self._owner = owner
        self._sock = sock
        self._tls = tls
        self._stream_of = stream_of
        self._read_watch = loop.io(sock.fileno(), READ)
        self._write_watch: Any = None
        self._parser = ResponseParser(limits)
        self._call: Call | None = None
        self._out = b""
        self._refused = False

    # Sending

    def dial(self, address: Any) -> int:
        """Begin to connect; 0, or the errno of what stands in the way."""
        code = self._sock.connect_ex(address)
        self._refused = code not in (0, errno.EINPROGRESS)
        return code if self._refused else 0

    def connecting(self, call: Call) -> None:
        """Send `call` once the connection is there."""
        self.state = MOVES[self.state][State.CONNECTING]
        self._call = call
        if self._refused:
            self._lost()
            return
        self._watch_write(self._on_connected)

    def start(self, call: Call) -> None:
        """Send `call`; the connection is idle, or has just become ready."""
        self.state = MOVES[self.state][_BUSY]
        self._call = call
        self._write(call.request if self._tls is None else self._tls.encrypt(call.request))

    def _write(self, data: bytes) -> None:
        if self._out:
            self._out += data
            return
        try:
            sent = self._sock.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._lost()
            return
        if sent < len(data):
            self._out = data[sent:]
            self._watch_write(self._on_writable)

    def _watch_write(self, callback: Any) -> None:
        if self._write_watch is None:
            self._write_watch = self._loop.io(self._sock.fileno(), WRITE)
        self._write_watch.start(callback)

    def _on_writable(self) -> None:
        try:
            sent = self._sock.send(self._out)
        except BlockingIOError:
            return
        except OSError:
            self._lost()
            return
        self._out = self._out[sent:]
        if not self._out:
            self._write_watch.stop()

    # Becoming ready

    def _on_connected(self) -> None:
        self._write_watch.stop()
        if self._sock.getsockopt(_socket.SOL_SOCKET, _socket.SO_ERROR):
            self._lost()
            return
        self._read_watch.start(self._on_readable)
        if self._tls is None:
            assert self._call is not None
            self.start(self._call)
        else:
            self.state = MOVES[self.state][State.HANDSHAKING]
            self._shake_hands(self._tls, b"")

    def _shake_hands(self, tls: TlsSession, data: bytes) -> bool:
        """Whether the session is up, and the request on its way."""
        try:
            finished, answer = tls.handshake(data)
        except ssl.SSLError:
            self._lost()
            return False
        if answer:
            self._write(answer)
        if finished and self._call is not None:
            self.start(self._call)
        return self._call is not None and finished

    # Receiving

    def _on_readable(self) -> None:
        try:
            data = self._sock.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            self._lost()
            return
        if not data:
            self._on_eof()
        elif self._tls is None:
            self._receive(data)
        else:
            self._receive_tls(self._tls, data)

    def _receive_tls(self, tls: TlsSession, data: bytes) -> None:
        if self.state is State.HANDSHAKING:
            if not self._shake_hands(tls, data):
                return
            data = b""  # the session has it already, and what came with it
        try:
            plain, ended = tls.decrypt(data)
        except ssl.SSLError:
            self._lost()
            return
        if plain:
            self._receive(plain)
        if ended and self.state is not State.CLOSED:
            self._on_eof()

    def _receive(self, data: bytes) -> None:
        call, parser = self._call, self._parser
        if call is None and self.state is not State.DRAINING:  # nobody asked
            self._owner.spoken(self, data)
            self._lost()
            return
        try:
            response = parser.receive(data)
        except (BadResponseError, TooLargeError, OutOfRoomError) as error:
            self._refuse(error)
            return
        if call is None:
            self._drain(response)
        elif response is not None:
            self._finish(call, response)
        elif self._stream_of is not None and parser.event_stream:
            self._read_stream(call, self._stream_of)

    def _refuse(self, error: Exception) -> None:
        """What comes is no answer, or more than can be read."""
        call, parser = self._call, self._parser
        if call is not None and isinstance(error, TooLargeError):
            call.status, call.headers, call.body = parser.status, parser.headers, str(error).encode()
            call.stream = None
        self._lost("ENOMEM" if isinstance(error, OutOfRoomError) else "bad_response")

    def _read_stream(self, call: Call, stream_of: Callable[[int], StreamReader]) -> None:
        """The call is over with its answer; the rest of the stream is waited for, and thrown away."""
        if call.stream is None:
            call.stream = stream_of(call.request_id)
        parser = self._parser
        if call.stream.feed(parser.take_body()):
            call.status, call.headers = parser.status, parser.headers
            parser.skip()
            self._call = None
            self.state = MOVES[self.state][State.SPENT if self._out else State.DRAINING]
            self._owner.answered(self, call)

    def _drain(self, response: Response | None) -> None:
        if response is not None:
            self.state = MOVES[self.state][_IDLE if response[3] else State.SPENT]
            self._owner.drained(self)
            self._tell_unasked()

    def _on_eof(self) -> None:
        call = self._call
        response = self._parser.receive_eof() if call is not None else None
        if call is not None and response is not None:
            self._finish(call, response)
        else:
            self._lost()

    def _finish(self, call: Call, response: Response) -> None:
        call.status, call.headers, call.body, keep_alive = response
        self._call = None
        self.state = MOVES[self.state][_IDLE if keep_alive and not self._out else State.SPENT]
        self._owner.answered(self, call)
        if not keep_alive:
            self._tell_unasked()

    def _tell_unasked(self) -> None:
        """A second answer that came with the end of the first is nobody's, as one that comes by itself."""
        if self._parser.unasked:
            self._owner.spoken(self, self._parser.unasked)

    def _lost(self, reason: str = "") -> None:
        call, reason = self._call, reason or LOSS.get(self.state, "")
        self.close()
        if call is None:
            self._owner.idle_closed(self)
        else:
            self._owner.broken(self, call, reason)

    def leave_to(self, owner: Owner, call: Call | None = None) -> None:
        """From now on `owner` is told; `call` is what is carried, in place of the one that is."""
        self._owner, self._call = owner, call

    @property
    def waits(self) -> bool:
        """The request is out, and its answer due."""
        return self.state is _BUSY and not self._out

    def close(self, reset: bool = False) -> None:
        """Close; with `reset`, by RST, so that the other side sees an abort. Safe to repeat."""
        if self.state is State.CLOSED:
            return
        self.state = MOVES[self.state][State.CLOSED]
        self._read_watch.close()
        if self._write_watch is not None:
            self._write_watch.close()
        if reset:
            self._sock.setsockopt(_socket.SOL_SOCKET, _socket.SO_LINGER, _LINGER_RESET)
        self._sock.close()
        self._parser.release()
        self._call = None

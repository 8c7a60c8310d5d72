"""HTTP answers made by a seeded generator: valid, broken and endless ones.

    made = generate(seed, number, rpc_id)    # the same answer for the same three

`made.name` says its kind and the outcomes that a correct client may report, `allowed(name)` reads them again.
No answer races with the client's next request: a connection is closed only where no client can take it for
good, so a server that plays these has seen every request that went out.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final

from tests.support.recorder.exchange import OK, Exchange, head

Random = random.Random
SHARES: Final = {"valid": 0.82, "broken": 0.16, "endless": 0.02}
SSE: Final = b"text/event-stream"
CHUNKED: Final = b"Transfer-Encoding: chunked"
NOTE: Final = b'{"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":%d}}'
ANYTHING: Final = frozenset(
    (OK, "bad_response", "reset", "timeout", "http_error", "rpc_error", "tool_error", "redirect", "refused",
     "invalid_token")
)  # fmt: skip
ONE_SEGMENT: Final = 4096  # bytes that arrive together


class End(Enum):
    """What follows on the last piece."""

    KEEP = "read the next request"
    CLOSE = "FIN"
    RESET = "RST"
    REPEAT = "the last piece again and again"


@dataclass(frozen=True)
class Generated:
    """An answer on the wire: pieces, each sent `pause` seconds after the one before."""

    kind: str
    outcomes: frozenset[str]
    pieces: tuple[bytes, ...]
    end: End = End.KEEP
    pause: float = 0.0

    @property
    def name(self) -> str:
        return f"{self.kind}: {','.join(sorted(self.outcomes))}"

    async def play(self, x: Exchange) -> None:
        """Send it. ConnectionError once the client is gone."""
        for piece in self.pieces:
            await x.send(piece)
            await asyncio.sleep(self.pause)
        while self.end is End.REPEAT:
            await x.send(self.pieces[-1])
            await asyncio.sleep(self.pause)
        if self.end is End.RESET:
            x.reset()
        elif self.end is End.CLOSE:
            x.close()


def allowed(name: str) -> frozenset[str]:
    """The outcomes that a `Generated.name` names."""
    return frozenset(name.partition(": ")[2].split(","))


def generate(seed: int, number: int, rpc_id: bytes) -> Generated:
    """The answer to the `number`th request."""
    r = Random(f"{seed} {number}")
    kind = r.choices(list(SHARES), list(SHARES.values()))[0]
    return MAKERS[kind](r, rpc_id)


# Valid


@dataclass(frozen=True)
class Message:
    """A JSON-RPC answer, and what a client calls it."""

    body: bytes
    outcome: str
    status: bytes = b"200 OK"


def _size(r: Random, most: int) -> int:
    """Small sizes as often as large ones: even on a logarithmic scale."""
    return int(most ** r.random()) - 1


def _message(r: Random, rpc_id: bytes, most: int = 100_000) -> Message:
    start = b'{"jsonrpc":"2.0","id":' + rpc_id
    text = b"x" * _size(r, most)
    which = r.random()
    if which < 0.8:
        content = b'{"content":[{"type":"text","text":"%b"}],"isError":false}' % text
        return Message(b'%b,"result":%b}' % (start, content), OK)
    if which < 0.9:
        return Message(
            b'%b,"error":{"code":%d,"message":"%b"}}' % (start, r.randint(-40_000, 0), text), "rpc_error"
        )
    if which < 0.95:
        return Message(b'%b,"result":{"isError":true,"content":[]}}' % start, "tool_error")
    status = r.choice((b"400 Bad Request", b"404 Not Found", b"500 Internal Server Error", b"503 Down"))
    return Message(text, "http_error", status)


def _headers(r: Random) -> list[bytes]:
    return [b"X-%d: %b" % (i, b"v" * _size(r, 200)) for i in range(_size(r, 50))]


def _chunks(r: Random, body: bytes) -> bytes:
    size = max(_size(r, 65_536), 1 + len(body) // 20_000)
    parts = (body[at : at + size] for at in range(0, len(body), size))
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)


def _events(r: Random, message: bytes) -> bytes:
    end = r.choice((b"\n", b"\r\n", b"\r"))
    lines = []
    for number in range(_size(r, 300)):
        lines += [r.choice((b"event: message", b": ping", b"id: 1")), b"data: " + NOTE % number, b""]
    lines += [b"data: " + message, b"", b""]
    return end.join(lines)


def _framed(r: Random, message: Message) -> tuple[bytes, bool]:
    """(the answer, it ends with the connection)"""
    stream = message.status.startswith(b"200") and r.random() < 0.3
    body = _events(r, message.body) if stream else message.body
    headers, kind = _headers(r), SSE if stream else b"application/json"
    way = r.random()
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * (_size(r, 4) if way < 0.3 else 0)
    if way < 0.5:
        headers.insert(0, b"Content-Length: %d" % len(body))
        return interim + head(*headers, status=message.status, kind=kind) + body, False
    if way < 0.9:
        start = head(CHUNKED, *headers, status=message.status, kind=kind)
        return interim + start + _chunks(r, body) + b"0\r\n\r\n", False
    return head(*headers, status=message.status, kind=kind) + body, True


def _cut(r: Random, raw: bytes) -> tuple[bytes, ...]:
    """In one piece, in some, or in many tiny ones."""
    way = r.random()
    if way < 0.6:
        return (raw,)
    size = max(len(raw) // r.randint(2, 10), 1) if way < 0.95 else max(len(raw) // 100, 1)
    return tuple(raw[at : at + size] for at in range(0, len(raw), size))


def valid(r: Random, rpc_id: bytes) -> Generated:
    """What a careful server may send."""
    message = _message(r, rpc_id)
    raw, until_eof = _framed(r, message)
    return Generated(
        "valid", frozenset((message.outcome,)), _cut(r, raw), End.CLOSE if until_eof else End.KEEP
    )


# Broken


def _cut_short(r: Random, rpc_id: bytes) -> Generated:
    message = _message(r, rpc_id)
    raw, _ = _framed(r, message)
    # the last line ends of an event stream are more than its answer needs
    raw = raw[: r.randrange(max(len(raw) - 8, 1))]
    end = r.choice((End.CLOSE, End.RESET))
    return Generated("broken", frozenset((message.outcome, "reset", "bad_response")), (raw,), end)


def _flipped(r: Random, rpc_id: bytes) -> Generated:
    raw, _ = _framed(r, _message(r, rpc_id, 1000))
    wrong = bytearray(raw[:ONE_SEGMENT])
    for _ in range(r.randint(1, 5)):
        wrong[r.randrange(len(wrong))] = r.randrange(256)
    return Generated("broken", ANYTHING, (bytes(wrong),))


def _noise(r: Random, rpc_id: bytes) -> Generated:
    raw = r.choice((b"", b"HTTP/1.1 ", b"HTTP/1.1 200 OK\r\n")) + r.randbytes(1 + _size(r, 2000))
    return Generated("broken", frozenset(("bad_response", "reset")), (raw,), End.CLOSE)


def _not_ours(r: Random, rpc_id: bytes) -> Generated:
    body = r.choice(
        (b"", b"null", b"{}", b"[" * 5000, b'{"jsonrpc":"2.0","id":%b}' % rpc_id, b"\xff" * 100,
         b'{"jsonrpc":"2.0","id":987654321987,"result":{}}')
    )  # fmt: skip
    raw = head(b"Content-Length: %d" % len(body)) + body
    return Generated("broken", frozenset(("bad_response",)), (raw,))


def _bad_chunks(r: Random, rpc_id: bytes) -> Generated:
    wrong = r.choice((b"zz\r\n", b"-1\r\n", b"5\r\nhello!", b"ffffffffffffffffff\r\n", b"\r\n\r\n"))
    return Generated("broken", frozenset(("bad_response",)), (head(CHUNKED) + b"1\r\n{\r\n" + wrong,))


def _odd_error(r: Random, rpc_id: bytes) -> Generated:
    inner = r.choice(
        (b'"\xff"', b'{"code":1e400,"message":"\\u0000\\ud800"}', b'{"code":1,"message":"\xc3("}',
         b'{"code":"\xff","message":7}', b'{"code":-1,"message":"\x01\x1b[31m"}', b"[[[[]]]]",
         b'{"code":NaN}', b'{"code":1,"data":{"detail":"\xff"},"message":[]}', b"99999999999999999999999")
    )  # fmt: skip
    body = b'{"jsonrpc":"2.0","id":%b,"error":%b}' % (rpc_id, inner)
    status = r.choice((b"200 OK", b"400 Bad Request", b"429 Too Many Requests", b"500 Oops"))
    raw = head(b"Content-Length: %d" % len(body), status=status) + body
    return Generated("broken", frozenset(("bad_response", "rpc_error", "http_error", "refused")), (raw,))


def _silent(r: Random, rpc_id: bytes) -> Generated:
    raw, _ = _framed(r, Message(b'{"id":1}' * 10, OK))
    raw = raw[: min(r.randrange(len(raw)), 60)]
    return Generated("broken", frozenset(("timeout",)), (raw,))


def _reset(r: Random, rpc_id: bytes) -> Generated:
    return Generated("broken", frozenset(("reset",)), (), End.RESET)


BREAKERS: Final = (_cut_short, _flipped, _noise, _not_ours, _bad_chunks, _odd_error, _silent, _reset)


def broken(r: Random, rpc_id: bytes) -> Generated:
    """What no server should send."""
    return r.choice(BREAKERS)(r, rpc_id)


# Endless


def _floods(rpc_id: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(how it begins, what is sent for ever)"""
    chunked, events = head(CHUNKED), head(CHUNKED, kind=SSE)
    note = b"data: " + NOTE % 1 + b"\n\n"
    yield head(), b" " * 30_000
    yield chunked, b"7530\r\n" + b" " * 30_000 + b"\r\n"
    yield chunked, b"1\r\nx\r\n" * 1000
    yield head(b"Content-Length: 999999999999"), b" " * 100
    yield events, b"%x\r\n%b\r\n" % (len(note) * 100, note * 100)
    yield events, b"1\r\nx\r\n" * 1000
    yield b"HTTP/1.1 200 OK\r\nX-Long: ", b"x" * 5000
    yield b"HTTP/1.1 200 OK\r\n", b"X-Header: 1\r\n" * 300
    yield b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100
    yield chunked + b"1\r\n{\r\n0\r\nX-Late: ", b"x" * 5000
    yield chunked + b"1;x=", b"x" * 5000


def endless(r: Random, rpc_id: bytes) -> Generated:
    """What goes on until the client hangs up."""
    if r.random() < 0.1:  # a stream that answers, and stays open
        event = b'data: {"jsonrpc":"2.0","id":%b,"result":{}}\n\n' % rpc_id
        begin = head(CHUNKED, kind=SSE) + b"%x\r\n%b\r\n" % (len(event), event)
        return Generated("endless", frozenset((OK,)), (begin, b"7\r\n: ping\n\r\n"), End.REPEAT, 0.02)
    pieces = r.choice(list(_floods(rpc_id)))
    pause = r.choice((0.005, 0.02, 0.05))
    return Generated("endless", frozenset(("bad_response", "timeout")), pieces, End.REPEAT, pause)


MAKERS: Final[dict[str, Callable[[Random, bytes], Generated]]] = {
    "valid": valid,
    "broken": broken,
    "endless": endless,
}

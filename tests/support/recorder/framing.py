"""Behaviours in HTTP/1.1 framing, legal and illegal."""

from __future__ import annotations

import asyncio
import gzip

from tests.support.recorder.exchange import OK, Exchange, behaviour, head

TWO_MEGABYTES = 2 * 1024 * 1024


def chunks(body: bytes, size: int, extension: bytes = b"") -> bytes:
    """`body` in chunks of `size` bytes, without the last chunk."""
    parts = (body[at : at + size] for at in range(0, len(body), size))
    return b"".join(b"%x%b\r\n%b\r\n" % (len(part), extension, part) for part in parts)


@behaviour("chunked", OK)
async def chunked(x: Exchange) -> None:
    await x.send(head(b"Transfer-Encoding: chunked"), chunks(x.result(), 7), b"0\r\n\r\n")


@behaviour("chunked-pieces", OK)
async def chunked_pieces(x: Exchange) -> None:
    await x.send(head(b"Transfer-Encoding: chunked"))
    for byte in chunks(x.result(), 5) + b"0\r\n\r\n":
        await x.send(bytes((byte,)))


@behaviour("chunked-trailers", OK)
async def chunked_trailers(x: Exchange) -> None:
    body = chunks(x.result(), 50, b';name="va;lue"') + b"0;last\r\nX-Sum: 1\r\nX-More: 2\r\n\r\n"
    await x.send(head(b"Transfer-Encoding: chunked", b"Trailer: X-Sum"), body)


@behaviour("bad-chunks", "bad_response")
async def bad_chunks(x: Exchange) -> None:
    await x.send(head(b"Transfer-Encoding: chunked"), b"zz\r\n", x.result(), b"\r\n0\r\n\r\n")
    x.close()


@behaviour("garbage", "bad_response")
async def garbage(x: Exchange) -> None:
    await x.send(bytes(range(256)) * 4)
    x.close()


@behaviour("garbage-header", "bad_response")
async def garbage_header(x: Exchange) -> None:
    await x.send(b"HTTP/1.1 200 OK\r\n\x00\x01 no colon\r\nContent-Length: 2\r\n\r\n{}")
    x.close()


@behaviour("garbage-after", OK)
async def garbage_after(x: Exchange) -> None:
    body = x.result()
    await x.send(head(b"Content-Length: %d" % len(body)), body, b"\x00garbage\r\n\r\n")
    x.close()


@behaviour("two-answers", OK)
async def two_answers(x: Exchange) -> None:
    """A second answer that nobody asked for must not be taken for the next request's."""
    body = x.result()
    whole = head(b"Content-Length: %d" % len(body)) + body
    await x.send(whole, whole)


@behaviour("two-lengths", "bad_response")
async def two_lengths(x: Exchange) -> None:
    await x.send(head(b"Content-Length: 5", b"Content-Length: 7"), b"{}     ")
    x.close()


@behaviour("huge-length", "bad_response")
async def huge_length(x: Exchange) -> None:
    await x.send(head(b"Content-Length: 99999999999999999999999"), x.result())
    x.close()


@behaviour("connection-close", OK)
async def connection_close(x: Exchange) -> None:
    await x.answer(x.result(), b"Connection: close")
    x.close()


@behaviour("close-said-but-open", OK)
async def close_said_but_open(x: Exchange) -> None:
    """The client has to hang up by itself."""
    await x.answer(x.result(), b"Connection: close")


@behaviour("until-eof", OK)
async def until_eof(x: Exchange) -> None:
    await x.send(head(), x.result())
    x.close()


@behaviour("http-1.0", OK)
async def http_1_0(x: Exchange) -> None:
    await x.send(b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n", x.result())
    x.close()


@behaviour("http-1.0-length", OK)
async def http_1_0_length(x: Exchange) -> None:
    body = x.result()
    await x.send(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body), body)
    x.close()


@behaviour("two-megabytes", OK)
async def two_megabytes(x: Exchange) -> None:
    await x.answer(x.result(b"x" * TWO_MEGABYTES))


@behaviour("interim", OK)
async def interim(x: Exchange) -> None:
    await x.send(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
    await x.answer(x.result())


@behaviour("many-headers", OK)
async def many_headers(x: Exchange) -> None:
    await x.answer(x.result(), *(b"X-Header-%d: %d" % (i, i) for i in range(200)))


@behaviour("long-header", OK)
async def long_header(x: Exchange) -> None:
    await x.answer(x.result(), b"X-Long: " + b"x" * 60_000)


@behaviour("headers-without-end", "bad_response")
async def headers_without_end(x: Exchange) -> None:
    await x.send(b"HTTP/1.1 200 OK\r\n")
    while True:
        await x.send(b"X-Header: 1\r\n" * 1000)
        await asyncio.sleep(0)  # a buffer that never fills never lets the others work


@behaviour("trailers-without-end", "bad_response")
async def trailers_without_end(x: Exchange) -> None:
    await x.send(head(b"Transfer-Encoding: chunked"), chunks(x.result(), 500), b"0\r\nX-Late: ")
    while True:
        await x.send(b"x" * 10_000)
        await asyncio.sleep(0)


@behaviour("tiny-chunks", OK)
async def tiny_chunks(x: Exchange) -> None:
    await x.send(head(b"Transfer-Encoding: chunked"), chunks(x.result(b"x" * 20_000), 1), b"0\r\n\r\n")


@behaviour("gzip", OK, "bad_response")
async def unasked_gzip(x: Exchange) -> None:
    await x.answer(gzip.compress(x.result()), b"Content-Encoding: gzip")


@behaviour("no-content", "bad_response")
async def no_content(x: Exchange) -> None:
    await x.send(b"HTTP/1.1 204 No Content\r\n\r\n")


@behaviour("accepted", "bad_response")
async def accepted(x: Exchange) -> None:
    await x.answer(b"", status=b"202 Accepted")


@behaviour("empty", "bad_response")
async def empty(x: Exchange) -> None:
    await x.answer(b"")

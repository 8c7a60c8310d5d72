"""Behaviours that break the connection or leave it hanging."""

from __future__ import annotations

import asyncio
import random

from tests.support.recorder.exchange import OK, Exchange, behaviour, head

_random = random.Random(1)


@behaviour("good", OK)
async def good(x: Exchange) -> None:
    await x.answer(x.result())


@behaviour("reset-before", "reset")
async def reset_before(x: Exchange) -> None:
    x.reset()


@behaviour("reset-in-head", "reset")
async def reset_in_head(x: Exchange) -> None:
    await x.send(b"HTTP/1.1 200 OK\r\nContent-Ty")
    x.reset()


@behaviour("reset-after-head", "reset")
async def reset_after_head(x: Exchange) -> None:
    await x.send(head(b"Content-Length: 500"))
    x.reset()


@behaviour("reset-in-body", "reset")
async def reset_in_body(x: Exchange) -> None:
    await x.send(head(b"Content-Length: 500"), b'{"jsonrpc":"2.0",')
    x.reset()


@behaviour("reset-after-answer", OK, "reset", races=True)
async def reset_after_answer(x: Exchange) -> None:
    await x.answer(x.result())
    x.reset()


@behaviour("close-before", "reset")
async def close_before(x: Exchange) -> None:
    x.close()


@behaviour("close-in-head", "reset", "bad_response")
async def close_in_head(x: Exchange) -> None:
    await x.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1")
    x.close()


@behaviour("short-body", "reset")
async def short_body(x: Exchange) -> None:
    await x.send(head(b"Content-Length: 5000"), x.result())
    x.close()


@behaviour("short-chunks", "reset")
async def short_chunks(x: Exchange) -> None:
    await x.send(head(b"Transfer-Encoding: chunked"), b"1f4\r\n", x.result())
    x.close()


@behaviour("stall", "timeout")
async def stall(x: Exchange) -> None:
    await x.until_gone()


@behaviour("stall-in-head", "timeout")
async def stall_in_head(x: Exchange) -> None:
    await x.send(b"HTTP/1.1 200 OK\r\nContent-Ty")
    await x.until_gone()


@behaviour("stall-in-body", "timeout")
async def stall_in_body(x: Exchange) -> None:
    await x.send(head(b"Content-Length: 5000"), x.result())
    await x.until_gone()


@behaviour("stall-after-100", "timeout")
async def stall_after_100(x: Exchange) -> None:
    await x.send(b"HTTP/1.1 100 Continue\r\n\r\n")
    await x.until_gone()


@behaviour("trickle-for-ever", "timeout")
async def trickle_for_ever(x: Exchange) -> None:
    await x.send(head(b"Content-Length: 100000"))
    while True:
        await x.send(b" ")
        await asyncio.sleep(0.1)


@behaviour("trickle-head-for-ever", "timeout")
async def trickle_head_for_ever(x: Exchange) -> None:
    await x.send(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while True:
        await x.send(b"x")
        await asyncio.sleep(0.1)


@behaviour("trickle", OK)
async def trickle(x: Exchange) -> None:
    body = x.result()
    for byte in head(b"Content-Length: %d" % len(body)) + body:
        await x.send(bytes((byte,)))
        await asyncio.sleep(0.001)


@behaviour("keep-alive-ends", OK, "reset", races=True)
async def keep_alive_ends(x: Exchange) -> None:
    """The third answer of a connection is its last, unannounced, about when the next call starts."""
    await x.answer(x.result())
    if x.served >= 2:
        await asyncio.sleep(_random.random() * 0.05)
        x.close()

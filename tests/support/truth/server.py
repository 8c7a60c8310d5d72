"""Made targets: servers of a few lines each, every one of them wrong (or right) in one way.

    with Targets() as targets:
        port = targets.serve("dies")            # a behaviour of `tests/support/truth/`, by name

    python -m tests.support.truth.server BEHAVIOUR PORT     # one alone, until stdin closes

All of them live in one thread. A behaviour is a function that is given the target and a request, and gives
what to answer: an `Answer`, or one of `HANG`, `RESET`, `CLOSE`. It may be a coroutine.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import json
import os
import socket
import struct
import sys
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

JSON: Final = "application/json"
LINGER_RESET: Final = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class Answer:
    """An answer; with `streaming` its body ends with the connection, which stays open."""

    body: bytes = b""
    status: int = 200
    kind: str = JSON
    headers: tuple[tuple[str, str], ...] = ()
    streaming: bool = False


HANG: Final = "hang"  # never answer
RESET: Final = "reset"  # by RST
CLOSE: Final = "close"  # by FIN
Reply = Answer | str


@dataclass(frozen=True)
class Request:
    """One request. `number` counts those of its path, from 0; `user` is what its address says."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    number: int

    @property
    def message(self) -> dict[str, Any]:
        return dict(json.loads(self.body or b"{}"))

    @property
    def id(self) -> Any:
        return self.message.get("id")

    @property
    def user(self) -> str:
        return self.headers.get("cf-connecting-ip", "")

    @property
    def module(self) -> str:
        arguments: dict[str, Any] = self.message.get("params", {}).get("arguments", {})
        return str(arguments.get("module", ""))


Behaviour = Callable[["Target", Request], Reply | Awaitable[Reply]]
BEHAVIOURS: dict[str, Behaviour] = {}


def behaviour(name: str) -> Callable[[Behaviour], Behaviour]:
    """Register a made target."""

    def register(play: Behaviour) -> Behaviour:
        assert name not in BEHAVIOURS, name
        BEHAVIOURS[name] = play
        return play

    return register


@dataclass(eq=False)
class Target:
    """One made target. `options` are its row's own; `kept` is what its behaviour remembers."""

    play: Behaviour
    options: dict[str, Any] = field(default_factory=dict)
    kept: dict[str, Any] = field(default_factory=dict)
    port: int = 0
    first_call: float = 0.0  # monotonic s
    requests: Counter[str] = field(default_factory=Counter)
    _server: asyncio.Server | None = None
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def age(self) -> float:
        """Seconds since the first call, which is no look at the health."""
        return time.monotonic() - self.first_call if self.first_call else 0.0

    async def start(self, port: int = 0) -> None:
        self._server = await asyncio.start_server(self._met, "127.0.0.1", port, backlog=1024)
        self.port = self._server.sockets[0].getsockname()[1]

    def die(self) -> None:
        """Nobody listens any more, and every connection is reset."""
        if self._server is not None:
            self._server.close()
        for writer in self._writers:
            reset(writer)

    async def _met(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while await self._exchange(reader, writer):
                pass
        self._writers.discard(writer)
        writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request and its answer; whether the connection is good for another."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ")
        headers = {
            name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])
        }
        body = await reader.readexactly(int(headers.get("content-length") or 0))
        if method == "POST" and not self.first_call:
            self.first_call = time.monotonic()
        request = Request(method, path, headers, body, self.requests[path])
        self.requests[path] += 1
        reply = self.play(self, request)
        return await send(writer, await reply if inspect.isawaitable(reply) else reply)


async def send(writer: asyncio.StreamWriter, reply: Reply) -> bool:
    """Whether the connection is good for another request."""
    if isinstance(reply, str):
        if reply == HANG:
            await asyncio.sleep(60)
        if reply == RESET:
            reset(writer)
        return False
    length = () if reply.streaming else (("Content-Length", str(len(reply.body))),)
    lines = (
        f"{name}: {value}\r\n" for name, value in (("Content-Type", reply.kind), *length, *reply.headers)
    )
    writer.write(f"HTTP/1.1 {reply.status} Said\r\n{''.join(lines)}\r\n".encode("latin-1") + reply.body)
    await writer.drain()
    if reply.streaming:
        await asyncio.sleep(60)
    return not reply.streaming


def reset(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    if sock is not None and sock.fileno() >= 0:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)
    writer.transport.abort()


class Targets:
    """The thread that they live in."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Targets:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(_cancel_all(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def serve(self, name: str, **options: Any) -> Target:
        """A fresh target of that behaviour, at a port of its own."""
        target = Target(known(name), options)
        asyncio.run_coroutine_threadsafe(target.start(), self._loop).result(10)
        return target

    def end(self, target: Target) -> None:
        """It serves nobody any more."""
        self._loop.call_soon_threadsafe(target.die)


async def _cancel_all() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def known(name: str) -> Behaviour:
    from tests.support.truth import answers, effects, limits, stack, tokens

    assert all((answers, effects, limits, stack, tokens)), "they register themselves"
    return BEHAVIOURS[name]


async def alone(name: str, port: int) -> None:
    await Target(known(name)).start(port)
    print("ready", flush=True)
    await asyncio.Event().wait()


def end_with_parent() -> None:
    while os.read(0, 4096):
        pass
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=end_with_parent, daemon=True).start()
    asyncio.run(alone(sys.argv[1], int(sys.argv[2])))

"""A server with a seeded bug and a recorder: `python -m bench.isolation_server BUG SHARE` (`none 0`: no bug).

It says each call's text back, by way of the bug (`fakes.bugs`). The recorder is not the bug's count: it holds
the mark in each answer's bytes against the one in its request's, as they go out. Its port is the first line
that it prints. `GET /tally` gives what was recorded since the last one, and begins anew with the next seed.
It ends with its stdin.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from typing import Any, Final

import httptools

from fakes.bugs.bug import AskedCall, Surroundings
from fakes.bugs.bugs import Bugs
from fakes.http.asgi import Reply
from fakes.http.metrics import Metrics

MARK: Final = re.compile(rb"rznonce-[0-9a-f]+-\d+--?\d+-\d+-z")
SLOW: Final = 0.4  # seconds that the tool `slow` takes
HEAD: Final = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
COUNTER: Final = "mcpist_bug_answers_total"


class Tally:
    """Answers that went out, and those with a mark that their request did not have."""

    def __init__(self) -> None:
        self.answers = self.foreign = 0

    def sent(self, request: bytes, answer: bytes) -> None:
        """One answer on the wire."""
        self.answers += 1
        self.foreign += not set(MARK.findall(answer)) <= set(MARK.findall(request))


class BuggyServer:
    """One bug at a time, and who counts it."""

    def __init__(self, shares: dict[str, float]) -> None:
        self._shares, self._seed = shares, 0
        self.begin()

    def begin(self) -> None:
        """Anew, with the next seed."""
        self._seed += 1
        self._metrics, self.tally = Metrics(), Tally()
        self._bugs = Bugs(self._metrics, str(self._seed), Surroundings(_no_session, ("", 0)))

    async def answer(self, request: bytes) -> bytes:
        """The whole answer to a request's body."""
        asked = json.loads(request)
        tool, text = asked["params"]["name"], asked["params"]["arguments"]["text"]

        async def work() -> Reply:
            if tool == "slow":
                await asyncio.sleep(SLOW)
            return Reply(200, [], text.encode())

        user = text.split("-")[2]
        reply = await self._bugs.answer(self._shares, AskedCall(user, asked["id"], tool), work)
        assert reply is not None
        result = {"content": [{"type": "text", "text": reply.body.decode()}], "isError": False}
        return json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}).encode()

    def told(self) -> bytes:
        """What was recorded, and what the bug says of itself."""
        counted = sum(
            sample.value
            for family in self._metrics.registry.collect()
            for sample in family.samples
            if sample.name == COUNTER
        )
        text = {"answers": self.tally.answers, "recorded": self.tally.foreign, "counted": int(counted)}
        self.begin()
        return json.dumps(text).encode()


class _Connection(asyncio.Protocol):
    """One request at a time."""

    def __init__(self, server: BuggyServer) -> None:
        self._server = server
        self._parser = httptools.HttpRequestParser(self)
        self._url, self._body = b"", b""
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._task is not None:
            self._task.cancel()

    def on_url(self, url: bytes) -> None:
        self._url = url

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        request, self._body = self._body, b""
        if self._url == b"/tally":
            self._write(self._server.told())
        else:
            self._task = asyncio.get_running_loop().create_task(self._answer(request))

    async def _answer(self, request: bytes) -> None:
        body = await self._server.answer(request)
        if not self._transport.is_closing():  # nobody gets it
            self._server.tally.sent(request, body)
            self._write(body)

    def _write(self, body: bytes) -> None:
        self._transport.write(HEAD % len(body) + body)


async def _no_session(user: str) -> object:
    raise NotImplementedError("no leak is in force here")


async def _serve(shares: dict[str, float]) -> None:
    loop, server = asyncio.get_running_loop(), BuggyServer(shares)
    listening = await loop.create_server(lambda: _Connection(server), "127.0.0.1", 0)
    print(listening.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_serve({} if sys.argv[1] == "none" else {sys.argv[1]: float(sys.argv[2])}))

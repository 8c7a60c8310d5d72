"""Isolates: each an event loop in a thread of its own, with its own burst counts, key set and tokens.

    one      the layers run in the front's loop: no thread, no hand-over, nothing extra a request
    several  the front reads the request whole, hands it to an isolate picked evenly at random (seeded) and
             gets the answer back, or word that the call passed; what passed is forwarded by the front

Every *request* is routed, as Cloudflare's are, not every connection: the calls of one keep-alive connection
meet different isolates. They share the KV alone (thread-safe), each in a place of its own; read,
decide and write are not one step there, so two isolates can both see 4 and both admit the fifth.
An even spread is the worst case for counts that isolates keep to themselves.

An isolate that is taken away ends the calls that it has, then its thread. A new one begins empty.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable
from typing import Final

import uvloop

from fakes.edge_runtime.isolate import EdgeCall, Isolate
from fakes.http.asgi import ASGIApp, Message, Receive, Scope, Send, whole_body
from fakes.http.hop import Hop

END_TIMEOUT: Final = 10.0  # seconds for a thread's calls to end; a key set is fetched within 5
StackedIsolate = tuple[Isolate, ASGIApp, Hop]
MakeIsolate = Callable[[int, ASGIApp], StackedIsolate]  # (place, inner app)


async def passed(scope: Scope, receive: Receive, send: Send) -> None:
    """Innermost of an isolate in a thread: nothing refused the call, and its CPU time is not used up."""
    call: EdgeCall = scope["state"]["call"]
    if call.checkpoint is not None:
        call.checkpoint()
        call.checkpoint = None  # it reads the clock of this thread


async def _no_more() -> Message:
    return {"type": "http.disconnect"}  # never asked for: the body was read in front


class IsolateThread:
    """One isolate in a thread of its own."""

    def __init__(self, place: int, make: MakeIsolate) -> None:
        self.isolate, self._app, self._hop = make(place, passed)
        self._loop = uvloop.new_event_loop()
        self._end = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name=f"isolate-{place}", daemon=True)
        self._thread.start()

    async def decide(self, scope: Scope) -> list[Message]:
        """The isolate's answer, nothing if it let the call pass. The caller's cancellation reaches it."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._decide(scope), self._loop))

    def reset(self) -> None:
        """Forget counts and keys, before any request that is handed over later."""
        self._loop.call_soon_threadsafe(self.isolate.reset)

    def end(self) -> None:
        """Take no more; the thread ends with its last call."""
        self._loop.call_soon_threadsafe(self._end.set)

    def join(self) -> None:
        """Wait for the thread's end. Raises RuntimeError if it does not come."""
        self._thread.join(END_TIMEOUT)
        if self._thread.is_alive():
            raise RuntimeError(f"{self._thread.name} still runs after {END_TIMEOUT:g} s")

    async def _decide(self, scope: Scope) -> list[Message]:
        answer: list[Message] = []

        async def collect(message: Message) -> None:
            answer.append(message)

        await self._app(scope, _no_more, collect)
        return answer

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        await self._end.wait()
        calls = asyncio.all_tasks() - {asyncio.current_task()}
        if calls:
            await asyncio.wait(calls)
        self._hop.close()
        await asyncio.sleep(0)  # transports close on the loop's next turn


class Isolates:
    """As many as told, in front of `forward`. `served(place)` hears which one got a request, if several."""

    def __init__(self, make: MakeIsolate, forward: ASGIApp, served: Callable[[int], None], seed: int) -> None:
        self._make, self._forward, self._served = make, forward, served
        self._pick = random.Random(seed)
        self._single: StackedIsolate | None = None
        self._threads: list[IsolateThread] = []

    def __len__(self) -> int:
        return len(self._threads) or 1

    @property
    def app(self) -> ASGIApp:
        """What serves the next request."""
        return self._route if self._single is None else self._single[1]

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        await whole_body(scope, receive)
        place = self._pick.randrange(len(self._threads))
        self._served(place)
        for message in (answer := await self._threads[place].decide(scope)):
            await send(message)
        if not answer:
            await self._forward(scope, receive, send)

    def burst_entries(self) -> int:
        """Counts of the burst limit that all of them hold."""
        alone = [self._single[0]] if self._single is not None else []
        return sum(one.burst_entries() for one in [*alone, *(thread.isolate for thread in self._threads)])

    def resize(self, count: int) -> None:
        """Be `count` from the next request on. Going from one to several, or back, all begin empty."""
        wanted = count if count > 1 else 0
        for thread in self._threads[wanted:]:
            thread.end()
        del self._threads[wanted:]
        while len(self._threads) < wanted:
            self._threads.append(IsolateThread(len(self._threads), self._make))
        if wanted:
            self._close_single()
        elif self._single is None:
            self._single = self._make(0, self._forward)

    def reset(self) -> None:
        """All forget their counts and keys."""
        if self._single is not None:
            self._single[0].reset()
        for thread in self._threads:
            thread.reset()

    def close(self) -> None:
        """End every thread and wait for it."""
        self._close_single()
        for thread in self._threads:
            thread.end()
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def _close_single(self) -> None:
        if self._single is not None:
            self._single[2].close()
            self._single = None

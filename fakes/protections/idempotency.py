"""`idempotency`: a call that brings a key is carried out once, however often it is asked for.

The origin charges it under its key, which the books take once only, and keeps its answer for `keep` seconds
where both origins find it: a repeat gets that answer. One that comes while the first goes on at this origin
waits for it. What the upstream failed at is no answer: a repeat tries again, and is not charged again.

An origin that dies between the upstream's answer and the note of it leaves a repeat to do it twice; so does
a call that still goes on at one origin when its repeat comes to the other. Without a key (`Idempotency-Key`)
nothing changes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Generic, Protocol, TypeVar

NAME: Final = "idempotency"
HEADER: Final = b"idempotency-key"
LONGEST: Final = 200  # of a key, bytes
T = TypeVar("T")


def told(headers: Mapping[bytes, bytes]) -> str:
    """The key that a request brings; "" for none, and for one that is too long to be kept."""
    key = headers.get(HEADER, b"")
    return key.decode("latin-1") if len(key) <= LONGEST else ""


class AnswerStore(Protocol[T]):
    """What was answered, kept for all origins."""

    async def find(self, key: str, keep: float) -> T | None:
        """An answer of the last `keep` seconds."""

    async def remember(self, key: str, answer: T) -> None:
        """Keep it."""


class Idempotency(Generic[T]):
    """One instance's calls under way, and the answers of all."""

    def __init__(self, store: AnswerStore[T], replayed: Callable[[], None]) -> None:
        self._store, self._replayed = store, replayed
        self._going: dict[str, asyncio.Future[T]] = {}

    async def once(self, key: str, keep: float, work: Callable[[], Awaitable[T]]) -> tuple[T, bool]:
        """The answer, and whether it is a repeat's. Raises what `work` and the store raise."""
        while (other := self._going.get(key)) is not None:
            await asyncio.wait((other,))
            if not other.cancelled():
                self._replayed()
                return other.result(), True
        mine = self._going[key] = asyncio.get_running_loop().create_future()
        try:
            known = await self._store.find(key, keep)
            if known is not None:
                self._replayed()
                mine.set_result(known)
                return known, True
            answer = await work()
            mine.set_result(answer)
            await asyncio.shield(self._store.remember(key, answer))
            return answer, False
        finally:
            mine.cancel()  # does nothing to one that has its result
            del self._going[key]

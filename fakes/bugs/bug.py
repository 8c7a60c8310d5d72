"""Bugs as gateways in the field have had them, one a file, by name: answers mixed up, things not given back.

    @bug("shared-buffer")
    class SharedBuffer:
        async def answer(self, asked, work, strike): ...

    @leak("leak-memory")
    async def memory(surroundings, user): ...      # what is taken, and never given back

None is in force unless `bugs` of the stack's settings names it, with the share of calls at which it may
strike. A bug hears of every call, so that it has something to mix up; `strike` says whether it does so now.
It tells `struck` of each answer that it gives to a call it does not belong to, and of each thing that it
does not give back: a count beside what is seen from outside.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from functools import partial
from typing import Final, NamedTuple, Protocol, TypeVar

from fakes.http.asgi import Reply

Work = Callable[[], Awaitable[Reply | None]]
"""The honest call of the upstream; None: its connection broke."""


class AskedCall(NamedTuple):
    """A call: who makes it, under which JSON-RPC id, of which tool."""

    user: str
    rpc_id: Hashable
    tool: str


class Surroundings(NamedTuple):
    """What a leak can take from its origin: a session opened for a user, the upstream's address."""

    open_session: Callable[[str], Awaitable[object]]
    upstream: tuple[str, int]


class Bug(Protocol):
    """One bug of one origin."""

    async def answer(self, asked: AskedCall, work: Work, strike: bool) -> Reply | None:
        """The answer to a call: what `work` gives, or another's."""
        ...


Struck = Callable[[], None]
Make = Callable[[Struck, Surroundings], Bug]
Take = Callable[[Surroundings, str], Awaitable[object]]


class Registered(NamedTuple):
    """How a bug is made; `leaks`: it keeps something, in place of handing answers over."""

    make: Make
    leaks: bool


REGISTERED: Final[dict[str, Registered]] = {}
Made = TypeVar("Made", bound=Callable[[Struck], Bug])


def bug(name: str) -> Callable[[Made], Made]:
    """Register a bug that hands answers over, by its name."""

    def register(kind: Made) -> Made:
        REGISTERED[name] = Registered(lambda struck, _: kind(struck), leaks=False)
        return kind

    return register


class Leak:
    """Keeps what was taken for a call that it struck."""

    def __init__(self, take: Take, struck: Struck, surroundings: Surroundings) -> None:
        self._take, self._struck, self._surroundings = take, struck, surroundings
        self._kept: list[object] = []

    async def answer(self, asked: AskedCall, work: Work, strike: bool) -> Reply | None:
        """The honest answer."""
        reply = await work()
        if strike:
            self._kept.append(await self._take(self._surroundings, asked.user))
            self._struck()
        return reply


def leak(name: str) -> Callable[[Take], Take]:
    """Register a leak by its name."""

    def register(take: Take) -> Take:
        REGISTERED[name] = Registered(partial(Leak, take), leaks=True)
        return take

    return register


def good(reply: Reply | None) -> bool:
    """An answer worth mixing up."""
    return reply is not None and reply.status == 200

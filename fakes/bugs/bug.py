"""A bug that gives a caller another's answer, as gateways in the field have had them: one a file, by name.

    @bug("shared-buffer")
    class SharedBuffer:
        async def answer(self, asked, work, strike): ...

None is in force unless `bugs` of the stack's settings names it, with the share of calls at which it may
strike. A bug hears of every call, so that it has something to mix up; `strike` says whether it does so now.
It tells `struck` of each answer that it gives to a call it does not belong to: a count beside the client's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from typing import Final, NamedTuple, Protocol, TypeVar

from fakes.http.asgi import Reply

Work = Callable[[], Awaitable[Reply | None]]
"""The honest call of the upstream; None: its connection broke."""


class AskedCall(NamedTuple):
    """A call: who makes it, under which JSON-RPC id, of which tool."""

    user: str
    rpc_id: Hashable
    tool: str


class Bug(Protocol):
    """One bug of one origin."""

    def __init__(self, struck: Callable[[], None]) -> None: ...

    async def answer(self, asked: AskedCall, work: Work, strike: bool) -> Reply | None:
        """The answer to a call: what `work` gives, or another's."""
        ...


REGISTERED: Final[dict[str, type[Bug]]] = {}
BugT = TypeVar("BugT", bound=type[Bug])


def bug(name: str) -> Callable[[BugT], BugT]:
    """Register a bug by its name."""

    def register(kind: BugT) -> BugT:
        REGISTERED[name] = kind
        return kind

    return register


def good(reply: Reply | None) -> bool:
    """An answer worth mixing up."""
    return reply is not None and reply.status == 200

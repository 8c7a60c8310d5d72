"""What the protections of a tool call have in common: enter, then leave exactly once.

`enter` and `leave` are plain calls without an await, so no cancel can fall between taking a permit
and noting it. A call takes one snapshot of the gates in force when it starts and leaves those very
gates, whatever was switched on or off meanwhile: no permit is lost and none is given back twice.
Code that blocks in giving back says so by what `leave` returns: the call then waits for that, after all
gates are left.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from enum import Enum
from types import TracebackType
from typing import Any, Protocol

from fakes.http.reasons import RefusedError
from fakes.settings import StackSettings

Clock = Callable[[], float]


class CallEnd(Enum):
    """How the upstream did in a call.

    ABANDONED: the call ended before it could tell. NOT_ASKED: it never heard of the call.
    """

    OK = 0
    FAILED = 1
    ABANDONED = 2
    NOT_ASKED = 3


class Gate(Protocol):
    """One mechanism, made anew with each start of an origin's instance.

    `enter` returns a ticket or raises `RefusedError`; `leave` takes the ticket back, and gives what the call
    has to wait for before it may answer, if anything.
    """

    name: str

    def enter(self, user: str, upstream: str) -> Any:
        """Admit one call of a user to an upstream."""

    def leave(self, ticket: Any, ended: CallEnd) -> Awaitable[None] | None:
        """The admitted call is over."""

    def configure(self, settings: StackSettings) -> None:
        """New settings, from the next call on."""

    def forget(self) -> None:
        """Forget what was learnt, but not the permits of calls in flight."""


MakeGate = Callable[[StackSettings, Clock], Gate]  # the clock gives monotonic seconds


class Admission:
    """`with Admission(gates, user, upstream) as admission:` around one tool call.

    Enters the gates in order; a refusal by one leaves those before it. Set `outcome` before the block
    is left to tell the gates how the upstream did. After the block, refused or not, await `given_back()`.
    """

    __slots__ = ("_entered", "_gates", "_upstream", "_user", "_waits", "outcome")

    def __init__(self, gates: Sequence[Gate], user: str, upstream: str) -> None:
        self._gates = gates
        self._user = user
        self._upstream = upstream
        self._entered: list[tuple[Gate, Any]] = []
        self._waits: list[Awaitable[None]] = []
        self.outcome = CallEnd.NOT_ASKED

    def __enter__(self) -> Admission:
        try:
            for gate in self._gates:
                self._entered.append((gate, gate.enter(self._user, self._upstream)))
        except RefusedError:
            self._leave()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._leave()

    def _leave(self) -> None:
        while self._entered:
            gate, ticket = self._entered.pop()
            if (wait := gate.leave(ticket, self.outcome)) is not None:
                self._waits.append(wait)

    async def given_back(self) -> None:
        """Until every gate has its ticket."""
        for wait in self._waits:
            await wait

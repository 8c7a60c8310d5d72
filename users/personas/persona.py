"""What an account does with an arrival: one persona a file, registered by name.

A persona lives with one account. It gets the account's arrivals (`arrive`) and the ends of the calls
it made (`on_done`), and makes calls through its `Line`. It must not wait: it runs in the event loop.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from users.accounts.accounts import Account
from users.accounts.forge import Forge
from users.mcp.messages import Message
from users.transport.call import Call


@dataclass(frozen=True)
class Tool:
    """One thing to call: `label` is what reports show; its place in the run's table is `code`.

    `command` is the same call as a line of a batch; None for what no batch can hold.
    """

    code: int
    label: str
    message: Message
    weight: float = 1.0
    command: dict[str, Any] | None = None


class Line(Protocol):
    """An account's way to the target."""

    account: Account
    forge: Forge | None  # None where the target signs no tokens

    @property
    def session(self) -> bytes:
        """The `Mcp-Session-Id` that goes with each call; b"" for none."""
        ...

    @session.setter
    def session(self, value: bytes) -> None: ...

    def call(
        self,
        message: Message,
        tool: int,
        *,
        index: int = -1,
        planned: float | None = None,
        on_done: Callable[[Call], None] | None = None,
        flags: int = 0,
        attempt: int = 0,
        token: bytes | None = None,
    ) -> Call:
        """Send `message`. With an index it is that arrival; without, it is an extra call, planned now.

        `token` is sent in place of the account's own.
        """
        ...

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Run `action` after `seconds`, unless the run has stopped sending by then."""
        ...


class Persona(Protocol):
    """One account's behaviour. One whose `open` makes calls says how many in a number `opening`: where the
    target file bounds the rate, so much more time is left before load starts."""

    def open(self) -> None:
        """Before load starts: open a session, look around. All its calls are extra."""
        ...

    def arrive(self, index: int, planned: float, draw: int) -> None:
        """Arrival `index` is due; `planned` in monotonic seconds, `draw` uniform in 0..2^32−1."""
        ...


Factory = Callable[[Line, tuple[Tool, ...], dict[str, Any]], Persona]
"""(the account's line, its group's tools, the persona's options from the scenario) → persona.
ValueError with one clear line for an option that it does not know."""

_FACTORIES: dict[str, Factory] = {}


def persona(name: str) -> Callable[[Factory], Factory]:
    """Register a persona under the name that scenarios use."""

    def register(factory: Factory) -> Factory:
        if name in _FACTORIES:
            raise ValueError(f"persona {name!r} is registered twice")
        _FACTORIES[name] = factory
        return factory

    return register


def make_persona(name: str, line: Line, tools: tuple[Tool, ...], options: dict[str, Any]) -> Persona:
    """The persona `name` for one account; ValueError for an unknown name or option."""
    import users.personas  # noqa: F401 - registers every persona

    if name not in _FACTORIES:
        raise ValueError(f"unknown persona {name!r}, allowed: {', '.join(sorted(_FACTORIES))}")
    return _FACTORIES[name](line, tools, options)

"""What an account does with an arrival: one persona a file, registered by name.

A persona lives with one account. It gets the account's arrivals (`arrive`) and the ends of the calls
it made (`on_done`), and makes calls through its `AccountClient`. It must not wait: it runs in the event loop.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar, cast, runtime_checkable

import msgspec

from telemetry.recording.sample import Flag
from users.accounts.accounts import Account
from users.accounts.forge import Forge
from users.mcp.dialect import Dialect
from users.mcp.messages import Message
from users.mcp.operations import Operation, list_tools
from users.personas.options import read_options
from users.transport.call import Call


class AccountClient(Protocol):
    """An account's way to the target."""

    account: Account
    forge: Forge | None  # None where the target signs no tokens
    dialect: Dialect  # how messages are written

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
        """Send `message`. With an index it is that arrival; below 0, it is an extra call, planned now.

        `token` is sent in place of the account's own.
        """
        ...

    def listen(self, *, index: int, planned: float) -> Call:
        """Open a standing stream, as that arrival: `GET`, or `subscriptions/listen` in the modern era.

        It stays open until it is given up, or the server ends it.
        """
        ...

    def give_up(self, call: Call) -> None:
        """Leave a call that is in flight: its connection is closed, and it counts as aborted."""
        ...

    def reopen(self) -> None:
        """Open the account's session anew, where its era has them; extra calls wait for it."""
        ...

    def renew(self) -> None:
        """Have the server close the account's session, and open another, where its era has them."""
        ...

    def later(self, seconds: float, action: Callable[[], None]) -> Callable[[], None]:
        """Run `action` after `seconds`, unless the run has stopped sending by then; gives what calls it off.

        Until then all that `action` holds stays in memory: who needs it no more calls it off.
        """
        ...


class Persona(Protocol):
    """One account's behaviour."""

    def arrive(self, index: int, planned: float, draw: int) -> None:
        """Arrival `index` is due; `planned` in monotonic seconds, `draw` uniform in 0..2^32−1."""
        ...


@runtime_checkable
class OpeningPersona(Persona, Protocol):
    """One that has something to do before load starts."""

    @property
    def opening(self) -> int:
        """How many calls `open` makes: where the target bounds the rate, so much more time is left for it."""
        ...

    def open(self) -> None:
        """Before load starts: look around. All its calls are extra; they wait for the account's session."""
        ...


OptionsT = TypeVar("OptionsT", bound=msgspec.Struct)
Factory = Callable[[AccountClient, tuple[Operation, ...], OptionsT], Persona]
"""(the account's client, its group's tools, the persona's options) → persona."""

_REGISTERED: dict[str, tuple[Factory[Any], type[msgspec.Struct]]] = {}


def look_around(client: AccountClient) -> None:
    """List the tools, as clients do when they come; an extra call."""
    listing = list_tools(client.dialect)
    client.call(listing.message, listing.code, flags=Flag.EXTRA)


class NoOptions(msgspec.Struct, frozen=True):
    """Of a persona without any."""


def persona(name: str, options: type[OptionsT]) -> Callable[[Factory[OptionsT]], Factory[OptionsT]]:
    """Register a persona under the name that scenarios use; `options` is the struct that it takes."""

    def register(factory: Factory[OptionsT]) -> Factory[OptionsT]:
        if name in _REGISTERED:
            raise ValueError(f"persona {name!r} is registered twice")
        if hasattr(factory, "open") != hasattr(factory, "opening"):
            raise TypeError(f"persona {name!r} has one of `open` and `opening`, allowed: both or none")
        _REGISTERED[name] = factory, options
        return factory

    return register


def make_persona(
    name: str, client: AccountClient, operations: tuple[Operation, ...], options: dict[str, Any]
) -> Persona:
    """The persona `name` for one account; ValueError as `check_persona`."""
    return maker(name, operations, options)(client)


def maker(
    name: str, operations: tuple[Operation, ...], options: dict[str, Any]
) -> Callable[[AccountClient], Persona]:
    """Makes the persona `name` for one account after the other; ValueError as `check_persona`, at once."""
    factory, struct = _registered(name)
    read = read_options(name, options, struct)
    return lambda client: factory(client, operations, read)


def check_persona(name: str, options: dict[str, Any]) -> msgspec.Struct:
    """The options as the persona takes them; ValueError with one line for an unknown name or option."""
    return read_options(name, options, _registered(name)[1])


def _registered(name: str) -> tuple[Factory[Any], type[msgspec.Struct]]:
    import users.personas  # noqa: F401 - registers every persona

    if name not in _REGISTERED:
        raise ValueError(f"unknown persona {name!r}, allowed: {', '.join(sorted(_REGISTERED))}")
    return _REGISTERED[name]


def opening_calls(name: str, operations: tuple[Operation, ...], options: dict[str, Any]) -> int:
    """How many calls the persona makes for each account before load starts. ValueError as `make_persona`."""
    made = opener(make_persona(name, cast(AccountClient, None), operations, options))
    return 0 if made is None else made.opening


def opener(made: Persona) -> OpeningPersona | None:
    """The persona, if it has something to do before load starts; quicker than `isinstance`."""
    return cast(OpeningPersona, made) if hasattr(made, "open") else None

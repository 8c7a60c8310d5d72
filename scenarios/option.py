"""One option of the table `scenarios.options`: who takes it, from where, how it is called and read."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from common.errors import ConfigError

SOURCE: Final = "command line"
Reader = Callable[[str], Any]


def whole(low: int, high: int) -> Reader:
    """Reads a whole number from `low` to `high`; ValueError says what is allowed."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and low <= int(text[:6]) <= high):
            raise ValueError(f"{text!r:.40}, allowed: {low} to {high}")
        return int(text)

    return read


def sizes(text: str) -> tuple[int, ...]:
    """Reads whole numbers by comma, as a rising row; ValueError says what is allowed."""
    read = whole(1, 99_999)
    return tuple(sorted({read(one.strip()) for one in text.split(",")}))


def word_or(word: str, read: Reader) -> Reader:
    """Reads `word` as it stands, and what `read` reads."""

    def either(text: str) -> Any:
        try:
            return text if text == word else read(text)
        except ValueError as error:
            raise ValueError(f"{error}, or {word}") from None

    return either


def address(text: str) -> str:
    """Reads an address to listen on; ValueError says what is allowed."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        allowed = "an address of this machine, 0.0.0.0 for all of them"
        raise ValueError(f"{text!r:.60}, allowed: {allowed}") from None


@dataclass(frozen=True)
class Option:
    """One option. Its make variable, and that of the environment, is its name in capitals."""

    name: str  # as Python and Locust have it; on a command line `--duration-scale`
    help: str
    commands: tuple[str, ...]
    metavar: str | None = None  # None: a flag
    environment: tuple[str, ...] = ()  # those of `commands` that hear the variable, too
    form: bool = False  # a field of the web form
    make: bool = True  # a variable of the Makefile
    positional: tuple[str, ...] = ()  # those that take it without a name
    required: tuple[str, ...] = ()  # of `positional`: those that cannot do without it
    default: str | None = None
    defaults: Mapping[str, str | None] = field(default_factory=dict)  # where a command has another
    reader: Reader = str  # values of a scenario are read by `scenarios.overrides.Overrides`

    @property
    def flag(self) -> str:
        """`--duration-scale`."""
        return f"--{self.name.replace('_', '-')}"

    @property
    def variable(self) -> str:
        """`DURATION_SCALE`."""
        return self.name.upper()

    def default_of(self, command: str) -> str | None:
        """What a command takes where nothing is given."""
        return self.defaults.get(command, self.default)

    def read(self, text: str) -> Any:
        """The value that `text` names. Raises ConfigError."""
        try:
            return self.reader(text)
        except ValueError as error:
            raise ConfigError(SOURCE, self.flag, str(error)) from None

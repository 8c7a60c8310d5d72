"""What the form of a suite, the plan, a comparison or a search may say, as words of its command.

The command itself checks values, the guard and the owner's limits before its first run, in its own words.
Here a form may name the fields of one command alone; scenarios and targets go by name, or by what the process
was started with: nobody reads files of the machine through the form, or writes where they want.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from common.errors import one_line, short
from scenarios.option import Option
from scenarios.options import SEVERAL, of
from scenarios.plan_runs import MODES
from scenarios.suites import SUITES

COMMAND: Final = "command"
LEFT_OUT: Final = ("out", "workers", "run_a", "run_b", "capacity")  # paths, and what is of the machine
MOST: Final = 200  # characters of a value


class SeriesFormError(ValueError):
    """The form is refused; one clear line."""

    def __init__(self, field: str, value: object, allowed: str) -> None:
        super().__init__(one_line(f"{field}: {short(value)}, allowed: {allowed}"))


def fields(command: str) -> list[Option]:
    """The options of a command that its form has, in the table's order."""
    return [option for option in of(command) if option.make and option.name not in LEFT_OUT]


class SeriesForm:
    """The form of one process; `choices` are those of the attack form, by field."""

    def __init__(self, choices: Mapping[str, Sequence[str]]) -> None:
        self.choices: dict[str, Sequence[str]] = {**choices, "plan": SUITES, "mode": MODES}

    def words(self, pairs: Iterable[tuple[str, str]]) -> list[str]:
        """The command with its options. Raises SeriesFormError."""
        found = list(pairs)
        given = dict(found)
        command = given.pop(COMMAND, "")
        if command not in SEVERAL:
            raise SeriesFormError(COMMAND, command, ", ".join(SEVERAL))
        options = {option.name: option for option in fields(command)}
        for name, count in Counter(name for name, _ in found if name != COMMAND).items():
            if name not in options:
                raise SeriesFormError(command, name, f"the fields {', '.join(options)}")
            if count > 1:
                raise SeriesFormError(name, f"{count} values", "one value")
            self._check(name, given[name])
        if sum(name == COMMAND for name, _ in found) > 1:
            raise SeriesFormError(COMMAND, "several values", "one value")
        return [command, *_words(command, options, given)]

    def _check(self, name: str, value: str) -> None:
        if value and name in self.choices and value not in self.choices[name]:
            raise SeriesFormError(name, value, ", ".join(filter(None, self.choices[name])))
        if len(value) > MOST or not (value.isprintable() or not value):
            raise SeriesFormError(name, value, f"at most {MOST} characters of one line")


def _words(command: str, options: Mapping[str, Option], given: Mapping[str, str]) -> list[str]:
    """What stands without a name comes first; what is empty is left out."""
    known = [(option, value.strip()) for name, option in options.items() if (value := given.get(name, ""))]
    return [
        *(value for option, value in known if value and command in option.positional),
        *(f"{option.flag}={value}" for option, value in known if value and command not in option.positional),
    ]

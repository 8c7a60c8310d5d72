"""A command's own parser, made from the table of options; bad usage is one line and exit code 2.

A command hears the environment only where the table says so, and nothing of it reaches what it starts:
every run is told all it needs on its command line (`forget_environment`).
"""

from __future__ import annotations

import argparse
import functools
import os
import sys
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import NoReturn

from common import ending, exit_codes
from common.errors import ConfigError, RefusedInputError, failure
from scenarios.option import SOURCE, Option
from scenarios.options import VARIABLES, of

Main = Callable[[Sequence[str] | None], int]


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        """Raise it as a ConfigError; an option that is not known with the one that is nearest to it."""
        strange = message.split() if message.startswith("unrecognized") else []
        near = [found for word in strange for found in self._near(word)]
        question = f"did you mean {near[0]}? " if near else ""
        raise ConfigError(SOURCE, "", f"{message}; {question}{self.prog} --help tells what is allowed")

    def _near(self, word: str) -> list[str]:
        """The option most like a word of a command line."""
        if not word.startswith("--"):
            return []
        names = [flag[2:] for action in self._actions for flag in action.option_strings if flag[:2] == "--"]
        return [f"--{name}" for name in get_close_matches(word[2:].partition("=")[0], names, n=1)]


def command_parser(command: str, description: str, epilog: str = "") -> Parser:
    """All options of a command, with their help."""
    made = Parser(
        prog=f"bin/{command.replace('-', '_')}",
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    for option in of(command):
        _add(made, option, command)
    return made


def _add(parser: Parser, option: Option, command: str) -> None:
    help = option.help.replace("%", "%%")
    default = option.default_of(command)
    if command in option.environment:
        default = os.environ.get(option.variable) or default
    if command in option.positional:
        needed = None if command in option.required else "?"
        parser.add_argument(option.name, nargs=needed, default=default, help=help)
    elif option.metavar is None:
        parser.add_argument(option.flag, action="store_true", help=help)
    else:
        parser.add_argument(option.flag, default=default, metavar=option.metavar, help=help)


def forget_environment() -> None:
    """Take every option's variable away from what this process starts, or becomes."""
    for name in VARIABLES:
        os.environ.pop(name, None)


def refusing(main: Main) -> Callable[..., int]:
    """A `main` that ends in one line on standard error: bad input with exit code 2, what is ours with 3.

    Where nobody reads its output any more (`… | head -2`) it ends with 3, and no line.
    """

    @functools.wraps(main)
    def refuse(arguments: Sequence[str] | None = None) -> int:
        try:
            code = main(arguments)
            if sys.stdout is not None:
                sys.stdout.flush()
            return code
        except RefusedInputError as error:
            ending.say(f"{error}\n", sys.stderr)
            return exit_codes.USAGE
        except Exception as error:  # ours: Python's own 1 would say that a verdict failed
            unread = isinstance(error, BrokenPipeError) and not ending.is_read(sys.stdout)
            ending.say("", sys.stdout)  # or Python tries again at its end, and complains
            if not unread:
                ending.say(f"{failure(error)}\n", sys.stderr)
            return exit_codes.OURS

    return refuse

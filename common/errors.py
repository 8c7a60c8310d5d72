"""What a bad input says: one line that names file, key and what is allowed. The caller exits 2.

And what a failure of our own says, in one line as well. The caller exits 3.
"""

from __future__ import annotations

import errno
import os
import traceback
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from common.addresses.url import shown_url
from common.paths import ROOT, real

LONGEST_VALUE: Final = 60
LONGEST_LIST: Final = 20


class RefusedInputError(ValueError):
    """Something that was given is refused, as one line; the caller exits 2."""


class ConfigError(RefusedInputError):
    """`file: key: message`, always one line; `key` may be empty. `file` may also be "command line"."""

    def __init__(self, file: Path | str, key: str, message: str) -> None:
        self.file = shown(file)
        self.key = key
        self.message = message
        super().__init__(one_line(": ".join(part for part in (self.file, key, message) if part)))


def shown(file: Path | str) -> str:
    """A path as a reader knows it: below the project relative to it, otherwise as given."""
    if isinstance(file, str):
        return file
    path = real(file)
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(file)


def one_line(text: str) -> str:
    """`text` with every run of white space made one blank and what cannot be printed escaped."""
    return printable(" ".join(text.split()))


def printable(text: str) -> str:
    """`text` with what cannot be printed escaped: a stranger's words may command a terminal."""
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def failure(error: BaseException) -> str:
    """A failure of our own as one line; with VERBOSE=1 lines before it say where."""
    where = "".join(traceback.format_exception(error)) if os.environ.get("VERBOSE") else ""
    if isinstance(error, MemoryError):
        return where + "a limit of this machine: no memory is left"
    if isinstance(error, OSError):
        name = errno.errorcode.get(error.errno or 0, type(error).__name__)
        return where + one_line(f"a limit of this machine: {name}, {error}")
    text = one_line(f"{type(error).__name__}: {error}")
    return where + f"a fault of this suite, {text} (VERBOSE=1 says where)"


def short(value: object) -> str:
    """A value as it stands in a message: its repr, cut; a URL without what it may tell in confidence."""
    text = repr(shown_url(value) if isinstance(value, str) and "://" in value else value)
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"


def unknown(name: object, known: Iterable[str]) -> str:
    """`'bursts' is not there, did you mean burst? allowed: …`; the question alone where the list is long."""
    names = sorted(known)
    if not (near := get_close_matches(str(name), names, n=1)):
        return f"{short(name)} is not there, allowed: {', '.join(names)}"
    allowed = ", ".join(names) if len(names) <= LONGEST_LIST else f"{len(names)} names"
    return f"{short(name)} is not there, did you mean {near[0]}? allowed: {allowed}"

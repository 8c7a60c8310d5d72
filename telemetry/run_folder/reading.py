"""How files of a run folder are read: a file into its struct, lines one by one; a bad one is RunFolderError.

Keys that a struct does not know are passed over: a later version may write more.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from common.errors import RefusedInputError

T = TypeVar("T")


class RunFolderError(RefusedInputError):
    """The folder is not a run that can be read; the text is one line. The caller exits 2."""


def json_object(path: Path) -> dict[str, Any]:
    """The JSON object that a file holds, as plain data. Raises RunFolderError."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise RunFolderError(f"{path}: {error}, allowed: a JSON object") from None
    if not isinstance(found, dict):
        raise RunFolderError(f"{path}: {type(found).__name__}, allowed: a JSON object")
    return found


def as_struct(path: Path, found: Any, kind: type[T]) -> T:
    """What was read of `path`, typed. Raises RunFolderError."""
    try:
        return msgspec.convert(found, kind)
    except msgspec.ValidationError as error:
        raise RunFolderError(f"{path}: {error}, allowed: see docs/schema") from None


def lines(path: Path, kind: type[T]) -> Iterator[T]:
    """The objects of a `.jsonl` file, one a line; none if it is not there. A torn last line is left out.

    Raises RunFolderError, with the line's number, for a line that is no such object.
    """
    if not path.exists():
        return
    decode = msgspec.json.Decoder(kind).decode
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n"):
                return
            try:
                yield decode(line)
            except msgspec.DecodeError as error:
                raise RunFolderError(f"{path}:{number}: {error}, allowed: a JSON object a line") from None


def json_line(line: Any) -> str:
    """A struct, or the plain data of one, as a line of a `.jsonl` file, with its end."""
    return json.dumps(msgspec.to_builtins(line), ensure_ascii=False) + "\n"

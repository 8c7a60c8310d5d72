"""How files of a run folder are read: a file into its struct, lines one by one.

What a full disk or a kill may leave, a file or a line that is torn or no JSON, counts as absent. One that is
JSON of another shape is RunFolderError. Keys that a struct does not know are passed over: a later version may
write more.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from common.errors import RefusedInputError

T = TypeVar("T")
_ENCODE: Final = json.JSONEncoder(ensure_ascii=False).encode


class RunFolderError(RefusedInputError):
    """The folder is not a run that can be read; the text is one line. The caller exits 2."""


def json_object(path: Path) -> dict[str, Any]:
    """The JSON object that a file holds, as plain data. Raises RunFolderError."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise RunFolderError(f"{path}: {error}, allowed: a JSON object") from None
    return _an_object(path, found)


def _an_object(path: Path, found: Any) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise RunFolderError(f"{path}: {type(found).__name__}, allowed: a JSON object")
    return found


def json_whole(path: Path) -> Any:
    """What a JSON file holds, as plain data; None where it is absent, torn or no JSON."""
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None


def object_whole(path: Path) -> dict[str, Any] | None:
    """The same of a file that holds an object. Raises RunFolderError where it is another thing."""
    found = json_whole(path)
    return None if found is None else _an_object(path, found)


def as_struct(path: Path, found: Any, kind: type[T]) -> T:
    """What was read of `path`, typed. Raises RunFolderError."""
    try:
        return msgspec.convert(found, kind)
    except msgspec.ValidationError as error:
        raise RunFolderError(f"{path}: {error}, allowed: see docs/schema") from None


def lines(path: Path, kind: type[T]) -> Iterator[T]:
    """The objects of a `.jsonl` file, one a line; none if it is not there. What is torn is left out.

    Raises RunFolderError, with the line's number, for a line of another shape.
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
            except msgspec.ValidationError as error:
                raise RunFolderError(f"{path}:{number}: {error}, allowed: a JSON object a line") from None
            except msgspec.DecodeError:
                continue


def json_line(line: Any) -> bytes:
    """A struct, or the plain data of one, as a line of a `.jsonl` file, with its end."""
    text = _ENCODE(msgspec.to_builtins(line))
    return text.encode("utf-8", "backslashreplace") + b"\n"

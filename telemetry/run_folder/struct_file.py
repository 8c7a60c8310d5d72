"""A struct with a `schema_version` as a file of its own, written whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from common.files.atomic_write import write_whole
from telemetry.run_folder.reading import RunFolderError, as_struct, json_object

T = TypeVar("T")


def read(path: Path, kind: type[T], version: int) -> T:
    """What the file holds. Raises RunFolderError, also for another version."""
    found: Any = as_struct(path, json_object(path), kind)
    if found.schema_version != version:
        raise RunFolderError(f"{path}: schema_version: {found.schema_version}, allowed: {version}")
    made: T = found
    return made


def write(path: Path, found: object) -> None:
    """The file, anew."""
    text = json.dumps(msgspec.to_builtins(found), indent=1, ensure_ascii=False, allow_nan=False)
    write_whole(path, text + "\n")

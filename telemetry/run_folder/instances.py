"""`instances-<worker>.json`: the `X-Instance-ID`s of a worker; a sample's `instance` is a place in it."""

from __future__ import annotations

import json
from pathlib import Path

from common.atomic_write import write_whole
from telemetry.run_folder.reading import RunFolderError, as_struct

NONE_SEEN = ("",)


def _file(run_dir: Path, worker: str) -> Path:
    return run_dir / f"instances-{worker}.json"


def read(run_dir: Path, worker: str) -> tuple[str, ...]:
    """The table; of a worker that saw none only the place of "none". Raises RunFolderError."""
    path = _file(run_dir, worker)
    if not path.exists():
        return NONE_SEEN
    try:
        found = json.loads(path.read_bytes())
    except ValueError as error:
        raise RunFolderError(f"{path}: {error}, allowed: a JSON list") from None
    return as_struct(path, found, tuple[str, ...])


def write(run_dir: Path, worker: str, names: list[str]) -> None:
    """Rewrite the worker's table, whole or not at all."""
    write_whole(_file(run_dir, worker), json.dumps(names))

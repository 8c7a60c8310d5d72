"""`instances-<worker>.jsonl`: the `X-Instance-ID`s of a worker, a line each in the order of their codes.

A sample's `instance` is a place in that table; place 0 is "none" and has no line. Runs of before have the
whole table as one JSON list, in `instances-<worker>.json`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from common.files.append_only import AppendOnly
from telemetry.run_folder.reading import as_struct, json_line, json_whole, lines

NONE_SEEN = ("",)


def _file(run_dir: Path, worker: str) -> Path:
    return run_dir / f"instances-{worker}.jsonl"


class Table:
    """The file, open to grow."""

    def __init__(self, run_dir: Path, worker: str) -> None:
        self._file = AppendOnly(_file(run_dir, worker))
        self._known = len(NONE_SEEN)

    def grow(self, names: Sequence[str]) -> None:
        """`names` is the table of now. Raises OSError."""
        self._file.add(b"".join(map(json_line, names[self._known :])))
        self._known = len(names)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read(run_dir: Path, worker: str) -> tuple[str, ...]:
    """The table; of a worker that saw none only the place of "none". Raises RunFolderError."""
    before = _file(run_dir, worker).with_suffix(".json")
    if (found := json_whole(before)) is not None:
        return as_struct(before, found, tuple[str, ...])
    return (*NONE_SEEN, *lines(_file(run_dir, worker), str))

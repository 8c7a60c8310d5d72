"""Runs by name: run folders, or folders that hold some, separated by commas or blanks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from verdicts.run.facts import started
from verdicts.run.reading import Run, RunFolderError, load

ALLOWED = "allowed: the folder of a run, or of runs, several by comma"


def folders(text: str) -> list[Path]:
    """The run folders that a text names. Raises RunFolderError for one that is twice there, and for none."""
    found = [folder for part in text.replace(",", " ").split() for folder in _within(Path(part))]
    if not found:
        raise RunFolderError(f"{text!r}: names no run, {ALLOWED}")
    places = [folder.resolve() for folder in found]
    for folder, place in zip(found, places, strict=True):
        if places.count(place) > 1:
            raise RunFolderError(f"{folder}: is named twice, allowed: each run once")
    return found


def runs(text: str) -> tuple[Run, ...]:
    """The same, read, in the order of their starts. Raises RunFolderError."""
    return tuple(sorted(map(load, folders(text)), key=started))


def _within(folder: Path) -> Iterator[Path]:
    try:
        there, alone = folder.is_dir(), (folder / "run.json").exists()
    except OSError as error:  # too long a name, or nobody may look
        raise RunFolderError(f"{folder}: {error.strerror}, {ALLOWED}") from None
    if not there:
        raise RunFolderError(f"{folder}: not a folder, {ALLOWED}")
    if alone:
        yield folder
        return
    inside = sorted(file.parent for file in folder.glob("*/run.json"))
    if not inside:
        raise RunFolderError(f"{folder}: holds no run, {ALLOWED}")
    yield from inside

"""`series.json`: several runs in a row (suite, plan, comparison, search), as they go on.

It is written before the first run and at the begin and the end of each, so that whoever looks knows what is
under way, what comes next, and how long it will take. What is under way when the file ends without an exit
code was killed, or goes on.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from common.files.atomic_write import write_whole
from telemetry.run_folder.reading import RunFolderError, as_struct, object_whole

FILE: Final = "series.json"
SCHEMA_VERSION: Final = 1
Clock = Callable[[], float]


class SeriesStep(Struct, frozen=True, kw_only=True):
    """One run of it, or one row of a table: `folder` below the series' own ("": it has none of its own).

    `expected_s` is how long it will take in all (None: nobody knows), `began` Unix seconds.
    """

    name: str
    folder: str = ""
    expected_s: float | None = None
    began: float | None = None
    took_s: float | None = None
    exit_code: int | None = None

    @property
    def over(self) -> bool:
        """It came to its end."""
        return self.took_s is not None

    @property
    def going(self) -> bool:
        """It is the one under way."""
        return self.began is not None and not self.over

    def left(self, now: float) -> float:
        """Seconds that it still takes, as far as they are known."""
        if self.over or self.expected_s is None:
            return 0.0
        return max(self.expected_s - (now - (now if self.began is None else self.began)), 0.0)


class Series(Struct, frozen=True, kw_only=True):
    """All of them: by which `command`, `title` of what (suite, mode, scenario), `page` its report's file.

    `started` is Unix seconds; `most_s` the seconds that it may take at most, where a budget says so.
    """

    command: str
    title: str
    page: str
    started: float
    steps: tuple[SeriesStep, ...]
    most_s: float | None = None
    exit_code: int | None = None
    schema_version: int = SCHEMA_VERSION

    @property
    def current(self) -> int | None:
        """The place of the step that is under way."""
        return next((place for place, step in enumerate(self.steps) if step.going), None)

    @property
    def waiting(self) -> tuple[SeriesStep, ...]:
        """Those that come next."""
        return tuple(step for step in self.steps if step.began is None)

    def left(self, now: float) -> float:
        """Seconds until its end: those of each run as expected, or what its budget leaves."""
        if self.most_s is not None:
            return max(self.started + self.most_s - now, 0.0)
        return sum(step.left(now) for step in self.steps)

    def share(self, now: float) -> float:
        """How much of its time is over, 0 to 1."""
        whole = self.most_s or sum(step.expected_s or 0.0 for step in self.steps)
        return 1.0 - min(self.left(now) / whole, 1.0) if whole else 0.0


def read(folder: Path) -> Series | None:
    """That of a folder; None where there is none, or it is torn. Raises RunFolderError."""
    found = object_whole(folder / FILE)
    return None if found is None else as_struct(folder / FILE, found, Series)


def whole_of(run: Path) -> tuple[str, Series] | None:
    """(its page as the run reaches it, the series) that a run is part of; None for a single one."""
    for way in ("..", "../.."):
        with suppress(RunFolderError):
            if told := read(run.absolute() / way):
                return f"{way}/{told.page}", told
    return None


@dataclass
class SeriesWriter:
    """Keeps the file of `folder`, which is there; `clock` gives Unix seconds."""

    folder: Path
    series: Series
    clock: Clock

    def begins(self, place: int) -> str:
        """A step is under way; its label: `[2/11] slow-api`."""
        self._put(place, began=self.clock())
        return self.label(place)

    def ended(self, place: int, exit_code: int, folder: str = "") -> str:
        """It is over; a line that says so, and what is left. `folder`: where its last attempt went."""
        step = self.series.steps[place]
        took = self.clock() - (step.began or self.clock())
        self._put(place, took_s=round(took, 1), exit_code=exit_code, folder=folder or step.folder)
        rest = f", {about(self.series.left(self.clock()))} left" if self.series.waiting else ""
        return f"{self.label(place)}: exit code {exit_code}, {took:.0f} s{rest}"

    def over(self, exit_code: int) -> None:
        """All that will be made was made."""
        self._write(replace(self.series, exit_code=exit_code))

    def label(self, place: int) -> str:
        """`[2/11] slow-api`."""
        return f"[{place + 1}/{len(self.series.steps)}] {self.series.steps[place].name}"

    def _put(self, place: int, **changed: object) -> None:
        steps = list(self.series.steps)
        steps[place] = replace(steps[place], **changed)
        self._write(replace(self.series, steps=tuple(steps)))

    def _write(self, series: Series) -> None:
        self.series = series
        self.write()

    def write(self) -> None:
        """The file, whole."""
        text = json.dumps(msgspec.to_builtins(self.series), indent=1, ensure_ascii=False)
        write_whole(self.folder / FILE, text + "\n")


def about(seconds: float) -> str:
    """`about 14 minutes`, `about 50 s`: an estimate for people."""
    return f"about {seconds / 60:.0f} minutes" if seconds >= 90 else f"about {seconds:.0f} s"

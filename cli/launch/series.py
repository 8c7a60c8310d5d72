"""How several runs go on, for the terminal and for readers of `series.json`; with the estimate of both."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from run.request import CheckedRun
from telemetry.run_folder.series import Series, SeriesStep, SeriesWriter, about

START: Final = 11.0  # seconds that a run takes beside its load: attach, drain, report


def begin(
    folder: Path,
    command: str,
    title: str,
    page: str,
    steps: Sequence[SeriesStep],
    most_s: float | None = None,
) -> SeriesWriter:
    """The series of `folder`, which is there, from now on; its file is written at once."""
    series = Series(
        command=command, title=title, page=page, started=time.time(), steps=tuple(steps), most_s=most_s
    )
    made = SeriesWriter(folder, series, time.time)
    made.write()
    return made


def step(name: str, run: CheckedRun, folder: Path) -> SeriesStep:
    """A run that was checked; `folder` is the series' own."""
    place = Path(run.request.out or "").absolute()
    return SeriesStep(name=name, folder=str(place.relative_to(folder)), expected_s=load_seconds(run) + START)


def load_seconds(run: CheckedRun) -> float:
    """How long a run loads its target, seconds; with the wait for a window of the clock."""
    return run.scenario.duration + (run.scenario.align or 0) / 2


def told(series: Series) -> str:
    """The first line: `11 runs, about 4 minutes`."""
    return f"{len(series.steps)} runs, {about(series.left(series.started))}"

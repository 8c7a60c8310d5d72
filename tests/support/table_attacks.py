"""In the place of `Attacks`, for the tables of runs: each run is what `make` leaves in its folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from run.request import CheckedRun, RunRequest


class TableAttacks:
    """`asked`: the requests in turn; `stops`: the run in which somebody stops it all, from 1."""

    def __init__(self, make: Callable[[Path], object], stops: int = 0) -> None:
        self.asked: list[RunRequest] = []
        self.stopped = False
        self._make, self._stops = make, stops

    def __call__(self, folder: Path, say: Callable[[str], None]) -> TableAttacks:
        return self

    def __enter__(self) -> TableAttacks:
        return self

    def __exit__(self, *_: object) -> None: ...

    def run(self, run: CheckedRun, log: Path) -> int:
        """One attack."""
        self.asked.append(run.request)
        self._make(Path(run.request.out or ""))
        self.stopped = len(self.asked) == self._stops
        return 0

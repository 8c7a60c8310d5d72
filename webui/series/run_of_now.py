"""The run that a series makes just now, found by its files: its process writes them, this one only reads."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from gevent.lock import BoundedSemaphore

from scenarios.parts import Phase
from telemetry.run_folder import end, manifest
from telemetry.run_folder.reading import RunFolderError
from webui.live.watched_run import WatchedRun

WITHIN: Final = (f"*/{manifest.FILE}", f"*/*/{manifest.FILE}")  # of a series, and of a row of a table


class RunOfNow:
    """One for all pages of the process; greenlets read in turn. `folder`: the series under way, or None."""

    def __init__(self, folder: Callable[[], Path | None]) -> None:
        self._folder = folder
        self._watched: WatchedRun | None = None
        self._turn = BoundedSemaphore()

    def curves(self, drawn: str = "") -> dict[str, Any] | None:
        """As `webui.live.curves` has them; None without a run, or when they are those of the key `drawn`."""
        with self._turn:
            folder = self._folder()
            run_dir = None if folder is None else under_way(folder)
            if run_dir is None:
                return None
            if self._watched is None or self._watched.dir != run_dir:
                self._watched = watched(run_dir)
            return self._watched.curves(over=False, drawn=drawn) if self._watched else None


def under_way(folder: Path) -> Path | None:
    """The run below `folder` that began last, unless it has ended."""
    begun = {path: path.stat().st_mtime for pattern in WITHIN for path in folder.glob(pattern)}
    newest = max(begun, key=lambda path: begun[path], default=None)
    return None if newest is None or (newest.parent / end.FILE).exists() else newest.parent


def watched(run_dir: Path) -> WatchedRun | None:
    """The run of a folder; None where its files do not say what it is yet."""
    with suppress(RunFolderError):
        found = manifest.read(run_dir)
        phases = [Phase(**phase) for phase in found.scenario.get("phases", ())]
        return WatchedRun(run_dir, float(found.duration_s), phases)
    return None

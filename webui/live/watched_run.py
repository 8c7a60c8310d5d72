"""What is seen of one run while it goes on: its target's rows, its curves, read as far as they are new."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import gevent

from scenarios.parts import Phase
from webui.live.curves import Curves, bin_width
from webui.live.target_rows import TargetRows


class WatchedRun:
    """The run of a folder; its load lasts `duration` seconds."""

    def __init__(self, run_dir: Path, duration: float, phases: Iterable[Phase]) -> None:
        self.dir = run_dir
        self._target = TargetRows(run_dir, bin_width(duration))
        self._curves = Curves(run_dir, duration, phases, self._target, lambda: gevent.sleep(0))

    def rows(self) -> list[dict[str, Any]]:
        """A row a source of the target's."""
        self._target.read()
        return self._target.rows()

    def curves(self, over: bool, drawn: str) -> dict[str, Any] | None:
        """As `webui.live.curves` has them; None when they are those of the key `drawn`.

        `over`: all that will ever be there is in its files.
        """
        self._target.read()
        self._curves.read()
        return None if self._curves.key(over) == drawn else self._curves.shown(over)

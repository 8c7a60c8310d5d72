"""Answers that were another call's, one by one: both accounts, and the arrivals that tell the times."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from users.mcp.isolation import Foreign
from users.transport.call import Call

MOST: Final = 1000
"""Lines of one process; how many there were is counted by the samples."""


class ForeignAnswers:
    """Gives `sink` a line each (`telemetry.run_folder.lines.ForeignAnswer`)."""

    def __init__(self, sink: Callable[[dict[str, Any]], None]) -> None:
        self._sink = sink
        self._told = 0

    def tell(self, call: Call, foreign: Foreign, start: float) -> None:
        """`start`: the run's zero in monotonic seconds."""
        self._told += 1
        if self._told <= MOST:
            about = {"t": round(call.done - start, 6), "account": call.account, "arrival": call.index}
            whose = {"of_account": foreign.whose.account, "of_arrival": foreign.whose.arrival}
            self._sink({**about, "by": foreign.by, **whose})

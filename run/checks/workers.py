"""`WORKERS=auto`: as many loading processes as the planned rate wants and the machine has cores for."""

from __future__ import annotations

import os
from typing import Final

from scenarios.schema import Scenario
from shapes.schedule import peak
from users.engine import job

A_PROCESS: Final = 8_000  # requests a second that one bore without a late arrival (docs/benchmarks.md)


def how_many(scenario: Scenario) -> int:
    """The workers for this scenario on this machine; 0 where one process in all is enough."""
    return enough(peak(job.schedule(scenario).planned), len(os.sched_getaffinity(0)))


def enough(requests: int, cores: int) -> int:
    """The workers for so many `requests` in the busiest second, at most one a core."""
    wanted = -(-requests // A_PROCESS)
    return min(wanted, cores) if min(wanted, cores) > 1 else 0

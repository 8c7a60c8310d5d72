"""Room on the disk for what a run will write: an estimate from its schedule, a line where it looks short."""

from __future__ import annotations

from pathlib import Path
from shutil import disk_usage
from typing import Final

from telemetry.recording.sample import SAMPLE

EXTRA: Final = 1.25  # calls beyond the schedule: sessions, retries
LEDGER: Final = 350  # bytes of a line, one a second and worker
SCRAPE: Final = 12_000  # bytes of one source's metrics, once a second
DERIVED: Final = 8_000_000  # bytes: the report's pictures, verdicts, logs
MB: Final = 1e6


def bytes_of(arrivals: int, duration: float, workers: int, sources: int) -> int:
    """What a run of `duration` seconds writes at most, as a rule."""
    a_second = workers * LEDGER + sources * SCRAPE
    return round(arrivals * SAMPLE.itemsize * EXTRA + duration * a_second) + DERIVED


def warning(folder: Path, needed: int) -> str:
    """One line where the disk that `folder` will be on has less than `needed` bytes free; otherwise ""."""
    there = next(one for one in (folder, *folder.parents) if one.is_dir())
    free = disk_usage(there).free
    if free >= needed:
        return ""
    told = f"{needed / MB:.0f} MB, and {there} has {free / MB:.0f} MB free"
    return f"the run may write {told}: it may end early"

"""A fact of a run as a point: what it is of, its tags, its figures, its time. Each sink has its own text.

Every time here comes from the run's own records, never from a clock at sending: so the same folder always
gives the same points. Every point carries the tags `run`, `scenario`, `target` and `protections`; times are
Unix nanoseconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from telemetry.run_folder.manifest import Manifest

Field = bool | int | float | str | None
COUNTERS: Final = frozenset({"requests_so_far", "run_so_far"})
"""Measurements that say since the start what others say second by second: a sink has need of one of both."""
SPANS: Final = "spans"
"""The measurement of what a trace of the run is made of (`telemetry.points.spans`)."""


class DataPoint(NamedTuple):
    """One fact. A field that is None, NaN or infinite has no value."""

    measurement: str
    tags: Mapping[str, str]
    fields: Mapping[str, Field]
    time_ns: int
    start_ns: int = 0  # when its run began


class RunPoints:
    """The points of one run, from its manifest (`run.json`)."""

    def __init__(self, manifest: Manifest) -> None:
        self._start_us = round(manifest.start_wall * 1e6)
        self.tags = {
            "run": manifest.run,
            "scenario": str(manifest.scenario["name"]),
            "target": manifest.target_name,
            "protections": protections(manifest),
        }

    def make(
        self,
        measurement: str,
        tags: Mapping[str, str],
        fields: Mapping[str, Field],
        t: float,
        *,
        place: int = 0,
    ) -> DataPoint:
        """A point at `t` (s since start); `place` (ns, below 1000) parts points that share all else."""
        time_ns = self.time_ns(t) + place % 1000
        return DataPoint(measurement, {**self.tags, **tags}, fields, time_ns, self._start_us * 1000)

    def time_ns(self, t: float) -> int:
        """`t` (s since start) as Unix nanoseconds, in steps of a microsecond."""
        return (self._start_us + round(t * 1e6)) * 1000


def protections(manifest: Manifest) -> str:
    """The preset's name, or the names joined; "none" without any, "unknown" for a target not our own."""
    if not manifest.bundled:
        return "unknown"
    return manifest.preset or "+".join(sorted(manifest.protections)) or "none"

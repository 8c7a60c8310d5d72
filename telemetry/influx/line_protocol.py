"""Line protocol: how a fact of a run becomes a point that InfluxDB counts once, however often it is sent.

A point is its measurement, tags and time; sent again it replaces itself. So every time here comes from
the run's own records, never from a clock at sending. Every point carries the tags `run`, `scenario`,
`target` and `protections`; times are Unix nanoseconds.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

from telemetry.run_folder.manifest import Manifest

Field = bool | int | float | str | None
_TAG: Final = str.maketrans({",": r"\,", "=": r"\=", " ": r"\ ", "\n": r"\ ", "\r": r"\ ", "\t": r"\ "})
_TEXT: Final = str.maketrans({'"': r"\"", "\\": r"\\", "\n": " ", "\r": " "})


def line(measurement: str, tags: Mapping[str, str], fields: Mapping[str, Field], time_ns: int) -> str:
    """One line, without its end; "" if no field has a value (None, NaN and infinity have none)."""
    values = ",".join(f"{key}={text}" for key, value in fields.items() if (text := _value(value)))
    return f"{_head(measurement, tuple(sorted(tags.items())))} {values} {time_ns}" if values else ""


@lru_cache(maxsize=4096)
def _head(measurement: str, tags: Iterable[tuple[str, str]]) -> str:
    pairs = (f"{key.translate(_TAG)}={_tag(value)}" for key, value in tags if value)
    return ",".join([measurement, *pairs])


def _tag(value: str) -> str:
    escaped = value.translate(_TAG)
    return escaped + r"\ " if escaped.endswith("\\") else escaped  # or it would escape what follows it


def _value(value: Field) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"{value}i"
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else ""
    return "" if value is None else f'"{value.translate(_TEXT)}"'


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

    def line(
        self,
        measurement: str,
        tags: Mapping[str, str],
        fields: Mapping[str, Field],
        t: float,
        *,
        place: int = 0,
    ) -> str:
        """A line at `t` (s since start); `place` (ns) parts points that share all else."""
        time_ns = (self._start_us + round(t * 1e6)) * 1000 + place % 1000
        return line(measurement, {**self.tags, **tags}, fields, time_ns)


def protections(manifest: Manifest) -> str:
    """The preset's name, or the names joined; "none" without any, "unknown" for a target not our own."""
    if not manifest.bundled:
        return "unknown"
    return manifest.preset or "+".join(sorted(manifest.protections)) or "none"

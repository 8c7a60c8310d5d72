"""Line protocol: a point as InfluxDB counts it once, however often it is sent.

A point is its measurement, tags and time; sent again it replaces itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from telemetry.points.point import DataPoint, Field

_TAG: Final = str.maketrans({",": r"\,", "=": r"\=", " ": r"\ ", "\n": r"\ ", "\r": r"\ ", "\t": r"\ "})
_TEXT: Final = str.maketrans({'"': r"\"", "\\": r"\\", "\n": " ", "\r": " "})


def line(point: DataPoint) -> str:
    """One line, without its end; "" if no field has a value (None, NaN and infinity have none)."""
    values = ",".join(f"{key}={text}" for key, value in point.fields.items() if (text := _value(value)))
    head = _head(point.measurement, tuple(sorted(point.tags.items())))
    return f"{head} {values} {point.time_ns}" if values else ""


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

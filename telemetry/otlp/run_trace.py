"""A run's trace as spans: the run's own, with all instants as its events, and those of its parts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from msgspec import Struct

from telemetry.points.point import SPANS, DataPoint
from telemetry.points.spans import RUN

MOST_EVENTS: Final = 1000  # of one span
Scalar = bool | int | float | str
_STATUS: Final = {"pass": "ok", "fail": "error"}
_NOT_TOLD: Final = frozenset({"name", "end_ns", "trace_id", "span_id"})  # they have places of their own


class SpanEvent(Struct, frozen=True):
    """What happened at an instant; `t` is Unix nanoseconds."""

    t: int
    name: str
    attributes: dict[str, Scalar]


class SpanLine(Struct, frozen=True, kw_only=True):
    """One span. Ids are hexadecimal, `parent_id` "" of the first; `status` is ok, error or "" for neither."""

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    start: int
    end: int
    attributes: dict[str, Scalar]
    events: tuple[SpanEvent, ...] = ()
    more_events: int = 0
    status: str = ""
    said: str = ""


def spans(points: Iterable[DataPoint]) -> Iterator[SpanLine]:
    """The spans of a trace that is there whole; none without the run's own."""
    parts = [point for point in points if point.measurement == SPANS]
    root = next((one for one in parts if one.tags["kind"] == RUN and "end_ns" in one.fields), None)
    if root is None:
        return
    instants = [_event(one) for one in parts if "end_ns" not in one.fields]
    verdict, parent = str(root.fields["verdict"]), str(root.fields["span_id"])
    yield _span(
        root, "", events=tuple(instants[:MOST_EVENTS]), more_events=len(instants[MOST_EVENTS:]),
        status=_STATUS.get(verdict, ""), said="" if verdict == "pass" else f"verdict {verdict}",
    )  # fmt: skip
    for one in parts:
        if "end_ns" in one.fields and one is not root:
            yield _span(one, parent)


def _span(
    point: DataPoint, parent: str, *, events: tuple[SpanEvent, ...] = (), more_events: int = 0,
    status: str = "", said: str = "",
) -> SpanLine:  # fmt: skip
    return SpanLine(
        trace_id=str(point.fields["trace_id"]),
        span_id=str(point.fields["span_id"]),
        parent_id=parent,
        name=point.tags["name"],
        start=point.time_ns,
        end=int(point.fields["end_ns"] or 0),
        attributes=_attributes(point),
        events=events,
        more_events=more_events,
        status=status,
        said=said,
    )


def _event(point: DataPoint) -> SpanEvent:
    return SpanEvent(point.time_ns, point.tags["name"], _attributes(point))


def _attributes(point: DataPoint) -> dict[str, Scalar]:
    """Tags and what is told, without what has no value."""
    told: Mapping[str, object] = {**point.tags, **point.fields}
    return {
        name: value
        for name, value in told.items()
        if name not in _NOT_TOLD and isinstance(value, bool | int | float | str) and _has_value(value)
    }


def _has_value(value: Scalar) -> bool:
    return math.isfinite(value) if isinstance(value, float) else value != ""

"""A run as one trace: a span for the run, in it one for each phase and fault; instants are its events.

A point of measurement `spans` is one of them. Tags: `kind` (run, phase, fault, control, state, point) and
`name`; fields: `end_ns` (Unix nanoseconds), `trace_id` and `span_id` of what lasted, absent of an instant;
the rest is told of it. Its time is its begin. All of a run's points come together, once its verdict is there:
no span can be sent before it has ended. Ids follow from the run (`telemetry.recording.trace_ids`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from telemetry.points.point import SPANS, DataPoint, Field, RunPoints
from telemetry.recording import trace_ids
from telemetry.run_folder.lines import Event
from telemetry.run_folder.manifest import Manifest
from telemetry.run_folder.verdict_file import PointAnswer, VerdictFile

RUN: Final = "run"
_AIM: Final = "aimed_at"  # what a fault is for: `target` is the run's
_TOLD: Final = ("question", "value", "unit", "status", "threshold", "basis", "subject")


class RunPart(NamedTuple):
    """A part of a run; times in seconds since its start, `end` None of an instant."""

    kind: str
    name: str
    start: float
    end: float | None
    told: Mapping[str, Any]


def run_spans(
    points: RunPoints, manifest: Manifest, events: Iterable[Event], t_end: float, verdicts: VerdictFile
) -> Iterator[DataPoint]:
    """The trace of a run that was over at `t_end` (s since start), the run's own span first."""
    half = trace_ids.run_half(manifest.trace, manifest.run, manifest.start_wall)
    parts = [*_phases(manifest.scenario, t_end), *_happened(events, t_end)]
    last = max([t_end, *(part.end for part in parts if part.end is not None)])
    told = _verdict(verdicts, half if manifest.traced else "")
    whole = RunPart(RUN, f"run {verdicts.scenario}", 0.0, last, told)
    answers = [_answer(answer, t_end) for answer in verdicts.points]
    for number, part in enumerate([whole, *parts, *answers]):
        fields: dict[str, Field] = {name: _plain(value) for name, value in part.told.items()}
        if part.end is not None:
            fields["end_ns"] = points.time_ns(part.end)
            fields["trace_id"] = trace_ids.run_trace(half)
            fields["span_id"] = trace_ids.part_span(f"{half}/{number}")
        yield points.make(SPANS, {"kind": part.kind, "name": part.name}, fields, part.start)


def _phases(scenario: Mapping[str, Any], t_end: float) -> Iterator[RunPart]:
    """Those of the scenario, as far as the run came."""
    for phase in scenario.get("phases", ()):
        if phase["start"] < t_end:
            yield RunPart("phase", phase["name"], phase["start"], min(phase["end"], t_end), {})


def _happened(events: Iterable[Event], t_end: float) -> Iterator[RunPart]:
    """Faults from their begin to their end, or the run's; all else at its instant."""
    in_force: dict[Any, RunPart] = {}
    for event in sorted(events, key=lambda one: one.t):
        state, number = event.detail.get("state"), event.detail.get("number", event.name)
        told = {_AIM if name == "target" else name: value for name, value in event.detail.items()}
        now = RunPart(event.kind, event.name, event.t, None, told)
        if event.kind == "fault" and state == "begins":
            in_force[number] = now._replace(end=max(event.t, t_end))
        elif event.kind == "fault" and state in {"ends", "not ended"} and number in in_force:
            begun = in_force.pop(number)
            end = event.t if state == "ends" else begun.end
            yield begun._replace(end=end, told={**begun.told, **told, "at": begun.told.get("at")})
        else:
            yield now
    yield from in_force.values()


def _verdict(verdicts: VerdictFile, traces_begin: str) -> dict[str, Any]:
    """What the run's own span tells."""
    times = {f"response_{name}_ms": verdicts.response_ms.get(name) for name in ("p50", "p95", "p99", "max")}
    counts = ("planned", "sent", "late", "dropped", "unknown", "extra", "ok", "failed", "aborted")
    return {
        "verdict": verdicts.verdict,
        "points_passed": sum(answer.status == "pass" for answer in verdicts.points),
        "points": len(verdicts.points),
        "stop_reason": verdicts.stop_reason,
        "peak_in_flight": verdicts.peak_in_flight,
        **{name: getattr(verdicts.arrivals, name) for name in counts},
        **times,
        "invalid_because": "; ".join(verdicts.invalid_because) or None,
        "traces_begin": traces_begin or None,  # of its calls
    }


def _answer(answer: PointAnswer, t: float) -> RunPart:
    return RunPart("point", f"point {answer.id}", t, None, {name: getattr(answer, name) for name in _TOLD})


def _plain(value: Any) -> Field:
    plain = isinstance(value, bool | int | float | str | None)
    return value if plain else json.dumps(value, ensure_ascii=False)

"""Events and verdicts as points: `faults` and `run` (annotations in Grafana), `points` (the answers)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from telemetry.points.point import DataPoint, Field, RunPoints
from telemetry.run_folder.lines import Event
from telemetry.run_folder.verdict_file import PointAnswer, VerdictFile

FAULT_KINDS: Final = frozenset({"fault", "control"})


def event_point(points: RunPoints, event: Event, number: int) -> DataPoint:
    """The point of the `number`-th event of `events.jsonl`."""
    measurement = "faults" if event.kind in FAULT_KINDS else "run"
    text = ", ".join(f"{key} {_plain(value)}" for key, value in event.detail.items())
    fields: dict[str, Field] = {"title": event.name, "text": text, "t_s": event.t}
    return points.make(measurement, {"kind": event.kind}, fields, event.t, place=number)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def verdict_points(points: RunPoints, verdicts: VerdictFile) -> Iterator[DataPoint]:
    """The run's verdict, and each point's answer, at the run's end."""
    end, answers = float(verdicts.duration_s), verdicts.points
    passed = sum(answer.status == "pass" for answer in answers)
    text = f"{passed} of {len(answers)} points passed"
    fields: dict[str, Field] = {
        "title": f"verdict {verdicts.verdict}",
        "text": text,
        "verdict": verdicts.verdict,
        "t_s": end,
    }
    yield points.make("run", {"kind": "verdict"}, fields, end)
    for answer in answers:
        yield points.make("points", {"point": answer.id}, _answer(answer), end)


def _answer(answer: PointAnswer) -> dict[str, Any]:
    value = answer.value
    number = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
    said = {key: str(getattr(answer, key)) for key in ("question", "unit", "basis", "status", "threshold")}
    return {"value": number, "said": "" if value is None else _plain(value), **said}

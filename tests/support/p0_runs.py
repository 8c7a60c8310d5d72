"""Synthetic runs for the P0 points: several tools and groups, and what the target said, line by line."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from telemetry.recording.sample import REASON_CODE
from tests.support.synthetic_run import Samples, Spec, fail, write
from verdicts.judge.judge import Judgement, judge
from verdicts.points.point import PointResult
from verdicts.run.reading import load

TOOLS = ["fast.echo", "notion.get_page", "jira.get_issue"]
SECONDS = {0: 0.02, 1: 2.5, 2: 2.0}
Scrape = tuple[float, str, dict[str, float]]


def mixed(samples: Samples) -> Samples:
    """Every third call to each tool; slow tools take their time and 5 ms of the gateway's."""
    samples["tool"] = np.arange(len(samples)) % 3
    for code, seconds in SECONDS.items():
        mine = samples["tool"] == code
        samples["upstream_s"][mine] = seconds
        samples["done"][mine] = samples["sent"][mine] + seconds + 0.005
    return samples


def refuse(samples: Samples, tool: int, start: float, end: float, reason: str, after: float = 0.002) -> None:
    """Calls of a tool planned within end with that reason, `after` seconds after they were sent."""
    which = (samples["tool"] == tool) & (samples["planned"] >= start) & (samples["planned"] < end)
    fail(samples, which, "breaker_open")
    samples["reason"][which] = REASON_CODE[reason]
    samples["done"][which] = samples["sent"][which] + after


def outage(**scenario: Any) -> Spec:
    """60 s, 12 calls/s, Notion faulty from 15 to 40 s; phases before, during, after."""
    data: dict[str, Any] = {
        "points": ["P0.4"],
        "service": 0.5,
        "thresholds": {},
        "faults": [{"at": 15.0, "until": 40.0, "fault": "upstream-error", "target": "notion", "params": {}}],
        "phases": [
            {"name": "healthy", "start": 0.0, "end": 15.0},
            {"name": "errors", "start": 15.0, "end": 40.0},
            {"name": "healed", "start": 40.0, "end": 60.0},
        ],
    }
    return Spec(
        duration=60.0, rate=1.2, accounts=10, chances={}, probes=False, change=mixed,
        manifest={"tools": TOOLS}, scenario_data={**data, **scenario},
    )  # fmt: skip


def judged(
    folder: Path, spec: Spec, scrapes: Iterable[Scrape] = (), events: Iterable[dict[str, Any]] = ()
) -> Judgement:
    """Write, add what the target said and what happened, judge."""
    write(folder / "run", spec)
    lines = [
        {"t": t, "source": source, "up": True, "took_s": 0.001, "values": values}
        for t, source, values in scrapes
    ]
    if lines:
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (folder / "run" / "target.jsonl").write_text(text)
    with (folder / "run" / "events.jsonl").open("a") as file:
        file.writelines(json.dumps(event) + "\n" for event in events)
    return judge(load(folder / "run"))


def asked(points: dict[str, str], spec: Spec | None = None) -> Spec:
    """The run with these points and thresholds ("" for none)."""
    spec = spec or Spec(duration=10.0, rate=1.2, accounts=10, chances={}, probes=False, change=mixed)
    thresholds = {id: text for id, text in points.items() if text}
    data = {**spec.scenario_data, "points": list(points), "thresholds": thresholds}
    return replace(spec, scenario_data=data, manifest={**spec.manifest, "tools": TOOLS})


def result(judgement: Judgement, id: str) -> PointResult:
    """The result of that id."""
    return next(one for one in judgement.points if one.id == id)

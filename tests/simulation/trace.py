"""A world told: what happened, line by line (time, who, what), and as a sequence diagram in Mermaid.

Times are seconds since the world began. Messages are told when they arrive, or when they are lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import numpy as np

from telemetry.recording.journal import SAMPLES
from telemetry.recording.sample import SAMPLE, Outcome
from tests.simulation.cluster import MASTER
from tests.simulation.loop import BEGINNING, Process
from tests.simulation.world import World

TARGET: Final = "target"
MOST_DRAWN: Final = 150  # arrows of a diagram


class Step(NamedTuple):
    """`to` is who was told; "": nobody."""

    at: float
    who: str
    what: str
    to: str = ""
    lost: bool = False


class Trace:
    """Listens to a world before it runs."""

    def __init__(self, world: World) -> None:
        self.steps: list[Step] = []
        self._world = world
        world.trace = self._note
        world.network.fate = self._message
        self._receive = world.target.receive
        world.target.receive = self._called  # type: ignore[method-assign]

    def _now(self) -> float:
        return self._world.loop.now - BEGINNING

    def _note(self, who: str, what: str) -> None:
        self.steps.append(Step(self._now(), who, what))

    def _message(self, sender: Process, receiver: Process, kind: str, data: Any, fate: str) -> None:
        what = f"{kind.removeprefix('load.')} {_short(data)}".strip()
        self.steps.append(Step(self._now(), sender.name, what, receiver.name, bool(fate)))

    def _called(self, arrival: int, sender: str, began: float) -> float | None:
        self.steps.append(Step(self._now(), sender, f"arrival {arrival}", TARGET))
        return self._receive(arrival, sender, began)

    def lines(self) -> Iterator[str]:
        """One step a line."""
        for step in self.steps:
            to = f" → {step.to}" if step.to else ""
            yield f"{step.at:9.4f}  {step.who}{to}: {step.what}{'  (lost)' if step.lost else ''}"

    def diagram(self) -> Iterator[str]:
        """A sequence diagram: the last steps, if there are many; everyday messages are left out."""
        yield "sequenceDiagram"
        yield f"    participant {MASTER}"
        for worker in self._world.workers:
            yield f"    participant {worker.process.name}"
        yield f"    participant {TARGET}"
        told = [
            step for step in self.steps if step.lost or not step.what.startswith(("ack", "entry", "clock"))
        ]
        for step in told[-MOST_DRAWN:]:
            what = step.what.replace(";", ",").replace("#", "")
            if step.to:
                yield f"    {step.who}{'-x' if step.lost else '->>'}{step.to}: {step.at:.2f} {what}"
            else:
                yield f"    Note over {MASTER}: {step.at:.2f} {what}"


def _short(data: Any) -> str:
    """What a message says, in a few words."""
    if not isinstance(data, dict):
        return ""
    if data.get("kind") == SAMPLES and isinstance(data.get("data"), bytes):
        records = np.frombuffer(
            data["data"][: len(data["data"]) // SAMPLE.itemsize * SAMPLE.itemsize], SAMPLE
        )
        told = (
            f"{record['index']} {Outcome(int(record['outcome'])).name.lower()}"
            for record in records
            if record["outcome"] in tuple(Outcome)
        )
        return f"{data['number']} samples: {', '.join(told)}"
    if "kind" in data:
        line = data["data"] if isinstance(data["data"], dict) else {}
        kept = ("t", "planned", "sent", "dropped", "finished", "plans", "left")
        return f"{data['number']} {data['kind']} {_pairs({key: line[key] for key in kept if key in line})}"
    return _pairs({key: value for key, value in data.items() if key != "run"})


def _pairs(data: dict[str, Any]) -> str:
    return " ".join(
        f"{key}={value:g}" if isinstance(value, float) else f"{key}={value}" for key, value in data.items()
    )

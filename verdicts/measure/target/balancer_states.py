"""The balancer's states over the run, from its own events (`events.jsonl`, kind `state`, name `lb`)."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

from verdicts.run.reading import Run

PRIMARY: Final = "primary"
SPLITS: Final = ("split", "recovering")  # calls go to both origins in turn


UNTOLD: Final = "Not observed: the edge gave no answer after the load, so what its balancer did is not known."


def untold(run: Run) -> bool:
    """The edge did not tell what it noted; then no change of state is no proof that there was none."""
    return any(
        event.kind == "run" and event.name == "untold" and event.detail.get("process") in ("edge", "stack")
        for event in run.events
    )


class BalancerState(NamedTuple):
    """One state from `start` to `end`, seconds since the run's start; the last has no end (infinity)."""

    state: str
    start: float
    end: float


def spans(run: Run) -> list[BalancerState]:
    """Every state gone through, in order; a balancer that told nothing was in `primary` throughout."""
    changes = sorted(
        (event for event in run.events if event.kind == "state" and event.name == "lb"), key=lambda one: one.t
    )
    states = [str(event.detail["to"]) for event in changes]
    first = str(changes[0].detail["from"]) if changes else PRIMARY
    times = [-math.inf, *(event.t for event in changes), math.inf]
    return [
        BalancerState(state, start, end)
        for state, start, end in zip((first, *states), times[:-1], times[1:], strict=True)
    ]


def during(run: Run, start: float, end: float) -> tuple[str, ...]:
    """The states between two instants, in order, each once; a state of no length does not count."""
    found = [span.state for span in spans(run) if max(span.start, start) < min(span.end, end)]
    return tuple(dict.fromkeys(found))


def away(run: Run) -> list[tuple[float, float]]:
    """(from, to) of each stretch in which the state was not `primary`; `to` may be infinity."""
    found: list[tuple[float, float]] = []
    for span in spans(run):
        if span.state == PRIMARY:
            continue
        if found and found[-1][1] == span.start:
            found[-1] = (found[-1][0], span.end)
        else:
            found.append((span.start, span.end))
    return found

"""A run's ledger held against the count of a server that played generated answers."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.support.recorder.attack import Run
from tests.support.recorder.generated import allowed


def check_tally(run: Run, told: Any) -> Counter[str]:
    """Every request was seen once, every outcome is one that was played for it; how often each kind was."""
    run.check_ledger()
    received, outcomes = told["received"], run.outcomes()
    assert sum(received.values()) == run.arrivals["sent"] + run.arrivals["extra"]
    ids = [one for of in told["ids"].values() for one in of]
    assert len(set(ids)) == len(ids), "a request was sent twice"
    least, most = bounds(received)
    for outcome in set(outcomes) | set(least):
        assert least[outcome] <= outcomes[outcome] <= most[outcome], outcome
    kinds: Counter[str] = Counter()
    for name, count in received.items():
        kinds[name.partition(":")[0]] += count
    return kinds


def bounds(received: dict[str, int]) -> tuple[Counter[str], Counter[str]]:
    """How often each outcome must, and may, be reported for what the server received."""
    least: Counter[str] = Counter()
    most: Counter[str] = Counter()
    for name, count in received.items():
        outcomes = allowed(name)
        for outcome in outcomes:
            most[outcome] += count
        if len(outcomes) == 1:
            least[next(iter(outcomes))] += count
    return least, most

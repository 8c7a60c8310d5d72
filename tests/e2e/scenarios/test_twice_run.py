"""Answers lost after the work was done: as many effects are too many, none where keys are remembered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import pytest

from tests.support import real_parts
from tests.support.short_run import ShortRun
from verdicts.run.reading import Run, load

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
LOST: Final = 30
# Whoever is refused to the end does nothing twice, and what a Worker cuts off is lost beside what is counted.
PROTECTIONS: Final = "today,-worker-cpu,-burst-limit"
SHORT: Final[dict[str, Any]] = {
    "duration": "7s",
    "rate": 2,
    "faults": [
        {
            **{"at": "1s", "until": "6.5s", "fault": "answer-drop", "target": "origin-a"},
            "params": {"every": 5, "count": LOST},
        }
    ],
}


class Told(NamedTuple):
    """A run's verdict, and its files."""

    short: ShortRun
    run: Run

    @property
    def observed(self) -> int:
        """How many answers the origin says that it lost."""
        return sum(
            int(event.detail.get("observed") or 0) for event in self.run.events if event.kind == "fault"
        )

    @property
    def counts(self) -> Mapping[str, Mapping[str, int]]:
        """Arrival → how often, by what it was: done, paid, recorded."""
        assert self.run.effects is not None
        return {name: self.run.effects[name] for name in ("done", "paid", "recorded")}


@pytest.fixture(scope="module", params=["fakes", "real"])
def runs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Told]:
    """The same attack on the stack as it is, and with the protection."""
    if request.param == "real":
        real_parts.whole()
    found = {}
    for name, more in (("before", ""), ("after", ",+idempotency")):
        folder = tmp_path_factory.mktemp(name)
        words = ("--stack", request.param)
        short = ShortRun(folder, "twice-dropped", *words, protections=f"{PROTECTIONS}{more}", **SHORT)
        found[name] = Told(short, load(short.folder))
    return found


def test_each_lost_answer_is_an_effect_too_many(runs: dict[str, Told]) -> None:
    told = runs["before"]
    two = told.short.figures("E2")
    assert (told.observed, two["more"], two["reset"]) == (LOST, LOST, LOST)
    assert told.short.figures("E3")["charges"] == 0  # each was paid as often as it was done
    assert told.short.code == 1


def test_the_tables_say_the_same(runs: dict[str, Told]) -> None:
    counts = runs["before"].counts
    assert counts["paid"] == counts["recorded"] == counts["done"]
    assert sum(counts["done"].values()) - len(counts["done"]) == LOST


def test_none_is_done_twice_where_keys_are_remembered(runs: dict[str, Told]) -> None:
    told = runs["after"]
    assert told.observed == LOST
    assert [told.short.figures(id)[name] for id, name in (("E2", "more"), ("E3", "charges"))] == [0, 0]
    assert told.short.figures("E1")["share"] == 1
    assert all(set(counts.values()) == {1} for counts in told.counts.values())
    assert [told.short.status(id) for id in ("E2", "E3", "E4", "money")] == ["pass"] * 4

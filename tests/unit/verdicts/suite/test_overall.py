"""What runs say together, in the page's language."""

from __future__ import annotations

from typing import Any, Final

from verdicts.language.words import Say
from verdicts.suite import overall

POINT: Final = {"id": "P3.6", "status": "fail"}


def found(broke_first: str = "", starved: str = "", because: tuple[str, ...] = ()) -> dict[str, Any]:
    arrivals = {
        "planned": 1,
        "sent": 1,
        "late": 0,
        "dropped": 0,
        "unknown": 0,
        "start_delay_ms": {"p99": 1.0},
    }
    told = {"broke_first": broke_first, "starved": starved, "invalid_because": list(because)}
    return {**told, "points": [POINT], "arrivals": arrivals}


def test_what_broke_first_is_told_in_the_pages_language() -> None:
    runs = {"a": found("the bound of P3.6"), "b": found("kv_error at 0.1 s, 231 calls in all")}
    card = overall.cards(runs, Say("ja"))[-1]
    assert "P3.6の許容範囲" in card.answer
    assert [what for _, what in card.figures] == ["kv_error (0.1秒時点、計231件)"]


def test_a_run_on_a_crowded_machine_counts_and_is_named() -> None:
    runs = {
        "burst": found(),
        "slow-api": found(starved="the machine was full"),
        "health": found(starved="full", because=("late",)),
    }
    card = overall.arrived(runs, Say("en"))
    assert card.note == (
        "Not counted: health. Others filled this machine beside slow-api: what the stack was slow at there "
        "may be their doing."
    )
    assert "slow-apiの実行中" in overall.arrived(runs, Say("ja")).note


def test_on_a_quiet_machine_nothing_is_said() -> None:
    card = overall.arrived({"burst": found()}, Say("en"))
    assert (card.status, card.note) == ("pass", "")

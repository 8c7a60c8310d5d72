from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.protections import NAMES, PRESETS, TABLE, check_names, parse


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_is_its_names_in_order(preset: str) -> None:
    choice = parse(preset)
    assert choice.preset == preset
    assert set(choice.names) == set(PRESETS[preset])
    assert list(choice.names) == sorted(choice.names, key=NAMES.index)


@pytest.mark.parametrize("text", ["phase1,-burst-limit", "phase1,+breaker", "phase1,breaker"])
def test_one_that_was_changed_goes_by_its_names_and_keeps_its_settings(text: str) -> None:
    choice = parse(text)
    assert choice.preset is None
    assert choice.settings == parse("phase1").settings


def test_presets_grow() -> None:
    none, today, phase1, phase2, every = (set(names) for names in PRESETS.values())
    assert none < today < phase1 < phase2 == every == {row.name for row in TABLE if row.since != "by name"}
    assert phase1 - today == {"timeout", "user-concurrency"}
    assert phase2 - phase1 == {"global-concurrency", "breaker"}


@pytest.mark.parametrize(
    ("preset", "memory"), [("none", False), ("today", False), ("phase1", True), ("all", True)]
)
def test_from_phase_one_on_bursts_are_counted_in_memory(preset: str, memory: bool) -> None:
    expected = {"edge": {"burst_strategy": "memory-cache"}} if memory else {}
    assert parse(preset).settings == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", set()),
        ("breaker", {"breaker"}),
        (" timeout , ip-limit ", {"timeout", "ip-limit"}),
        ("today,-burst-limit", set(PRESETS["today"]) - {"burst-limit"}),
        ("today,+breaker", {*PRESETS["today"], "breaker"}),
        ("today,breaker", {*PRESETS["today"], "breaker"}),
        ("all,-breaker,-timeout", set(PRESETS["all"]) - {"breaker", "timeout"}),
        ("+breaker", {"breaker"}),
    ],
)
def test_grammar(text: str, expected: set[str]) -> None:
    assert set(parse(text).names) == expected


@pytest.mark.parametrize(
    "text",
    [
        "braker",
        "breaker,breaker",
        "today,ip-limit",
        "none,-breaker",
        "breaker,today",
        "today,today",
        "-",
        "+",
    ],
)
def test_bad_text_is_one_line_that_names_what_is_allowed(text: str) -> None:
    with pytest.raises(ValueError, match=r"allowed|on: ") as caught:
        parse(text)
    assert "\n" not in str(caught.value)


def test_names_are_checked_and_ordered() -> None:
    assert check_names(["breaker", "ip-limit"]) == ("ip-limit", "breaker")
    with pytest.raises(ValueError, match="named twice"):
        check_names(["breaker", "breaker"])


@given(st.sets(st.sampled_from(NAMES)))
def test_a_list_of_names_reads_back(names: set[str]) -> None:
    assert set(parse(",".join(names)).names) == names

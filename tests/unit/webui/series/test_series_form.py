"""What the form of several runs may say."""

from __future__ import annotations

import pytest

from webui.series.form import MOST, SeriesForm, SeriesFormError, fields

FORM = SeriesForm({"scenario": ["burst", "slow-api"], "target": ["bundled", ""], "tier": ["", "free"]})


def refused(*pairs: tuple[str, str]) -> str:
    with pytest.raises(SeriesFormError) as refusal:
        FORM.words(pairs)
    text = str(refusal.value)
    assert "\n" not in text
    return text


def test_it_becomes_the_words_of_the_command() -> None:
    asked = [
        ("command", "compare"),
        ("scenario", "burst"),
        ("a", "none"),
        ("b", "today,-burst-limit"),
        ("runs", ""),
    ]
    assert FORM.words(asked) == ["compare", "burst", "--a=none", "--b=today,-burst-limit"]
    assert FORM.words([("command", "suite"), ("plan", "all"), ("seed", " 3 ")]) == [
        "suite",
        "all",
        "--seed=3",
    ]
    assert FORM.words([("command", "plan"), ("mode", "smoke")]) == ["plan", "--mode=smoke"]
    assert FORM.words([("command", "breakpoint")]) == ["breakpoint"]


@pytest.mark.parametrize("command", ["", "stop", "attack", "calibrate", "../suite", "suite plan"])
def test_only_commands_of_several_runs_are_started(command: str) -> None:
    allowed = "suite, plan, compare, breakpoint, tune, metastable"
    assert refused(("command", command)).endswith(f"allowed: {allowed}")


@pytest.mark.parametrize(
    "field", ["out", "workers", "run_a", "run_b", "baseline", "a", "rate", "headless", "--out"]
)
def test_a_field_that_is_not_the_commands_own_is_refused(field: str) -> None:
    assert refused(("command", "suite"), ("plan", "phase1"), (field, "x")).startswith(f"suite: {field!r}")


@pytest.mark.parametrize(
    ("field", "value"),
    [("plan", "phase3"), ("plan", "--help"), ("target", "/etc/passwd"), ("target", "targets/x.yaml")],
)
def test_a_choice_that_is_not_there_is_refused(field: str, value: str) -> None:
    assert refused(("command", "suite"), (field, value)).startswith(f"{field}: {value!r}, allowed: ")


def test_a_files_path_is_no_scenario() -> None:
    assert refused(("command", "breakpoint"), ("scenario", "/tmp/x.yaml")).startswith("scenario: ")


@pytest.mark.parametrize("value", ["1\n2", "a\0b", "\x1b[2J", "1" * (MOST + 1)])
def test_a_value_is_one_short_line(value: str) -> None:
    assert refused(("command", "plan"), ("seed", value)).startswith("seed: ")


def test_a_field_twice_is_refused() -> None:
    assert (
        refused(("command", "plan"), ("seed", "1"), ("seed", "2")) == "seed: '2 values', allowed: one value"
    )
    assert refused(("command", "plan"), ("command", "plan")).startswith("command: ")


def test_the_fields_are_those_of_the_table() -> None:
    assert [one.name for one in fields("suite")][:3] == ["target", "protect", "seed"]
    assert {one.name for one in fields("compare")} >= {"scenario", "a", "b", "runs"}

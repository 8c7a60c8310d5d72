"""The table of options: whole, and what the Makefile and the scenario's values say is the same."""

from __future__ import annotations

import os
import re
import subprocess
from typing import Final

import pytest

from common.errors import ConfigError
from common.paths import ROOT
from scenarios.options import FORM, LOCUST, OPTIONS, TABLE, VARIABLES, make, of, passed_on, words
from scenarios.overrides import Overrides

# make target → the command that it calls
TARGETS: Final = {
    "headless": "attack",
    "master": "attack",
    "worker": "worker",
    "suite": "suite",
    "plan": "plan",
    "compare": "compare",
    "breakpoint": "breakpoint",
    "tune": "tune",
    "metastable": "metastable",
    "check-target": "check-target",
}
OF_A_MASTER: Final = {"bind", "port"}


def test_every_value_that_a_run_may_replace_is_an_option_of_it_and_a_field_of_the_form() -> None:
    replaced = set(Overrides.model_fields) - {"source"}
    for command in ("attack", LOCUST):
        assert replaced <= {option.name for option in of(command)}
    assert set(FORM) == {"scenario", "target", *replaced}


def test_names_are_told_apart() -> None:
    assert len(OPTIONS) == len(TABLE)


def test_what_is_heard_of_the_environment() -> None:
    heard = {
        command: {option.name for option in TABLE if command in option.environment}
        for command in ("attack", "suite", "plan", "compare", "breakpoint", "tune", "metastable")
    }
    assert heard == {
        "attack": {"duration_scale", "baseline"},
        "suite": {"duration_scale"},
        "compare": {"duration_scale"},
        "plan": set(),
        "breakpoint": set(),
        "tune": set(),
        "metastable": set(),
    }
    assert {option.variable for option in of(LOCUST)} == set(VARIABLES)


@pytest.mark.parametrize("command", ["suite", "plan", "compare", "breakpoint", "tune", "metastable"])
def test_what_a_command_hands_on_is_an_option_of_both(command: str) -> None:
    handed = set(passed_on(command, "attack"))
    assert {"target", "seed", "workers"} <= handed
    assert handed.isdisjoint({"scenario", "out"})
    assert all({command, "attack"} <= set(OPTIONS[name].commands) for name in handed)


def test_words_and_make_commands() -> None:
    assert words({"rate": "2", "seed": None, "duration_scale": "6", "tier": ""}) == [
        "--rate=2", "--duration-scale=6",
    ]  # fmt: skip
    assert make("headless", {"scenario": "burst", "out": "my runs/x"}) == (
        "make headless SCENARIO=burst OUT='my runs/x'"
    )


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [("workers", "64", 64), ("workers", "0", 0), ("port", "65535", 65535), ("bind", "::1", "::1")],
)
def test_readers(name: str, text: str, value: object) -> None:
    assert OPTIONS[name].read(text) == value


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("workers", "65", "command line: --workers: '65', allowed: 0 to 64"),
        ("workers", "²", "command line: --workers: '²', allowed: 0 to 64"),
        ("port", "0", "command line: --port: '0', allowed: 1 to 65535"),
        ("bind", "eth0", "command line: --bind: 'eth0', allowed: an address of this machine"),
    ],
)
def test_readers_refuse_in_one_line(name: str, text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(says)):
        OPTIONS[name].read(text)


def dry_run(target: str, given: dict[str, str]) -> list[str]:
    """The words of the command that make would run, without quotes; variables come by the environment."""
    env = {key: value for key, value in os.environ.items() if key not in {one.variable for one in TABLE}}
    done = subprocess.run(
        ["make", "--dry-run", target], cwd=ROOT, env={**env, **given},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.splitlines()[-1].replace("'", "").split()


@pytest.mark.parametrize("target", TARGETS)
def test_make_hands_on_each_variable_that_its_command_takes_and_no_other(target: str) -> None:
    command = TARGETS[target]
    known = [one for one in TABLE if one.make and not one.name.startswith("run")]  # see below
    found = dry_run(target, {one.variable: f"value-{one.name}" for one in known})
    taken = [one for one in known if command in one.commands]
    if target == "headless":
        taken = [one for one in taken if one.name not in OF_A_MASTER]
    named = {f"{one.flag}=value-{one.name}" for one in taken if command not in one.positional}
    if command == "attack":
        named -= {"--master=value-master"}
        named |= {"--master"} if target == "master" else set()
    placed = {f"value-{one.name}" for one in taken if command in one.positional}
    assert set(found[1:]) == named | placed


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (
            ["headless", "DURATIONS=5s"],
            "make headless takes no DURATIONS, did you mean DURATION? allowed: SCENARIO",
        ),
        (["suite", "RATE=2"], "make suite takes no RATE, allowed: PLAN TARGET PROTECT"),
        (["plan", "DURATION=5s"], "make plan takes no DURATION, allowed: MODE TARGET"),
        (["compare", "PROTECT=none"], "make compare takes no PROTECT, allowed: SCENARIO A B"),
        (["flush", "RUN=x"], "make flush takes no RUN, allowed: none"),
    ],
)
def test_make_refuses_what_a_target_does_not_take(words: list[str], says: str) -> None:
    done = subprocess.run(["make", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("target", TARGETS)
def test_make_takes_on_its_command_line_what_it_hands_on(target: str) -> None:
    taken = [one for one in of(TARGETS[target]) if one.make and one.name != "master"]
    if target == "headless":
        taken = [one for one in taken if one.name not in OF_A_MASTER]
    given = [f"{one.variable}=x" for one in taken]
    subprocess.run(["make", "--dry-run", target, *given], cwd=ROOT, capture_output=True, check=True)


def test_make_takes_on_its_command_line_what_its_help_names() -> None:
    found = re.findall(r"^([a-z0-9-]+):.*?## (.*)$", (ROOT / "Makefile").read_text(), re.M)
    assert len(found) > 30
    for target, told in found:
        given = [f"{name}=x" for name in re.findall(r"\[([A-Z][A-Z_]+)=", told)]
        subprocess.run(["make", "--dry-run", target, *given], cwd=ROOT, capture_output=True, check=True)


def test_make_takes_the_language_with_every_command() -> None:
    for target in ("headless", "plan", "suite", "tune", "ui", "report"):
        subprocess.run(
            ["make", "--dry-run", target, "LANG_REPORT=ja"], cwd=ROOT, capture_output=True, check=True
        )


def test_make_hands_on_stored_runs() -> None:
    assert dry_run("compare", {"RUN_A": "x", "RUN_B": "y"})[1:] == ["--run-a=x", "--run-b=y"]
    assert dry_run("compare", {"A": "none", "B": "all", "RUNS": "5"})[1:] == [
        "burst", "--a=none", "--b=all", "--runs=5",
    ]  # fmt: skip
    for target in ("report", "stop"):
        assert dry_run(target, {"RUN": "results/x"})[-1] == "results/x"


def test_make_help_names_every_variable() -> None:
    text = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    told = text.partition("variables: ")[2].split()
    assert set(told) == {one.variable for one in TABLE if one.make}

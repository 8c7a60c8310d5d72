"""The command that a page gives for the same attack holds all that made it other than its scenario."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.synthetic_run import Spec, write
from verdicts.report import rerun
from verdicts.run.reading import Run, load

SPEC = Spec(duration=2.0)


def words(run: Run, *names: str) -> list[str]:
    """What the command says of these variables."""
    command = rerun.commands(run)[0][1]
    return [word for word in command.split() if word.partition("=")[0] in names]


def test_the_size_of_one_group(tmp_path: Path) -> None:
    run = load(write(tmp_path / "run", SPEC))
    run.scenario["groups"][0]["accounts"]["tier"] = "starter"
    assert words(run, "ACCOUNTS", "RATE", "TIER") == ["ACCOUNTS=20", "RATE=5", "TIER=starter"]


def test_what_all_attackers_have_alike(tmp_path: Path) -> None:
    run = load(write(tmp_path / "run", SPEC))
    (group,) = run.scenario["groups"]
    many = {"count": 500, "tier": "free"}
    run.scenario["groups"][:] = [
        {**group, "name": "valid", "attack": False},
        {**group, "name": "expired", "attack": True, "accounts": many, "rate": 8.0},
        {**group, "name": "garbage", "attack": True, "accounts": many, "rate": 4.0},
    ]
    assert words(run, "ACCOUNTS", "RATE", "TIER") == ["ACCOUNTS=500", "TIER=free"]


@pytest.mark.parametrize(
    ("stack", "told"),
    [
        ({}, []),
        ({"parts": {}}, []),
        ({"parts": {"edge": "real", "origin": "real"}}, ["STACK=real"]),
        (
            {"parts": {"edge": "fakes", "origin": "real", "nano": "unlimited"}},
            ["STACK=fakes,origin=real", "NANO=unlimited"],
        ),
        (
            {"parts": {"edge": "fakes", "origin": "fakes"}, "nano": {"measured_on": "here"}},
            ["STACK=fakes", "NANO=calibrated"],
        ),
    ],
)
def test_the_parts_of_the_stack(tmp_path: Path, stack: dict[str, Any], told: list[str]) -> None:
    run = load(write(tmp_path / "run", SPEC))
    run.scenario["stack"].clear()
    run.scenario["stack"].update(stack)
    assert words(run, "STACK", "NANO") == told


def test_a_target_of_ones_own_has_no_parts(tmp_path: Path) -> None:
    run = load(write(tmp_path / "run", Spec(duration=2.0, bundled=False)))
    run.scenario["stack"]["parts"] = {"edge": "real", "origin": "real"}
    assert words(run, "STACK", "NANO") == []

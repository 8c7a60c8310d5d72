"""What there is: scenarios by family, points with who answers them."""

from typing import Any

import pytest

from cli.list import main
from common.protections import NAMES, PRESETS, TABLE
from scenarios import load as scenarios
from verdicts.points.registry import ASKED


def lines(words: list[str], capsys: pytest.CaptureFixture[str]) -> list[str]:
    assert main(words) == 0
    return capsys.readouterr().out.splitlines()


def test_every_scenario_stands_once_and_a_variant_below_its_own(capsys: Any) -> None:
    found = lines([], capsys)
    assert sorted(line.split()[0] for line in found) == scenarios.names()
    place = found.index(next(line for line in found if line.startswith("burst ")))
    assert found[place].split()[1:4] == ["P1", "60", "s"]
    assert found[place + 1].startswith("  burst-")
    own = [line for line in found if not line.startswith(" ")]
    assert all(scenarios.load(line.split()[0]).variant_of is None for line in own)


def test_every_point_has_its_question_and_who_answers_it(capsys: Any) -> None:
    found = lines(["points"], capsys)
    asked = [line.split()[0] for line in found if not line.startswith(" ")]
    assert asked == list(ASKED)
    place = found.index(next(line for line in found if line.startswith("P1.7")))
    assert ASKED["P1.7"].en in found[place]
    assert found[place + 1].strip() == "burst: p95 <= 2 s"
    assert all(found[number + 1].startswith(" ") for number, line in enumerate(found) if line[0] != " ")


def test_every_protection_has_its_presets_and_what_it_does(capsys: Any) -> None:
    *rows, presets = lines(["protections"], capsys)
    assert [row.split()[0] for row in rows] == list(NAMES)
    assert all(row.does for row in TABLE)
    shown = next(row for row in rows if row.startswith("user-concurrency"))
    assert shown.split(maxsplit=6)[1:] == [
        "from", "phase1", "on", "429", "user_concurrency_exceeded", "50 calls of one user at once",
    ]  # fmt: skip
    assert next(row for row in rows if row.startswith("fair-queue")).split()[1:3] == ["by", "name"]
    assert all(preset in presets for preset in PRESETS)


def test_another_word_is_refused(capsys: Any) -> None:
    assert main(["poinst"]) == 2
    assert "did you mean points?" in capsys.readouterr().err

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cli import kv_table
from cli.launch import run_table
from scenarios.load import load
from scenarios.schema import Scenario
from tests.support.table_attacks import TableAttacks

POINTS: list[dict[str, Any]] = [
    {"id": "P1.1", "rows": [{"quota": "after", "became": "kv_error", "calls": 9, "% of sent": 90.0}]},
    {"id": "P1.1.books", "status": "pass"},
    {
        "id": "P1.2",
        "rows": [
            {"quota": "before", "offered req/s": 50.0, "origin req/s": 25.0},
            {"quota": "after", "offered req/s": 50.0, "origin req/s": 5.0},
        ],
    },
    {"id": "P1.3", "rows": [{"quota": "after", "order in a window": "E....x"}]},
    {
        "id": "P1.4",
        "rows": [
            {"quota": "all", "admitted (mean)": 5.5, "max": 7},
            {"quota": "before", "admitted (mean)": 4.9, "max": 5},
            {"quota": "after", "admitted (mean)": 6.1, "max": 7},
        ],
    },
]


def put(folder: Path, points: list[dict[str, Any]] = POINTS, verdict: str = "fail") -> Path:
    folder.mkdir()
    document = {"scenario": "kv-exhaustion", "points": points, "verdict": verdict}
    (folder / "verdicts.json").write_text(json.dumps(document))
    return folder


def test_a_run_is_a_line(tmp_path: Path) -> None:
    assert kv_table.line(put(tmp_path / "a")) == [
        *(
            "kv-exhaustion",
            "50.0",
            "25.0",
            "5.0",
            "0.0",
            "90.0",
            "`E....x`",
            "5",
            "7",
            "6.1",
            "pass",
            "fail",
        )
    ]


def test_what_was_not_observed_is_a_dash(tmp_path: Path) -> None:
    bare = [{"id": point["id"]} for point in POINTS]
    assert kv_table.line(put(tmp_path / "a", bare)) == ["kv-exhaustion", *["–"] * 10, "fail"]


@pytest.mark.parametrize(("verdict", "code"), [("pass", 0), ("fail", 0), ("invalid", 3)])
def test_a_failed_variant_is_a_finding_and_an_invalid_run_is_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], verdict: str, code: int
) -> None:
    assert kv_table.main(["--read", str(put(tmp_path / "a", verdict=verdict))]) == code
    head, rule, line = capsys.readouterr().out.splitlines()
    assert head.count("|") == rule.count("|") == line.count("|") == len(kv_table.HEAD) + 1


def test_a_folder_that_is_no_run_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert kv_table.main(["--read", str(tmp_path)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_runs_that_are_there_are_not_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    attacks = TableAttacks(put)
    monkeypatch.setattr(run_table, "Attacks", attacks)
    put(tmp_path / "kv-exhaustion-memory")
    assert kv_table.main(["--only", "memory", "--out", str(tmp_path)]) == 0
    assert [one.scenario for one in attacks.asked] == ["kv-exhaustion-memory-open"]


def test_a_table_that_is_stopped_makes_no_further_run_and_goes_on_when_it_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--only", "memory", "--out", str(tmp_path)]
    first = TableAttacks(partial(put, verdict="invalid"), stops=1)
    monkeypatch.setattr(run_table, "Attacks", first)
    assert kv_table.main(words) == 3
    assert [one.scenario for one in first.asked] == ["kv-exhaustion-memory"]
    assert capsys.readouterr().out.splitlines()[2].endswith("| invalid |")
    (tmp_path / "kv-exhaustion-memory-open").mkdir()
    (tmp_path / "kv-exhaustion-memory-open" / "run.json").write_text("{}")  # killed
    again = TableAttacks(put)
    monkeypatch.setattr(run_table, "Attacks", again)
    assert kv_table.main(words) == 0
    assert [one.scenario for one in again.asked] == ["kv-exhaustion-memory", "kv-exhaustion-memory-open"]
    put_by = {one.name for one in (tmp_path / ".work").iterdir()}
    assert put_by == {"kv-exhaustion-memory.1", "kv-exhaustion-memory-open.1"}


def settings(name: str) -> tuple[Scenario, Any]:
    scenario = load(name)
    return scenario, scenario.stack_settings()


def test_the_variants_differ_in_what_they_say_and_share_the_points() -> None:
    found = {name: settings(name) for name in kv_table.variants([])}
    assert len(found) == 11
    for scenario, _ in found.values():
        assert scenario.points == ("P1.1", "P1.2", "P1.3", "P1.4")
        assert scenario.kv == ("paid" if scenario.name.endswith("paid") else "free")
    told = {(s.edge.burst_strategy, s.edge.burst_on_failure, s.edge.isolates) for _, s in found.values()}
    assert told >= {("kv-every-request", mode, 1) for mode in ("throw", "fail-open", "fail-closed")}
    assert told >= {("memory-cache", "fail-open", isolates) for isolates in (1, 2, 4)}

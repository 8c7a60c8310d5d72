"""A valid run enters the history once; nothing that keeps it out changes the run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.compare_runs import SPEC, crowd, folder
from tests.support.synthetic_run import Samples, Spec, drop
from verdicts.__main__ import main
from verdicts.history import record
from verdicts.history.entry import HistoryRun, SeriesKey, attack_in_words
from verdicts.history.store import FILE, read
from verdicts.judge.judge import judge
from verdicts.points.registry import question
from verdicts.run.reading import load


def lost(samples: Samples) -> Samples:
    drop(samples, samples["index"] % 10 == 0)
    return samples


def run(tmp_path: Path, spec: Spec = SPEC, number: int = 1) -> Path:
    return folder(tmp_path, number, spec)


def test_a_run_enters_once_with_its_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = run(tmp_path, replace(SPEC, manifest={"commit": "1a2b3c4"}))
    words = [str(made), "--history", str(tmp_path / "history")]
    assert [main(words), main(words), main([str(made), "--quiet"])] == [0, 0, 0]
    [kept] = read(tmp_path / "history")
    assert (kept.run, kept.commit, kept.version, kept.verdict) == ("run-01", "1a2b3c4", "0.1.0", "pass")
    assert kept.started == 1764000100.0
    assert kept.key.scenario == "burst"
    assert kept.key.machine == "Example CPU, 2 cores, 24 GiB"
    assert kept.key.attack.startswith("12 s, 20 × 5 req/s (")
    told = json.loads((made / "verdicts.json").read_text())
    by_id = {one.id: one for one in kept.figures}
    assert list(by_id)[:7] == ["delay", "p50", "p95", "p99", "success", "served", "cpu"]
    assert 1000 * by_id["p95"].value == pytest.approx(told["response_ms"]["p95"], abs=0.001)
    assert 1000 * by_id["delay"].value == pytest.approx(told["arrivals"]["start_delay_ms"]["p99"], abs=0.001)
    assert by_id["served"].value == pytest.approx(told["arrivals"]["ok"] / 12)
    assert by_id["cpu"].value == pytest.approx(2.2, rel=0.05)  # 0.7 + 0.8 + 0.3 + 0.4 ms a call
    answers = {one["id"]: one["value"] for one in told["points"] if isinstance(one["value"], int | float)}
    assert {id: by_id[id].value for id in answers if id != "arrival"} == {
        id: value for id, value in answers.items() if id != "arrival"
    }
    assert "warning" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "spec",
    [
        replace(SPEC, change=lost),
        replace(SPEC, killed=True),
        replace(SPEC, stop_reason="stopped by Ctrl-C", stopped_at=6.0),
        replace(SPEC, stop_reason="stop_when of the target: half are 5xx", stopped_at=6.0),
    ],
)
def test_what_proves_nothing_of_a_whole_run_never_enters(tmp_path: Path, spec: Spec) -> None:
    code = main([str(run(tmp_path, spec)), "--quiet", "--history", str(tmp_path / "history")])
    assert read(tmp_path / "history") == []
    assert main([str(tmp_path / "run-01"), "--quiet"]) == code


@pytest.mark.parametrize(("bound", "code", "entered"), [("p95 <= 1 ms", 3, 0), ("p95 <= 9 s", 0, 1)])
def test_what_others_may_have_slowed_never_enters(
    tmp_path: Path, bound: str, code: int, entered: int
) -> None:
    made = crowd(
        run(tmp_path, replace(SPEC, scenario_data={"points": ["P1.7"], "thresholds": {"P1.7": bound}}))
    )
    assert main([str(made), "--quiet", "--history", str(tmp_path / "history")]) == code
    assert len(read(tmp_path / "history")) == entered


def test_a_target_that_shows_no_bound_has_a_history_all_the_same(tmp_path: Path) -> None:
    data = {"points": ["P1.6"], "thresholds": {"P1.6": "nano_memory <= 200 MB"}}
    made = run(tmp_path, replace(SPEC, bundled=False, probes=False, scenario_data=data))
    assert main([str(made), "--quiet", "--history", str(tmp_path / "history")]) == 3
    assert [one.verdict for one in read(tmp_path / "history")] == ["inconclusive"]


def test_a_run_that_failed_enters(tmp_path: Path) -> None:
    made = run(tmp_path, replace(SPEC, chances={"db_error": 0.2}))
    assert main([str(made), "--quiet", "--history", str(tmp_path / "history")]) == 1
    assert [one.verdict for one in read(tmp_path / "history")] == ["fail"]


@pytest.mark.parametrize("spec", [SPEC, replace(SPEC, chances={"db_error": 0.2})])
def test_a_history_that_is_broken_costs_a_line_and_no_verdict(
    tmp_path: Path, spec: Spec, capsys: pytest.CaptureFixture[str]
) -> None:
    history = tmp_path / "history"
    history.mkdir()
    (history / FILE).write_text("no database " * 100)
    made = run(tmp_path, spec)
    alone = main([str(made)])
    said = capsys.readouterr()
    assert main([str(made), "--history", str(history)]) == alone
    with_it = capsys.readouterr()
    assert with_it.out == said.out
    assert with_it.err.splitlines() == [
        *said.err.splitlines(),
        f"warning: this run is not in the history: {history / FILE}: file is not a database",
    ]


def test_a_fault_of_ours_costs_a_line_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(judged: Any) -> HistoryRun:
        raise KeyError("p50")

    monkeypatch.setattr(record, "entry", broken)
    warning = record.record(judge(load(run(tmp_path))), tmp_path / "history")
    assert warning == f"warning: this run is not in the history: {tmp_path / 'history'}: KeyError: 'p50'"


def test_series_are_told_apart_by_all_that_makes_another_attack(tmp_path: Path) -> None:
    about = load(run(tmp_path)).manifest
    key = SeriesKey.of(about.scenario, about.protections, about.target_name, about.machine)
    assert key == record.key_of(load(run(tmp_path / "again", number=2)))
    users = about.scenario["groups"][0]
    others = [
        {**about.scenario, "duration": 30.0},
        {**about.scenario, "seed": 9},
        {**about.scenario, "kv": "free"},
        {**about.scenario, "stack": {"nano": {"cpu_share": 0.2}}},
        {**about.scenario, "late_answers": "read"},
        {**about.scenario, "groups": [{**users, "protocol": "2026-07-28"}]},
        {**about.scenario, "groups": [{**users, "judge": False}]},
    ]
    digests = {attack_in_words(one) for one in (about.scenario, *others)}
    assert len(digests) == 8
    assert attack_in_words({**about.scenario, "title": {"en": "Renamed"}}) == key.attack


def test_a_point_is_called_by_its_question() -> None:
    assert question("P1.8", "en") == "What is the error rate?"
    assert question("P1.6.cpu", "en") == question("P1.6", "en") != ""
    assert question("p95", "en") == question("X9", "en") == ""

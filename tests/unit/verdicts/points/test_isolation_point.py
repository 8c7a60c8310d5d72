"""I1: foreign answers are counted, none is bounded by three over the answers that were looked at."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from scenarios import load as scenarios
from scenarios.overrides import Overrides
from tests.support.synthetic_run import Samples, Spec, fail, write
from verdicts.judge.judge import judge
from verdicts.points.point import Finding
from verdicts.points.registry import POINTS
from verdicts.run.reading import Run, load

TOOL = {"module": "fast", "tool": "echo", "params": {"nonce": "{nonce}"}, "expect": {"contains": "{nonce}"}}


def marked(**changes: Any) -> Spec:
    """A run whose only tool carries a nonce."""
    (group,) = scenarios.load("burst", Overrides(accounts=20)).dump()["groups"]
    return replace(Spec(chances={}, scenario_data={"groups": [{**group, "tools": [TOOL]}]}), **changes)


def made(folder: Path, spec: Spec, lines: list[dict[str, Any]] | None = None) -> Run:
    write(folder / "run", spec)
    text = "".join(json.dumps(line) + "\n" for line in lines or [])
    (folder / "run" / "foreign-local.jsonl").write_text(text)
    return load(folder / "run")


def found(run: Run) -> Finding:
    finding = POINTS["I1"].find(run)
    assert isinstance(finding, Finding)
    return finding


def test_none_is_bounded_by_three_over_the_answers(tmp_path: Path) -> None:
    one = found(made(tmp_path, marked()))
    checked = one.figures["checked"]
    assert (one.value, one.figures["foreign"]) == (0, 0)
    assert checked > 1000
    assert f"at most {3e6 / checked:,.0f} in a million" in one.evidence


def test_what_the_samples_count_is_the_figure_whatever_was_told_one_by_one(tmp_path: Path) -> None:
    def hand_over(samples: Samples) -> Samples:
        fail(samples, samples["index"] % 100 == 7, "foreign_answer")
        fail(samples, samples["index"] == 5, "wrong_answer")
        samples["status"][samples["index"] % 100 == 7] = 200
        return samples

    line = {"t": 1.5, "account": 7, "arrival": 7, "by": "nonce", "of_account": 3, "of_arrival": 3}
    extra = {"t": 1.2, "account": 1, "arrival": -1, "by": "session", "of_account": -1, "of_arrival": -1}
    run = made(tmp_path, marked(change=hand_over), [line, extra])
    one = found(run)
    assert one.value == len(range(7, len(run.samples), 100))
    assert one.figures["wrong"] == 1
    first, second = one.rows
    ids = [account.id for account in run.manifest.accounts]
    assert (second["caller"], second["belongs to"], second["shown by"]) == (ids[7], ids[3], "nonce")
    sent = dict(zip(run.samples["index"].whole().tolist(), run.samples["sent"].whole().tolist(), strict=True))
    assert (second["sent at, s"], second["its call sent at, s"]) == (round(sent[7], 3), round(sent[3], 3))
    assert (first["belongs to"], first["sent at, s"]) == ("not known", None)


def test_late_answers_count_with_the_others(tmp_path: Path) -> None:
    before = found(made(tmp_path / "before", marked()))
    write(tmp_path / "run", marked())
    ledger = tmp_path / "run" / "ledger-local.jsonl"
    *lines, last = ledger.read_text().splitlines()
    late = {"read": 9, "checked": 8, "foreign": 2, "wrong": 1, "lost": 3, "unasked": 1}
    ledger.write_text("\n".join([*lines, json.dumps({**json.loads(last), "late_answers": late})]) + "\n")
    one = found(load(tmp_path / "run"))
    assert one.value == 3
    assert (one.figures["checked"], one.figures["wrong"]) == (before.figures["checked"] + 8, 1)
    assert "8 of them came to calls that had timed out, 2 of these another's; 1 more came" in one.evidence
    assert "timed out" not in before.evidence


def test_a_run_without_marks_says_so_and_is_not_judged_by_it(tmp_path: Path) -> None:
    run = made(tmp_path, Spec(chances={}))
    assert not found(run).seen
    assert "I1" not in {point.id for point in judge(run).points}


@pytest.mark.parametrize(("foreign", "status"), [(0, "pass"), (1, "fail")])
def test_every_run_with_marks_is_held_to_none(tmp_path: Path, foreign: int, status: str) -> None:
    def hand_over(samples: Samples) -> Samples:
        fail(samples, samples["index"] < foreign, "foreign_answer")
        return samples

    points = {point.id: point for point in judge(made(tmp_path, marked(change=hand_over))).points}
    assert (points["I1"].status, points["I1"].threshold) == (status, "foreign == 0")

"""Comparison and regression mode with real runs of a second each; no assertion is about times."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from common.paths import ROOT
from scenarios.load import load
from tests.support import kept_stack, warm_runs
from tests.support.recorder.attack import as_a_user
from verdicts.history import store

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
SIDES: Final = {"a": "none", "b": "burst-limit"}
LOAD: Final = ("burst", "--accounts=1", "--rate=50", "--duration=1s")  # ten times the burst limit


def ended(command: str, words: Sequence[str]) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([ROOT / "bin" / command, *words], capture_output=True, text=True, check=False)
    print(done.stdout, done.stderr)
    return done


def attacked(words: Sequence[str], run: Path) -> tuple[int, str]:
    """One more attack, into that folder: its exit code, and what it said."""
    environment = {**as_a_user(), **kept_stack.environment(load("burst"))}
    process = warm_runs.start([*LOAD, *words, f"--out={run}"], ROOT, environment, run.with_suffix(".console"))
    return warm_runs.ended(process, 120), run.with_suffix(".console").read_text()


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("compare") / "burst"
    done = ended("compare", [*LOAD, "--a=none", "--b=burst-limit", f"--out={out}"])
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == f"  report: {out / 'compare.html'}"
    return out


def figures(folder: Path) -> dict[str, Any]:
    return {one["id"]: one for one in json.loads((folder / "compare.json").read_text())["figures"]}


def test_what_a_protection_costs_and_saves_is_told(compared: Path) -> None:
    found = figures(compared)
    assert [found[id]["call"] for id in ("success", "refused")] == ["worse", "worse"]
    assert found["load"]["call"] != "worse"
    assert found["errors"]["call"] == "not told apart"
    assert found["success"]["a"] == [100.0] * 4
    assert found["p95"]["why"].endswith("successful calls, 100 are needed")


def test_one_stack_served_all_runs_in_turns(compared: Path) -> None:
    manifests = [json.loads(file.read_text()) for file in compared.glob("[ab]/*/run.json")]
    in_turn = sorted(manifests, key=lambda one: one["start_wall"])
    assert [one["run"] for one in in_turn[:4]] == ["burst-a1", "burst-b1", "burst-a2", "burst-b2"]
    assert len({one["stack"]["processes"]["stack"] for one in manifests}) == 1
    assert len({one["seed"] for one in manifests}) == 1


def test_a_run_is_held_against_the_runs_of_a_side(compared: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    code, said = attacked(["--protect=burst-limit", f"--baseline={compared / 'a'}"], run)
    assert code == 1, said
    found = json.loads((run / "verdicts.json").read_text())
    status = {one["id"]: one["status"] for one in found["points"] if one["id"].startswith("baseline.")}
    expected = {"success": "fail", "refused": "fail", "errors": "pass", "load": "pass", "p95": "info"}
    assert {id: status[f"baseline.{id}"] for id in expected} == expected
    again = [str(ROOT / ".venv/bin/python"), "-m", "verdicts", str(run)]
    assert subprocess.run(again, cwd=ROOT, check=False).returncode == 1


def test_each_of_them_is_in_the_history_and_one_more_is_held_against_it(
    compared: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    _, said = attacked(["--protect=none", "--baseline=history"], run)
    assert "warning" not in said
    found = json.loads((run / "verdicts.json").read_text())
    told = {one["id"]: one for one in found["points"] if one["id"].startswith("baseline")}
    assert (told["baseline"]["value"], told["baseline.success"]["status"]) == (4, "pass")
    assert ended("resilience", ["history", "burst"]).returncode == 0
    kept = store.read(store.place(), "burst")
    sides = {one.run: one.key.protections for one in kept if one.run.startswith("burst-")}
    assert sides == {f"burst-{side}{n}": what for n in range(1, 5) for side, what in SIDES.items()}
    mine = kept[-1]
    assert (mine.run, mine.key.protections) == ("run", "none")
    assert mine.commit == json.loads((run / "run.json").read_text())["commit"]

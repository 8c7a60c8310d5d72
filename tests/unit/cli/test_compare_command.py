"""`bin/compare`: turns, repeats of runs that do not count, stored runs, bad input; its files."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cli import compare as command
from run.request import CheckedRun
from tests.support.compare_runs import SPEC, START, folder, folders, noisy
from tests.support.synthetic_run import Samples, Spec, drop, write
from verdicts.__main__ import main as derive_again
from verdicts.output import compare_files

Make = Callable[[int, Path, str], int]


def dropped(samples: Samples) -> Samples:
    drop(samples, np.arange(len(samples)) % 2 == 0)
    return samples


class FakeAttacks:
    """In the place of `Attacks`: each run is what `make(number, out, protect)` leaves there."""

    def __init__(self, make: Make) -> None:
        self.made: list[tuple[str, str]] = []
        self.stopped = False
        self._make = make

    def __call__(self, folder: Path, say: Callable[[str], None]) -> FakeAttacks:
        return self

    def __enter__(self) -> FakeAttacks:
        return self

    def __exit__(self, *_: object) -> None: ...

    def run(self, run: CheckedRun) -> int:
        given = dict(word.removeprefix("--").split("=", 1) for word in run.request.words()[1:])
        self.made.append((given["protect"], Path(given["out"]).name))
        code = self._make(len(self.made), Path(given["out"]), given["protect"])
        self.stopped = code == 130
        return min(code, 3)


def made(number: int, out: Path, protect: str, spec: Spec = SPEC) -> int:
    refused = {"burst_exceeded": 0.2} if protect == "burst-limit" else {}
    manifest = {
        "start_wall": START + 100 * number,
        "protections": [one for one in [protect] if one != "none"],
    }
    write(out, replace(spec, chances=refused, change=spec.change or noisy(number), manifest=manifest))
    return 0


@pytest.fixture
def turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    def run(make: Make, *words: str) -> tuple[int, FakeAttacks, Path]:
        attacks = FakeAttacks(make)
        monkeypatch.setattr(command, "Attacks", attacks)
        out = tmp_path / "out"
        return command.main([*LIVE, *words, f"--out={out}"]), attacks, out

    return run


LIVE = ["burst", "--a=none", "--b=burst-limit"]


def test_runs_are_made_in_turns_and_compared(turns: Any, capsys: pytest.CaptureFixture[str]) -> None:
    code, attacks, out = turns(made, "--runs=5")
    assert code == 0
    assert [protect for protect, _ in attacks.made] == ["none", "burst-limit"] * 5
    assert [name for _, name in attacks.made[:3]] == ["out-a1", "out-b1", "out-a2"]
    found = json.loads((out / "compare.json").read_text())
    calls = {figure["id"]: figure["call"] for figure in found["figures"]}
    assert (found["schema_version"], found["verdict"], found["interleaved"]) == (1, "compared", True)
    assert (calls["success"], calls["refused"], calls["load"]) == ("worse", "worse", "better")
    assert found["a"]["runs"] == [f"a/out-a{n}" for n in range(1, 6)]
    assert found["command"] == "make compare SCENARIO=burst A=none B=burst-limit RUNS=5"
    success = next(figure for figure in found["figures"] if figure["id"] == "success")
    assert success["a"] == [100.0] * 5
    assert success["interval"][0] <= success["difference"] <= success["interval"][1] < 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == f"  report: {out / 'compare.html'}"
    assert any(line.split()[:4] == ["success", "rate", "of", "all"] and " worse " in line for line in lines)


def test_an_invalid_run_is_made_again_in_its_turn(turns: Any) -> None:
    def make(number: int, out: Path, protect: str) -> int:
        spec = replace(SPEC, change=dropped) if number == 3 else SPEC
        return 3 * (number == 3) + made(number, out, protect, spec)

    code, attacks, out = turns(make)
    assert code == 0
    assert [name for _, name in attacks.made[1:5]] == ["out-b1", "out-a2", "out-a2", "out-b2"]
    found = json.loads((out / "compare.json").read_text())
    [again] = found["repeated"]
    assert again["run"] == "invalid/out-a2-1"
    assert again["why"].startswith("600 of 1,200 planned arrivals dropped")
    assert (out / "invalid" / "out-a2-1" / "run.json").exists()
    assert "invalid/out-a2-1" in (out / "compare.html").read_text()


def test_a_run_that_stays_invalid_makes_the_comparison_invalid(
    turns: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    def make(number: int, out: Path, protect: str) -> int:
        return made(number, out, protect, replace(SPEC, change=dropped if number >= 4 else None))

    code, attacks, out = turns(make)
    assert code == 3
    assert len(attacks.made) == 3 + 3
    found = json.loads((out / "compare.json").read_text())
    assert found["verdict"] == "invalid"
    assert found["sentence"].startswith("[4/8] B, burst-limit: no run of 3 counts, the last: 600 of 1,200")
    assert len(found["repeated"]) == 3
    assert not (out / "compare.html").exists()
    assert derive_again([str(out)]) == 3
    assert "INVALID: [4/8] B, burst-limit" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        (None, "the run ended with exit code 3 and left no samples"),
        (replace(SPEC, stop_reason="5xx", stopped_at=5.0), "it ended at 5.0 s of 12 s"),
    ],
)
def test_no_run_and_half_a_run_do_not_count(turns: Any, spec: Spec | None, why: str) -> None:
    def make(number: int, out: Path, protect: str) -> int:
        return 3 if spec is None else made(number, out, protect, spec)

    code, _, out = turns(make)
    assert code == 3
    assert json.loads((out / "compare.json").read_text())["repeated"][0]["why"] == why


def test_ctrl_c_ends_it_and_says_where(turns: Any) -> None:
    code, attacks, out = turns(
        lambda number, out, protect: 130 if number == 3 else made(number, out, protect)
    )
    assert (code, len(attacks.made)) == (3, 3)
    assert json.loads((out / "compare.json").read_text())["sentence"] == "stopped in [3/8] A, none"


def test_its_report_is_made_anew_from_the_runs(turns: Any, capsys: pytest.CaptureFixture[str]) -> None:
    _, _, out = turns(made)
    before = json.loads((out / "compare.json").read_text())
    (out / "compare.html").unlink()
    assert derive_again([str(out)]) == 0
    after = json.loads((out / "compare.json").read_text())
    assert {**after, "written": ""} == {**before, "written": ""}
    assert (out / "compare.html").exists()
    (out / "compare.json").write_text('{"schema_version": 9}')
    assert derive_again([str(out)]) == 2
    assert capsys.readouterr().err == f"{out / 'compare.json'}: schema_version: 9, allowed: 1\n"


def test_stored_runs_by_folder_and_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders(tmp_path / "a", range(4))
    named = folders(tmp_path / "b", range(4, 8), slower=2.0)
    sides = [f"--run-a={tmp_path / 'a'}", f"--run-b={','.join(map(str, named))}"]
    assert command.main([*sides, f"--out={tmp_path / 'out'}"]) == 0
    found = json.loads((tmp_path / "out" / "compare.json").read_text())
    assert (found["verdict"], found["interleaved"]) == ("compared", False)
    assert found["b"]["runs"] == [f"../b/run-{n:02d}" for n in range(4, 8)]
    assert {one["id"] for one in found["figures"] if one["call"] == "worse"} >= {"p50", "p95", "p99"}
    assert "COMPARED: Against A (" in capsys.readouterr().out


def test_two_single_runs_are_shown_without_a_call(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, other = folder(tmp_path, 0), folder(tmp_path, 1)
    words = [f"--run-a={one}", f"--run-b={other}", f"--out={tmp_path / 'out'}"]
    assert command.main(words) == 0
    assert json.loads((tmp_path / "out" / "compare.json").read_text())["verdict"] == "no call"
    assert capsys.readouterr().out.startswith("NO CALL: B (")


BOTH = "command line: allowed: a scenario with --a and --b, or --run-a with --run-b"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], BOTH),
        (["burst", "--a=none"], BOTH),
        (["burst", "--run-a={run}", "--run-b={run}"], BOTH),
        (["--run-a={run}"], BOTH),
        ([*LIVE, "--runs=3"], "--runs: '3', allowed: 4 to 50 a side; fewer give no interval"),
        ([*LIVE, "--runs=four"], "--runs: 'four', allowed"),
        (["burst", "--a=none", "--b=brust-limit"], "unknown protection 'brust-limit'"),
        (["brust", "--a=none", "--b=today"], "'brust' is not there"),
        ([*LIVE, "--duration=ever"], "duration"),
        ([*LIVE, "--nonsense"], "--nonsense"),
        ([*LIVE, "--target={target}"], "cannot be switched from here, allowed: stored runs"),
        (["--run-a={run}", "--run-b=/nowhere"], "/nowhere: not a folder, allowed: the folder of a run"),
        (["--run-a={run}", "--run-b={empty}"], "holds no run, allowed: the folder of a run"),
        (["--run-a={run}", "--run-b={run}"], "is named twice, allowed: each run once"),
        (["--run-a={run}", "--run-b= , "], "names no run, allowed"),
        (["--run-a={run}", "--run-b={other}"], "seed: 2, not 1, allowed: the same"),
    ],
)
def test_bad_input_is_one_line(
    words: list[str],
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(command, "Attacks", FakeAttacks(made))  # what is not refused sends nothing
    places = {"run": folder(tmp_path, 0), "other": folder(tmp_path, 1, replace(SPEC, seed=2))}
    places |= {"empty": tmp_path / "empty", "target": tmp_path / "mine.yaml"}
    places["empty"].mkdir()
    places["target"].write_text("name: mine\nbase_url: http://127.0.0.1:9\n")
    filled = [word.format(**places) for word in words]
    assert command.main([*filled, f"--out={tmp_path / 'out'}"]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_failure_of_our_own_is_exit_code_3(
    turns: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(compare_files, "write", lambda *_: 1 / 0)
    assert turns(made)[0] == 3
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_a_place_that_is_taken_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "something").touch()
    assert command.main([*LIVE, f"--out={tmp_path}"]) == 2
    assert "is there already, allowed: a new folder" in capsys.readouterr().err

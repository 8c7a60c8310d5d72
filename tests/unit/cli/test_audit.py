"""`bin/resilience audit` on files that the tools wrote: what it says, and how it ends."""

import json
from pathlib import Path
from typing import Any

import pytest

from cli.audit import main
from common.paths import ROOT

AUDIT = ROOT / "tests" / "unit" / "verdicts" / "audit"
MADE = AUDIT / "made_by_tools"
FORMATS = AUDIT / "by_the_format"
COUNTS = json.loads((MADE / "counts.json").read_text())


def run(file: Path, words: str, capsys: Any, *more: str) -> tuple[int, str]:
    code = main([str(file), *words.split(), *more])
    return code, capsys.readouterr().out


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (MADE / "vegeta-clean.json", f"--rate 100 --duration 2s --target-count {COUNTS['vegeta-clean']}"),
        (MADE / "vegeta-clean.results.json", "--rate 100 --duration 2s"),
        (FORMATS / "oha-clean.json", "--rate 200 --duration 3s --target-count 600"),
        (MADE / "locust-clean_stats.csv", f"--planned 300 --target-count {COUNTS['locust-clean']}"),
        (FORMATS / "k6-export-clean.json", "--rate 100 --duration 30s --target-count 3000"),
        (FORMATS / "k6-handle-clean.json", "--rate 100 --duration 30s"),
    ],
)
def test_clean_runs_are_valid(file: Path, words: str, capsys: Any) -> None:
    code, said = run(file, words, capsys)
    assert (code, said.split(":")[0]) == (0, "VALID")


@pytest.mark.parametrize(
    ("file", "words", "reason"),
    [
        (
            MADE / "locust-0-of-40_stats.csv",
            f"--target-count {COUNTS['locust-0-of-40']}",
            "the file 0: 40 requests",
        ),
        (MADE / "locust-33-of-500_stats.csv", "--rate 500 --duration 11s", "each user waits for its answer"),
        (MADE / "vegeta-closed.json", "--rate 500 --duration 2s", "-max-workers"),
        (MADE / "vegeta-closed.results.json", "--rate 500 --duration 2s", "over 50 ms late"),
        (FORMATS / "oha-closed.json", "--rate 500 --duration 3s", "connections (-c)"),
        (FORMATS / "k6-handle-33-of-500.json", "", "the tool itself dropped 14,010 of 15,000"),
    ],
)
def test_attacks_that_did_not_arrive_are_invalid(file: Path, words: str, reason: str, capsys: Any) -> None:
    code, said = run(file, words, capsys)
    assert (code, said.split(":")[0]) == (3, "INVALID")
    assert reason in said


def test_without_a_plan_nothing_is_said_of_it(capsys: Any) -> None:
    code, said = run(MADE / "vegeta-clean.json", "", capsys)
    assert (code, said.split(":")[0]) == (3, "INCONCLUSIVE")


def test_json_has_the_same(capsys: Any) -> None:
    code, said = run(MADE / "vegeta-clean.results.json", "--rate 100 --duration 2s", capsys, "--json")
    [found] = json.loads(said)
    assert (code, found["verdict"], found["planned"], found["sent"], found["lateness"]["late"]) == (
        0,
        "valid",
        200,
        200,
        0,
    )


def test_the_worst_of_several_files_counts(capsys: Any) -> None:
    both = [str(MADE / "vegeta-clean.json"), str(MADE / "vegeta-closed.json")]
    assert main([*both, "--rate", "100", "--duration", "2s"]) == 3


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("", "the following arguments are required: FILE"),
        ("x --rate 0", "command line: --rate: '0', allowed: a number over 0"),
        ("x --rate nan", "--rate: 'nan', allowed: a number over 0"),
        ("x --planned -3", "--planned: '-3', allowed: a whole number"),
        ("x --planned 3.5", "--planned: '3.5', allowed: a whole number"),
        ("x --duration soon", "--duration: 'soon', allowed: a duration like"),
        ("x --duration 0", "--duration: '0', allowed: longer than 0 s"),
        ("x --target-count ²", "--target-count: '²', allowed: a whole number"),
        ("x y --target-count 3", "--target-count: 2 files, allowed: one FILE"),
        ("x --planned 3 --rate 1 --duration 3s", "allowed: one of the two"),
        ("/nowhere", "/nowhere: cannot be read: No such file"),
    ],
)
def test_bad_usage_is_one_line_and_2(words: str, told: str, capsys: Any) -> None:
    assert main(words.split()) == 2
    said = capsys.readouterr().err
    assert told in said
    assert said.count("\n") == 1

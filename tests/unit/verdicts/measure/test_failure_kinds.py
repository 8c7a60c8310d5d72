"""What failed, by kind; and calls that our own limits forbade."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from telemetry.recording.sample import OWN_LIMITS
from tests.support.synthetic_run import Samples, Spec, drop, fail, write
from verdicts.judge.judge import judge
from verdicts.measure.arrivals import own_limits
from verdicts.measure.calls import failure_kinds
from verdicts.measure.calls.failure_kinds import FailureKind
from verdicts.output import terminal
from verdicts.run.reading import Event, load


def failing(samples: Samples) -> Samples:
    index = samples["index"]
    fail(samples, (index >= 0) & (index < 30), "db_error")
    fail(samples, (index >= 30) & (index < 40), "timeout")
    return samples


def written(folder: Path, *lines: dict[str, Any]) -> Path:
    write(folder, Spec(chances={}, change=failing))
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (folder / "errors-local.jsonl").write_text(text)
    return folder


def line(message: str, count: int, t: float = 0.1) -> dict[str, Any]:
    kind = message.replace("42", "#").replace("43", "#")
    return {"t": t, "reason": "db_error", "status": 500, "message": message, "kind": kind, "count": count}


def test_kinds_have_counts_a_first_time_and_an_example(tmp_path: Path) -> None:
    run = load(written(tmp_path / "run", line("row 42", 1), line("full", 10, 0.2), line("row 42", 20)))
    row, full, silent = sorted(failure_kinds.of(run), key=lambda kind: (-kind.calls, -kind.status))
    assert row == FailureKind(500, "db_error", "row 42", 20, 0.1)
    assert full == FailureKind(500, "db_error", "full", 10, 0.2)
    assert (silent.status, silent.reason, silent.text, silent.calls) == (0, "timeout", "", 10)


def test_calls_beyond_the_record_stand_without_text(tmp_path: Path) -> None:
    run = load(written(tmp_path / "run", line("full", 10)))
    assert [(kind.text, kind.calls) for kind in failure_kinds.of(run)][:2] == [("", 20), ("full", 10)]


def test_several_workers_kinds_are_one(tmp_path: Path) -> None:
    folder = written(tmp_path / "run", line("row 42", 10), line("row 43", 20, 0.3))
    assert failure_kinds.of(load(folder))[0] == FailureKind(500, "db_error", "row 42", 30, 0.1)


def test_a_full_disk_is_a_limit_of_our_own(tmp_path: Path) -> None:
    run = load(write(tmp_path / "run", Spec()))
    full = replace(run, events=(*run.events, Event(2.0, "run", "disk-full")))
    assert own_limits.of(full) == {"ENOSPC": 1}
    assert "ENOSPC, 1 times" in judge(full).validity.reasons[0]


def test_what_failed_is_shown_at_the_terminal(tmp_path: Path) -> None:
    run = load(written(tmp_path / "run", line("row 42", 30)))
    lines = list(terminal.plain(judge(run), tmp_path))
    assert "  failed: 30 × db_error, status 500, first at 0.1 s: row 42" in lines
    assert any(text.startswith("  failed: 10 × timeout, no answer, first at ") for text in lines)


def test_a_limit_of_our_own_makes_the_run_invalid(tmp_path: Path) -> None:
    def few_files(samples: Samples) -> Samples:
        drop(samples, samples["index"] == 7, "EMFILE")
        return samples

    run = load(write(tmp_path / "run", Spec(change=few_files)))
    assert own_limits.of(run) == {"EMFILE": 1}
    found = judge(run)
    assert found.verdict == "invalid"
    assert "EMFILE, 1 times" in found.validity.reasons[0]


def test_each_limit_of_our_own_has_a_meaning() -> None:
    assert own_limits.MEANING.keys() == {*OWN_LIMITS, "ENOSPC"}


def test_a_process_of_ours_that_ended_for_want_of_files_makes_the_run_invalid(tmp_path: Path) -> None:
    folder = write(tmp_path / "run", Spec())
    how = "ended with exit code 1: workerd: overloaded: accept(): Too many open files (os error 24)"
    event = {"t": 3.2, "kind": "state", "name": "edge", "detail": {"up": False, "how": how}}
    with (folder / "events.jsonl").open("a") as file:
        file.write(json.dumps(event) + "\n")
    found = judge(load(folder))
    assert found.verdict == "invalid"
    assert (
        "edge of the bundled stack ended at 3.2 s, as it may open no more files" in found.validity.reasons[0]
    )

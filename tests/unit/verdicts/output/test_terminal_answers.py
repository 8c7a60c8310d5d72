"""What the terminal says of a point without a value: why, and that once."""

from __future__ import annotations

from pathlib import Path

from tests.support.p0_runs import asked, judged
from verdicts.output import terminal


def test_that_nothing_was_observed_is_said_once(tmp_path: Path) -> None:
    lines = list(terminal.plain(judged(tmp_path, asked({"P0.2": ""})), tmp_path))
    said = [line for line in lines if "not observed" in line.casefold()]
    assert said
    assert all(line.casefold().count("not observed") == 1 for line in said)

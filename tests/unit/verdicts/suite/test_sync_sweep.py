"""Several failover runs in one table: order, where the error begins to fall, folders that do not fit."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.synthetic_run import Change, Samples, fail
from tests.unit.verdicts.points.test_verdict_failover import SPLIT, run_of, shared
from verdicts.suite.sync_sweep import SweepRow, begins_to_fall, main, sentence


def refusing(share: int) -> Change:
    """Both origins admit, but the last `share` of each window's 12 calls are refused."""

    def change(samples: Samples) -> Samples:
        window = (samples["planned"] // 6).astype(int)
        place = samples["index"] - 12 * window
        fail(samples, place >= 12 - share, "rate_limit_exceeded")
        return shared(samples)

    return change


def row(interval: float, mean: float) -> SweepRow:
    return SweepRow(interval, 60.0, 8, mean, mean, mean, 10.0, True)


@pytest.mark.parametrize(
    ("means", "expected"), [((1.0, 0.95, 0.5), 10.0), ((1.0, 0.9, 0.1), 60.0), ((1.0, 1.0, 1.0), None)]
)
def test_the_error_begins_to_fall_at_the_longest_interval_that_helps(
    means: tuple[float, float, float], expected: float | None
) -> None:
    rows = [row(interval, mean) for interval, mean in zip((600.0, 60.0, 10.0), means, strict=True)]
    assert begins_to_fall(rows) == expected
    assert (f"fall at {expected:g} s" if expected else "no interval") in sentence(rows)


def test_an_invalid_run_proves_nothing() -> None:
    rows = [row(600.0, 1.0), row(60.0, 0.5)._replace(valid=False), row(10.0, 0.5)]
    assert begins_to_fall(rows) == 10.0
    shorter = [row(600.0, 0.5)._replace(valid=False), *rows[1:]]
    assert begins_to_fall(shorter) is None
    assert sentence(shorter).startswith("At a sync every 10 s the mean error is 50.0 %; no interval")
    assert sentence(rows[1:2]) == "No run of these counts, so nothing is said of the error."


def test_runs_are_joined_by_interval_into_a_table_and_a_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    short = run_of(tmp_path / "short", refusing(3), SPLIT, rate_sync=1.0).folder
    long = run_of(tmp_path / "long", shared, SPLIT, rate_sync=60.0).folder
    out = tmp_path / "sweep.html"
    assert main([str(short), str(long), "--out", str(out)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:4] for line in lines[1:3]] == [
        ["600", "60", "8", "100.0"],
        ["10", "60", "8", "50.0"],
    ]
    assert lines[3].endswith("it begins to fall at 10 s (window 60 s).")
    page = out.read_text()
    assert "<td>600</td>" in page
    assert "http" not in page.split("<script")[0]


def test_a_run_without_a_split_is_one_line_and_exit_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = run_of(tmp_path).folder
    assert main([str(folder), "--out", str(tmp_path / "x.html")]) == 2
    assert main([str(tmp_path / "none"), "--out", str(tmp_path / "x.html")]) == 2
    error = capsys.readouterr().err.splitlines()
    assert len(error) == 2
    assert "no window was split throughout" in error[0]
    assert not (tmp_path / "x.html").exists()


def test_a_page_that_cannot_be_written_is_one_line_and_exit_3(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = run_of(tmp_path, shared, SPLIT, rate_sync=60.0).folder
    assert main([str(folder), "--out", str(tmp_path / "none" / "x.html")]) == 3
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("a limit of this machine: ENOENT, ")


def test_where_no_run_counts_there_is_the_table_and_exit_3(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = run_of(tmp_path, shared, SPLIT, rate_sync=60.0).folder
    (folder / "end.json").unlink()  # it was killed
    out = tmp_path / "x.html"
    assert main([str(folder), "--out", str(out)]) == 3
    assert "INVALID" in capsys.readouterr().out
    assert "No run of these counts" in out.read_text()

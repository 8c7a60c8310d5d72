"""What `make calibrate` writes and prints, from figures that are given."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli import calibrate
from common import exit_codes
from fakes.calibration.measure import MemoryStep, NanoFigures
from fakes.settings import NanoSettings
from fakes.stack.handle import StackError
from scenarios import calibration

STEPS = [MemoryStep(n, 15 + 4 * n, 8e6 + 14_000 * n, 1e6 + 4_000 * n) for n in (0, 300, 600, 900)]
FIGURES = NanoFigures(STEPS, {"fast tool": 0.0005, "fast tool, full nano": 0.0003}, 0.25)


def test_the_file_says_what_was_measured_and_where(tmp_path: Path) -> None:
    found = calibrate.described(FIGURES)
    nano = NanoSettings.model_validate(found["nano"])
    assert nano.restart == 10.25
    assert "cores" in nano.measured_on
    assert found["cpu_ms"] == {"fast tool": 0.5, "fast tool, full nano": 0.3}
    assert found["steps"][1] == {"calls": 300, "goroutines": 1215, "memory": 12_200_000, "stacks": 2_200_000}
    calibration.write(found, tmp_path / "nano.yaml")
    assert calibration.nano(tmp_path / "nano.yaml") == found["nano"]


def test_the_plans_figures_stand_beside(tmp_path: Path) -> None:
    lines = calibrate.told(calibrate.described(FIGURES), tmp_path).splitlines()
    assert [line.split() for line in lines if "goroutines_per_call" in line] == [
        ["goroutines_per_call", "2", "4"]
    ]


def test_a_stack_that_does_not_start_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def refuse(_: Path) -> None:
        raise StackError("NANO: no cgroup may be made here")

    monkeypatch.setattr(calibrate, "running", refuse)
    assert calibrate.main(["--out", str(tmp_path / "nano.yaml")]) == exit_codes.OURS
    assert capsys.readouterr().err == "calibrate: NANO: no cgroup may be made here\n"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("out", "says"),
    [(".", "Is a directory"), ("file/below/nano.yaml", "Not a directory"), ("a" * 300, "File name too long")],
)
def test_a_file_that_cannot_be_written_is_told_before_anything_is_measured(
    out: str, says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(calibrate, "running", None)
    assert calibrate.main(["--out", str(tmp_path / out)]) == exit_codes.USAGE
    said = capsys.readouterr().err
    assert f" cannot be written: {says}, allowed: " in said
    assert said.count("\n") == 1


def test_bad_usage_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert calibrate.main(["--outt=x"]) == 2
    said = capsys.readouterr().err
    assert "did you mean --out?" in said
    assert len(said.splitlines()) == 1

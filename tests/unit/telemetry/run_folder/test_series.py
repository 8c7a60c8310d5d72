"""`series.json`: what is under way, what comes next, how long it still takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from telemetry.run_folder import series
from telemetry.run_folder.reading import RunFolderError
from telemetry.run_folder.series import Series, SeriesStep, SeriesWriter, about


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def writer(tmp_path: Path, clock: Clock) -> SeriesWriter:
    steps = tuple(
        SeriesStep(name=name, folder=name, expected_s=took) for name, took in (("a", 20), ("b", 40))
    )
    made = Series(command="suite", title="phase1", page="suite.html", started=1000.0, steps=steps)
    return SeriesWriter(tmp_path, made, clock)


def test_what_is_left_is_what_each_run_is_expected_to_take(writer: SeriesWriter, clock: Clock) -> None:
    assert writer.series.left(1000.0) == 60.0
    assert writer.begins(0) == "[1/2] a"
    assert writer.series.left(1015.0) == 45.0
    assert writer.series.left(1050.0) == 40.0, "a run that takes longer takes nothing from the next"
    clock.now = 1050.0
    assert writer.ended(0, 1) == "[1/2] a: exit code 1, 50 s, about 40 s left"
    writer.begins(1)
    clock.now = 1090.0
    assert writer.ended(1, 0) == "[2/2] b: exit code 0, 40 s"
    assert writer.series.left(1090.0) == 0.0


def test_a_budget_says_how_long_it_takes_at_most(writer: SeriesWriter) -> None:
    rows = Series(
        command="breakpoint", title="slow-api", page="breakpoint.html", started=1000.0, most_s=900.0,
        steps=(SeriesStep(name="none"),),
    )  # fmt: skip
    assert [rows.left(at) for at in (1000.0, 1300.0, 3000.0)] == [900.0, 600.0, 0.0]
    assert [rows.share(at) for at in (1000.0, 1450.0, 3000.0)] == [0.0, 0.5, 1.0]


def test_the_share_goes_from_nothing_to_all(writer: SeriesWriter, clock: Clock) -> None:
    writer.begins(0)
    assert [writer.series.share(at) for at in (1000.0, 1015.0)] == [0.0, 0.25]
    assert Series(command="plan", title="", page="", started=0.0, steps=()).share(1.0) == 0.0


def test_the_file_says_what_is_under_way_and_what_waits(writer: SeriesWriter, tmp_path: Path) -> None:
    assert series.read(tmp_path) is None
    writer.begins(0)
    told = series.read(tmp_path)
    assert told is not None
    assert (told.current, [step.name for step in told.waiting]) == (0, ["b"])
    writer.ended(0, 3, "a-again")
    writer.over(3)
    told = series.read(tmp_path)
    assert told is not None
    assert (told.current, told.exit_code, told.steps[0].folder) == (None, 3, "a-again")


def test_a_run_knows_the_whole_that_it_is_part_of(writer: SeriesWriter, tmp_path: Path) -> None:
    writer.begins(0)
    for run, way in ((tmp_path / "01-a", ".."), (tmp_path / "a" / "a1", "../..")):
        run.mkdir(parents=True)
        assert series.whole_of(run) == (f"{way}/suite.html", writer.series)
    (tmp_path / series.FILE).write_text("[]")
    assert series.whole_of(tmp_path / "01-a") is None


def test_a_torn_file_is_none_and_one_of_another_shape_is_refused(tmp_path: Path) -> None:
    (tmp_path / series.FILE).write_text('{"command":')
    assert series.read(tmp_path) is None
    (tmp_path / series.FILE).write_text('{"command": 1}')
    with pytest.raises(RunFolderError):
        series.read(tmp_path)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "about 0 s"), (89, "about 89 s"), (90, "about 2 minutes"), (840, "about 14 minutes")],
)
def test_estimates_are_said_in_words(seconds: float, text: str) -> None:
    assert about(seconds) == text

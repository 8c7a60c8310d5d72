"""The curves of a series are those of the run that it makes just now, found by its files alone."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.support.synthetic_run import Spec, write
from webui.series.run_of_now import RunOfNow, under_way

SPEC = Spec(
    duration=6.0, rate=1.0, accounts=5, probes=False,
    scenario_data={"phases": [{"name": "rest", "start": 2.0, "end": 4.0}]},
)  # fmt: skip


def going(folder: Path, began: float) -> Path:
    """A run without an end."""
    write(folder, SPEC)
    (folder / "end.json").unlink()
    os.utime(folder / "run.json", (began, began))
    return folder


@pytest.mark.parametrize("place", ["02-rate-limit", "none/trial-03"])
def test_the_run_that_began_last_is_under_way(tmp_path: Path, place: str) -> None:
    write(tmp_path / "01-burst", SPEC)
    os.utime(tmp_path / "01-burst" / "run.json", (100.0, 100.0))
    assert under_way(tmp_path) is None, "it has ended"
    assert under_way(tmp_path / "none at all") is None
    run = going(tmp_path / place, 200.0)
    assert under_way(tmp_path) == run


def test_one_that_was_killed_is_not_taken_for_the_one_of_now(tmp_path: Path) -> None:
    going(tmp_path / "01-burst", 100.0)
    write(tmp_path / "02-burst", SPEC)
    os.utime(tmp_path / "02-burst" / "run.json", (200.0, 200.0))
    assert under_way(tmp_path) is None


def test_its_curves_come_once_and_change_with_the_run(tmp_path: Path) -> None:
    folder: Path | None = None
    watching = RunOfNow(lambda: folder)
    assert watching.curves() is None, "there is no series"
    folder = tmp_path
    assert watching.curves() is None, "its first run has not begun"
    first = going(tmp_path / "01-burst", 100.0)
    found = watching.curves()
    assert found is not None
    assert found["run"] == "01-burst"
    assert found["bands"] == [{"kind": "phase", "name": "rest", "start": 2.0, "end": 4.0}]
    assert sum(found["charts"][0]["lines"][1]["y"]) > 0
    assert watching.curves(found["key"]) is None
    (first / "end.json").write_text("{}")
    assert watching.curves(found["key"]) is None
    going(tmp_path / "02-burst", 200.0)
    other = watching.curves(found["key"])
    assert other is not None
    assert other["run"] == "02-burst"


def test_a_folder_that_does_not_say_what_it_is_has_none(tmp_path: Path) -> None:
    (tmp_path / "01-burst").mkdir()
    (tmp_path / "01-burst" / "run.json").write_text(json.dumps({"schema_version": 1}))
    assert RunOfNow(lambda: tmp_path).curves() is None

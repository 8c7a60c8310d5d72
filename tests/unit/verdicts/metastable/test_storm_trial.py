"""What a trial of the search for the frontier came to; what proves nothing is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from shapes.frontier.search import StormPoint
from telemetry.run_folder.verdict_file import FILE, PointAnswer, VerdictArrivals, VerdictFile
from tests.unit.verdicts.points.test_verdict_retry_storm import DURATION, made
from verdicts.breakpoint.trial import NoVerdictError
from verdicts.metastable import storm_trial

POINT = StormPoint(0.7, 8.0)
BACK: dict[str, float | None] = {"seconds": 4.0, "metastable": 0.0, "watched": 61.0, "before": 1.0}
DOWN: dict[str, float | None] = {"seconds": None, "metastable": 1.0, "watched": 61.0, "before": 1.0}


def told(folder: Path, back: dict[str, float | None], **changes: Any) -> Path:
    figures: dict[str, dict[str, float | None]] = {
        "S1": {"worst": 5.2},
        "S2": back,
        "S3": {"share": 0.02},
        "S4": {"queue": 8.0},
    }
    points = tuple(
        PointAnswer(
            id=id, question="?", value="queue, repeats" if id == "S4" else 1.0, status="info", figures=values,
            evidence=f"evidence of {id}",
        )
        for id, values in figures.items()
    )  # fmt: skip
    found = VerdictFile(
        scenario="storm-001", started="", target="bundled", protections=(), stop_reason="completed",
        arrivals=VerdictArrivals(), points=points, verdict="fail",
    )  # fmt: skip
    folder.mkdir()
    (folder / FILE).write_bytes(msgspec.json.encode(msgspec.structs.replace(found, **changes)))
    return folder


def test_one_that_came_back_and_one_that_did_not(tmp_path: Path) -> None:
    back = storm_trial.read(told(tmp_path / "storm-001", BACK), POINT, 51.23)
    assert (back.back, back.seconds, back.point, back.took_s) == (True, 4.0, POINT, 51.2)
    down = storm_trial.read(told(tmp_path / "storm-002", DOWN), POINT, 80.0)
    assert (down.back, down.seconds) == (False, None)
    assert (down.amplification, down.goodput, down.kept_down) == (5.2, 0.02, "queue, repeats")
    assert down.folder == "storm-002"


@pytest.mark.parametrize(
    ("back", "changes", "says"),
    [
        ({**BACK, "metastable": None}, {}, "storm-001 proves nothing: evidence of S2"),
        (
            {**DOWN, "before": 0.43},
            {},
            "storm-001 proves nothing: 43.0% of the intents before the trigger were served, 95% are wanted",
        ),
        (DOWN, {"invalid_because": ("5 % late",)}, "storm-001 proves nothing: 5 % late"),
        (DOWN, {"points": ()}, "storm-001 does not answer S1"),
    ],
)
def test_what_proves_nothing(
    tmp_path: Path, back: dict[str, float | None], changes: dict[str, Any], says: str
) -> None:
    with pytest.raises(NoVerdictError, match=says):
        storm_trial.read(told(tmp_path / "storm-001", back, **changes), POINT, 1.0)


def test_a_folder_without_a_verdict(tmp_path: Path) -> None:
    with pytest.raises(NoVerdictError, match="left no verdict"):
        storm_trial.read(tmp_path, POINT, 1.0)
    assert storm_trial.over(tmp_path) is False


def test_a_run_may_end_once_it_is_back_for_good_and_not_before(tmp_path: Path) -> None:
    long = made(tmp_path / "long", until=9.0, duration=30.0)
    assert storm_trial.known(long), "back after 3 s of 22 that were watched"
    short = made(tmp_path / "short", until=9.0, duration=20.0)
    assert not storm_trial.known(short), "9 s after it came back"
    assert not storm_trial.known(made(tmp_path / "down", until=DURATION))

"""What one trial of a search for the frontier came to: did the system come back from its trigger?

A trial is a whole run that asks S1 to S4; S2 says it. It proves nothing (NoVerdictError) where the run is
invalid or left no verdict, where S2 could not tell (this machine gave way, or it was watched too shortly),
and where fewer than `WELL` of the intents before the trigger were served: the load alone was too much then.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from msgspec import UNSET

from shapes.frontier.search import StormPoint
from telemetry.run_folder import verdict_file
from telemetry.run_folder.verdict_file import PointAnswer, VerdictFile
from verdicts.breakpoint.trial import NoVerdictError
from verdicts.measure.intents import storm
from verdicts.measure.intents.storm import WELL
from verdicts.metastable.metastable_file import StormTrial
from verdicts.run.reading import Run, RunFolderError, load

HELD: Final = 10.0  # seconds that goodput has to last before a run under way may end
ASKED: Final = ("S1", "S2", "S3", "S4")


def read(folder: Path, point: StormPoint, took_s: float) -> StormTrial:
    """The outcome of the run in `folder`. Raises NoVerdictError."""
    try:
        found = verdict_file.read(folder)
    except (OSError, ValueError, RunFolderError) as error:
        raise NoVerdictError(f"{folder.name} left no verdict: {error}") from None
    points = {one.id: one for one in found.points}
    if unasked := [id for id in ASKED if id not in points]:
        raise NoVerdictError(f"{folder.name} does not answer {unasked[0]}")
    back = _figures(points["S2"])
    state, before = back.get("metastable"), back.get("before")
    if why := _nothing(found, points["S2"], state, before):
        raise NoVerdictError(f"{folder.name} proves nothing: {why}")
    came_back = state == 0
    return StormTrial(
        load=point.load, length=point.length, back=came_back,
        seconds=back.get("seconds") if came_back else None, before=before or 0.0,
        goodput=_figures(points["S3"]).get("share"), amplification=_figures(points["S1"]).get("worst"),
        kept_down=str(points["S4"].value or ""), folder=folder.name, took_s=round(took_s, 1),
    )  # fmt: skip


def _figures(answer: PointAnswer) -> Mapping[str, float | None]:
    return {} if answer.figures is UNSET else answer.figures


def _nothing(found: VerdictFile, answer: PointAnswer, state: float | None, before: float | None) -> str:
    """Why the run proves nothing; "" where it proves something."""
    if found.invalid_because:
        return "; ".join(found.invalid_because)
    if state is None:
        return answer.evidence
    if before is None or before < WELL:
        return f"{before or 0.0:.1%} of the intents before the trigger were served, {WELL:.0%} are wanted"
    return ""


def over(folder: Path) -> bool:
    """The run in `folder`, which is under way, is back for good; False while it cannot be read."""
    try:
        return known(load(folder))
    except (RunFolderError, OSError, ValueError, KeyError):
        return False


def known(run: Run) -> bool:
    """Goodput has been back for `HELD` seconds: the rest of the watch can be spared."""
    found = storm.of(run)
    return not isinstance(found, str) and found.watched - found.back >= HELD

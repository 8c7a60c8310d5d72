"""From a run to its verdict: validity, points, exit code.

    invalid (3)  the run is invalid, or a threshold had nothing to be held against
    fail    (1)  a threshold was broken, or the target broke its own promise
    pass    (0)  everything else

A broken threshold outweighs one without samples: when every call fails there are no response times,
and the verdict is still that the target failed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from common import exit_codes
from verdicts.compare import baseline
from verdicts.measure.arrivals import ledger, validity
from verdicts.measure.arrivals.ledger import ArrivalLedger
from verdicts.measure.arrivals.validity import Validity
from verdicts.points.point import PointResult
from verdicts.points.registry import POINTS, check
from verdicts.run.reading import Run, RunFolderError
from verdicts.thresholds import Threshold

Verdict = Literal["pass", "fail", "invalid"]
ARRIVAL: Final = "arrival"
MONEY: Final = "money"
BASELINE: Final = "baseline"
EXIT_CODES: Final[dict[Verdict, int]] = {
    "pass": exit_codes.PASS,
    "fail": exit_codes.FAIL,
    "invalid": exit_codes.OURS,
}


@dataclass(frozen=True)
class Judgement:
    """Everything said about a run. `points` begin with `arrival`, then `money` for the bundled stack;
    `baseline` comes last."""

    run: Run
    ledger: ArrivalLedger
    validity: Validity
    points: tuple[PointResult, ...]

    @property
    def verdict(self) -> Verdict:
        """The run's verdict."""
        statuses = {point.status for point in self.points}
        if not self.validity.valid:
            return "invalid"
        return "fail" if "fail" in statuses else "invalid" if "invalid" in statuses else "pass"

    @property
    def exit_code(self) -> int:
        """0, 1 or 3."""
        return EXIT_CODES[self.verdict]


def judge(run: Run) -> Judgement:
    """Judge a run by its scenario's points and thresholds. Raises RunFolderError where it has none such."""
    try:
        check(run.scenario.get("points", ()), run.scenario.get("thresholds", {}))
    except ValueError as error:
        raise RunFolderError(f"{run.folder / 'run.json'}: scenario: {error}") from None
    book = ledger.of(run)
    found = validity.check(run, book)
    return Judgement(run, book, found, tuple(_points(run, valid=found.valid)))


def _points(run: Run, *, valid: bool) -> Iterator[PointResult]:
    arrival = POINTS[ARRIVAL].results(run, Threshold())
    yield from (_arrived(result, valid=valid) for result in arrival)
    if run.manifest.bundled:
        yield from POINTS[MONEY].results(run, Threshold(), valid=valid)
    thresholds = run.scenario.get("thresholds", {})
    for id in run.scenario.get("points", ()):
        threshold = Threshold.parse(thresholds[id]) if id in thresholds else Threshold()
        yield from POINTS[id].results(run, threshold, valid=valid)
    if run.baseline is not None:
        yield from POINTS[BASELINE].results(run, baseline.threshold(run), valid=valid)


def _arrived(result: PointResult, *, valid: bool) -> PointResult:
    values = {**vars(result), "status": "pass" if valid else "invalid"}
    bounds = "dropped, unknown <= 0.1 %, late <= 1 %, balanced"
    return PointResult(**{**values, "threshold": bounds, "subject": "load engine"})

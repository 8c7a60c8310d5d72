"""From a run to its verdict: validity, points, exit code.

    invalid      (3)  the run is invalid, or a threshold had nothing to be held against
    fail         (1)  a threshold was broken, the target broke its own promise, or did not serve its users
    inconclusive (3)  there are bounds, and the figure of not one of them could be seen (of the bundled
                      stack's fakes, which show all of them: of any); or one broke by what others on this
                      machine may have done (`crowded.py`)
    pass         (0)  everything else

Whatever its verdict, the exit code of a run that was stopped is 3, but for one that `stop_when` ended.

A broken threshold outweighs one without samples: when every call fails there are no response times,
and the verdict is still that the target failed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from common import exit_codes
from verdicts.compare import baseline
from verdicts.judge.crowded import excuse
from verdicts.measure.arrivals import ledger, validity
from verdicts.measure.arrivals.ledger import ArrivalLedger
from verdicts.measure.arrivals.validity import Validity
from verdicts.measure.calls import isolation
from verdicts.measure.limits import forged_tokens
from verdicts.points.point import PointResult
from verdicts.points.registry import POINTS, check
from verdicts.run import real_parts
from verdicts.run.reading import Run, RunFolderError
from verdicts.thresholds import Threshold

Verdict = Literal["pass", "fail", "invalid", "inconclusive"]
ARRIVAL: Final = "arrival"
MONEY: Final = "money"
SERVICE: Final = "service"
FORGED: Final = "forged-tokens"
BASELINE: Final = "baseline"
ISOLATION: Final = "I1"
NONE_FOREIGN: Final = "foreign == 0"  # whatever a scenario says of it, or does not
BALANCED: Final = f"{MONEY} problems == 0"  # the same
# What says nothing of the target's bounds: that the load arrived, that the users got anything at all.
UNBOUND: Final = (ARRIVAL, MONEY, SERVICE)
EXIT_CODES: Final[dict[Verdict, int]] = {
    "pass": exit_codes.PASS,
    "fail": exit_codes.FAIL,
    "invalid": exit_codes.OURS,
    "inconclusive": exit_codes.OURS,
}


@dataclass(frozen=True)
class Judgement:
    """Everything said about a run. `points` begin with `arrival`, `money` for the bundled stack, `service`,
    `forged-tokens` where some were sent, and I1 where answers were held against calls; `baseline`
    comes last. `unseen`: bounds without a figure."""

    run: Run
    ledger: ArrivalLedger
    validity: Validity
    points: tuple[PointResult, ...]
    unseen: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The run's verdict."""
        statuses = {point.status for point in self.points}
        if not self.validity.valid:
            return "invalid"
        if "fail" in statuses:
            return "fail"
        if self.excused:
            return "inconclusive"
        if "invalid" in statuses:
            return "invalid"
        hidden = self.held and _may_hide(self.run) and BALANCED not in self.unseen
        return "inconclusive" if self.unseen and not hidden else "pass"

    @property
    def excused(self) -> tuple[PointResult, ...]:
        """Points of a valid run whose bounds broke where others may have broken them."""
        found = (one for one in self.points if one.status == "invalid" and one.broken)
        return tuple(found) if self.validity.valid else ()

    @property
    def held(self) -> bool:
        """One bound at least was held by a figure that was seen."""
        return any(point.status == "pass" for point in self.points if point.id not in UNBOUND)

    @property
    def exit_code(self) -> int:
        """0, 1 or 3. A run that was cut short proves nothing: its verdict is over what was due until then."""
        return exit_codes.OURS if self.run.cut_short else EXIT_CODES[self.verdict]


def _may_hide(run: Run) -> bool:
    """What is attacked may have figures that it does not show: a target, real parts."""
    return not run.manifest.bundled or any(real_parts.is_real(run, part) for part in real_parts.PARTS)


def judge(run: Run) -> Judgement:
    """Judge a run by its scenario's points and thresholds. Raises RunFolderError where it has none such."""
    try:
        check(run.scenario.get("points", ()), run.scenario.get("thresholds", {}))
    except ValueError as error:
        raise RunFolderError(f"{run.folder / 'run.json'}: scenario: {error}") from None
    book = ledger.of(run)
    found = validity.check(run, book)
    points = tuple(excuse(run, _points(run, valid=found.valid)))
    return Judgement(run, book, found, points, tuple(_unseen(run, points)))


def _points(run: Run, *, valid: bool) -> Iterator[PointResult]:
    arrival = POINTS[ARRIVAL].results(run, Threshold())
    yield from (_arrived(result, valid=valid) for result in arrival)
    if run.manifest.bundled:
        yield from POINTS[MONEY].results(run, Threshold(), valid=valid)
    yield from POINTS[SERVICE].results(run, _service(run), valid=valid)
    if any(forged_tokens.kinds(run)):
        yield from POINTS[FORGED].results(run, Threshold(), valid=valid)
    points, thresholds = run.scenario.get("points", ()), run.scenario.get("thresholds", {})
    if ISOLATION not in points and isolation.checked_tools(run):
        yield from POINTS[ISOLATION].results(run, Threshold.parse(NONE_FOREIGN), valid=valid)
    for id in points:
        bound = thresholds.get(id, NONE_FOREIGN if id == ISOLATION else "")
        threshold = Threshold.parse(bound) if bound else Threshold()
        yield from POINTS[id].results(run, threshold, valid=valid)
    if run.baseline is not None:
        yield from POINTS[BASELINE].results(run, baseline.threshold(run), valid=valid)


def _service(run: Run) -> Threshold:
    """What the scenario asks of the service; runs older than the question asked nothing."""
    share = run.scenario.get("service")
    return Threshold() if share is None else Threshold.parse(f"success >= {share * 100:g} %")


def _unseen(run: Run, points: tuple[PointResult, ...]) -> Iterator[str]:
    """Bounds of the scenario whose figure no answer of their point had; the books', where nobody looked.

    A run that was killed or cut short may have ended before they could be opened, and proves nothing anyway.
    """
    if run.manifest.bundled and run.consistency is None and not (run.killed or run.cut_short):
        yield BALANCED
    for id, text in run.scenario.get("thresholds", {}).items():
        mine = (point for point in points if point.question.id == id)
        figures = {name for point in mine for name in point.figures}
        yield from (f"{id} {bound}" for bound in Threshold.parse(text).bounds if bound.figure not in figures)


def _arrived(result: PointResult, *, valid: bool) -> PointResult:
    values = {**vars(result), "status": "pass" if valid else "invalid"}
    bounds = "dropped, unknown <= 0.1 %, late <= 1 %, balanced"
    return PointResult(**{**values, "threshold": bounds, "subject": "load engine"})

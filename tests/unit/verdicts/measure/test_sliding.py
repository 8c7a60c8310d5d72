"""A sliding limit, held against what a client can know: over, early, and nothing where it cannot know."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.recording.sample import REASON_CODE, SAMPLE, Outcome
from tests.support.synthetic_run import Spec, write
from verdicts.measure.limits import sliding
from verdicts.measure.limits.held import Held
from verdicts.measure.limits.promises import Promise
from verdicts.run.reading import Run, load

ADMITTED, REFUSED, SILENT = 200, 429, 0


def run_of(folder: Path, *calls: tuple[float, float, int]) -> Run:
    """A run of one account with these calls: sent, done, status."""

    def change(samples: np.ndarray) -> np.ndarray:
        made = np.zeros(len(calls), SAMPLE)
        made["index"] = np.arange(len(calls))
        for sample, (sent, done, status) in zip(made, calls, strict=True):
            sample["planned"], sample["sent"], sample["done"] = sent, sent, done
            sample["status"], sample["upstream_s"] = status, np.nan
            sample["outcome"] = Outcome.OK if status == ADMITTED else Outcome.FAILED
            sample["reason"] = REASON_CODE[{REFUSED: "refused", SILENT: "timeout"}.get(status, "")]
        return made

    return load(write(folder, Spec(change=change, bundled=False, accounts=1)))


def held(folder: Path, *calls: tuple[float, float, int], limit: int = 3) -> Held:
    run = run_of(folder, *calls)
    status = run.samples["status"]
    promise = Promise(limit, 1.0, "sliding")
    return sliding.judge(run, status == ADMITTED, status == SILENT, status == REFUSED, promise)


def quick(t: float, status: int = ADMITTED) -> tuple[float, float, int]:
    return (t, t + 0.002, status)


def test_as_many_as_the_limit_in_any_second_is_right(tmp_path: Path) -> None:
    calls = [quick(0.1), quick(0.2), quick(0.3), quick(0.5, REFUSED), quick(1.15), quick(1.25), quick(1.35)]
    assert held(tmp_path, *calls) == Held(0, 0)


def test_one_more_within_a_second_is_over(tmp_path: Path) -> None:
    """Though no second of the wall clock holds more than three."""
    calls = [quick(0.7), quick(0.8), quick(1.1), quick(1.2)]
    assert held(tmp_path, *calls) == Held(1, 0)


def test_a_refusal_below_the_limit_is_early(tmp_path: Path) -> None:
    assert held(tmp_path, quick(0.1), quick(0.2), quick(0.3, REFUSED)) == Held(0, 1)
    assert held(tmp_path, quick(0.1), quick(0.2), quick(0.3), quick(1.5, REFUSED)) == Held(0, 1)


def test_what_a_client_cannot_know_is_nobodys_fault(tmp_path: Path) -> None:
    late = (0.1, 3.0, ADMITTED)  # it may have been let in at any time until 3.0
    assert held(tmp_path, quick(0.7), quick(0.8), quick(1.1), late) == Held(0, 0)
    assert held(tmp_path, quick(0.1), quick(0.2), (0.25, 5.0, SILENT), quick(0.3, REFUSED)) == Held(0, 0)


def test_nothing_was_sent(tmp_path: Path) -> None:
    assert held(tmp_path) == Held(0, 0)


@settings(max_examples=60, deadline=None)
@given(
    gaps=st.lists(st.floats(0.001, 0.6), min_size=1, max_size=60),
    delays=st.lists(st.floats(0.0, 0.2), min_size=60, max_size=60),
    place=st.floats(0, 1),
    limit=st.integers(1, 6),
)
def test_a_right_limiter_is_never_found_wanting(
    tmp_path_factory: object, gaps: list[float], delays: list[float], place: float, limit: int
) -> None:
    """It may see each call at any instant between sent and done."""
    folder = tmp_path_factory.mktemp("run")  # type: ignore[attr-defined]
    sent = np.cumsum(gaps).tolist()
    at = sorted((t + place * delay, t, t + delay) for t, delay in zip(sent, delays, strict=False))
    let: list[float] = []
    calls = []
    for moment, begin, end in at:
        admitted = sum(one > moment - 1.0 for one in let) < limit
        let += [moment] if admitted else []
        calls.append((begin, end, ADMITTED if admitted else REFUSED))
    assert held(folder, *calls, limit=limit) == Held(0, 0)

"""P1.5: the load that reaches the origin, by the origin's own counters."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from verdicts.measure.target import origins
from verdicts.points.point import AT_500_MAU, Finding, point
from verdicts.run.reading import Run


@point(
    "P1.5",
    en="How much load does the burst put on the origin?",
    ja="バースト時にオリジンにかかる負荷はどれだけか",
    scenario="burst",
    when=AT_500_MAU,
    part="origin",
    figures={"mean": "req/s", "peak": "req/s", "in_flight": ""},
    units={
        "req/s (mean)": "req/s(平均)",
        "in flight (peak)": "件同時処理(最大)",
    },
)
def origin_load(run: Run) -> Iterator[Finding]:
    """Requests per second (mean, peak second) and the most that were in flight at once."""
    yield _requests(run)
    yield _in_flight(run)


def _requests(run: Run) -> Finding:
    t, rate = origins.request_rate(run)
    if not rate.size:
        return Finding.unseen(origins.UNSEEN + " (mcpist_requests_total).")
    total = origins.requests(run)
    mean = total / run.load_end if run.load_end else float("nan")
    return Finding(
        round(mean, 1),
        "req/s (mean)",
        f"{total:,.0f} requests reached {origins.named(run)} in {run.load_end:g} s of load; "
        f"peak {rate.max():,.1f} req/s in the second that ended at {t[rate.argmax()]:.1f} s.",
        figures={"mean": mean, "peak": float(rate.max())},
        rows=tuple(origins.rows(run)),
    )


def _in_flight(run: Run) -> Finding:
    peak, how = origins.in_flight_peak(run)
    if np.isnan(peak):
        return Finding.unseen(origins.UNSEEN + " (mcpist_in_flight).", part="in-flight")
    return Finding(
        int(peak), "in flight (peak)", f"At {origins.named(run)}: {how}.", {"in_flight": peak}, "in-flight"
    )

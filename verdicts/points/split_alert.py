"""P3.3: do the operator's alerts see that two origins count apart? The answer is yes or no.

    hits     the operator's own: rate-limit hits > 100 in a minute, over the edge and the origins
    split    no alert of his, but one that would see it: the balancer away from `primary` for over 60 s

Compressed time: a minute is 60 / f s, and 100 hits in it are 100 / f, as calls keep their rate. Times are
given in the run's own seconds and, times f, as they would be uncompressed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import numpy as np

from verdicts.measure.target import balancer_states
from verdicts.points.point import BEFORE_1000_MAU, Finding, Value, point
from verdicts.run.reading import Floats, Run

HITS: Final = "mcpist_rate_limit_hits_total"
MOST_HITS: Final = 100  # a minute
MINUTE: Final = 60.0


@point(
    "P3.3",
    en="Does an alert see it?",
    ja="アラートで検知できるか",
    scenario="failover",
    when=BEFORE_1000_MAU,
    figures={"hits": "", "fired": "s", "seen": ""},
    units={
        "s after the split, by an alert on the balancer's state": "s後(LBの状態を見るアラートの場合)",
    },
)
def alert(run: Run) -> Iterator[Finding]:
    """`seen`: 1 if the operator's own alert fired; `hits`: most in a minute; then what would see it."""
    scale = float(run.manifest.time_scale)
    t, hits = _hits(run, MINUTE / scale)
    if not t.size:
        yield Finding.unseen("Not observed: the target shows no rate-limit hits.")
        return
    if balancer_states.untold(run):
        yield Finding.unseen(balancer_states.UNTOLD)
        return
    gone = balancer_states.away(run)
    start = gone[0][0] if gone else math.nan
    over = t[hits * scale > MOST_HITS]
    by_hits = float(over[0]) if over.size else math.nan
    by_split = _by_split(run, MINUTE / scale)
    most, seen = float(hits.max(initial=0.0)) * scale, not math.isnan(by_hits)
    yield Finding(
        "yes" if seen else "no",
        "",
        f"At most {most:,.0f} rate-limit hits in a minute; the operator's alert fires above {MOST_HITS}. "
        f"{_departure(gone)}",
        {"hits": most, "seen": float(seen)},
        rows=(
            _row("rate-limit hits > 100/min (the operator's)", by_hits, start, scale),
            _row("balancer not primary for > 60 s (not there yet)", by_split, start, scale),
        ),
    )
    fired = (by_split - start) * scale
    yield Finding(
        None if math.isnan(fired) else round(fired, 1),
        "s after the split, by an alert on the balancer's state",
        "Such an alert would fire when the balancer was away from primary for a minute. "
        + ("It did not come to that." if math.isnan(fired) else f"At {by_split:.2f} s of the run."),
        {"fired": fired},
        part="state",
    )


def _hits(run: Run, width: float) -> tuple[Floats, Floats]:
    """(instants, hits within the `width` seconds before), on the edge's scrapes from the load's start on."""
    edge = run.target.sources.get("edge")
    sources = run.target.sources if run.manifest.bundled else {}
    if edge is None:
        return np.empty(0), np.empty(0)
    t = edge.t[(edge.t >= 0) & (edge.t <= run.load_end + 1)]
    counts = [
        [run.target.total(name, HITS, span=(float(at) - width, float(at))) for name in sources] for at in t
    ]
    return t, np.nansum(np.array(counts, dtype=np.float64), axis=1)


def _by_split(run: Run, width: float) -> float:
    """When the alert on the balancer's state fires first; NaN if it does not within the load."""
    fires = [
        start + width for start, end in balancer_states.away(run) if start + width < min(end, run.load_end)
    ]
    return min(fires, default=math.nan)


def _departure(gone: list[tuple[float, float]]) -> str:
    if not gone:
        return "The balancer never left primary."
    longest = max(end - start for start, end in gone)
    lasted = "until the run's end" if math.isinf(longest) else f"{longest:.2f} s at the longest"
    return f"The balancer left primary {len(gone)} times, first at {gone[0][0]:.2f} s, {lasted}."


def _row(name: str, at: float, start: float, scale: float) -> dict[str, Value]:
    fired = not math.isnan(at)
    return {
        "alert": name,
        "fired": "yes" if fired else "no",
        "at s": round(at, 2) if fired else None,
        "after the split s": round(at - start, 2) if fired and not math.isnan(start) else None,
        "uncompressed s": round((at - start) * scale, 1) if fired and not math.isnan(start) else None,
    }

"""P3.3: would an alert see that two origins count apart?

    hits     the operator's own: rate-limit hits > 100 in a minute, over the edge and the origins
    split    ours: the balancer is away from `primary` for more than 60 s without a break

Compressed time: a minute is 60 / f s, and 100 hits in it are 100 / f, as calls keep their rate. Times are
given in the run's own seconds and, times f, as they would be uncompressed.
"""

from __future__ import annotations

import math
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
    figures={"hits": "", "fired": "s"},
)
def alert(run: Run) -> Finding:
    """Seconds, uncompressed, from the first departure from `primary` to the first alert; most hits/min."""
    scale = float(run.manifest.time_scale)
    t, hits = _hits(run, MINUTE / scale)
    if not t.size:
        return Finding.unseen("Not observed: the target shows no rate-limit hits.")
    gone = balancer_states.away(run)
    start = gone[0][0] if gone else math.nan
    over = t[hits * scale > MOST_HITS]
    by_hits = float(over[0]) if over.size else math.nan
    by_split = _by_split(run, MINUTE / scale)
    first = float(np.fmin(by_hits, by_split)) - start
    most = float(hits.max(initial=0.0)) * scale
    return Finding(
        _name(by_hits, by_split),
        "",
        f"At most {most:,.0f} rate-limit hits in a minute (alert above {MOST_HITS}). "
        f"{_departure(gone)} {_told(first, scale)}",
        {"hits": most, "fired": first * scale},
        rows=(
            _row("rate-limit hits > 100/min", by_hits, start, scale),
            _row("balancer not primary for > 60 s", by_split, start, scale),
        ),
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


def _name(by_hits: float, by_split: float) -> str:
    if math.isnan(by_hits) and math.isnan(by_split):
        return "no alert fired"
    return "rate-limit hits" if not by_hits >= by_split and not math.isnan(by_hits) else "split state"


def _departure(gone: list[tuple[float, float]]) -> str:
    if not gone:
        return "The balancer never left primary."
    longest = max(end - start for start, end in gone)
    lasted = "until the run's end" if math.isinf(longest) else f"{longest:.2f} s at the longest"
    return f"The balancer left primary {len(gone)} times, first at {gone[0][0]:.2f} s, {lasted}."


def _told(first: float, scale: float) -> str:
    if math.isnan(first):
        return "No alert fired."
    return f"The first alert fired {first:.2f} s after that ({first * scale:.1f} s uncompressed)."


def _row(name: str, at: float, start: float, scale: float) -> dict[str, Value]:
    fired = not math.isnan(at)
    return {
        "alert": name,
        "fired": "yes" if fired else "no",
        "at s": round(at, 2) if fired else None,
        "after the split s": round(at - start, 2) if fired and not math.isnan(start) else None,
        "uncompressed s": round((at - start) * scale, 1) if fired and not math.isnan(start) else None,
    }

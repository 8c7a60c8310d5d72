"""P1.4: how far isolates with counts of their own disagree: admitted per user and window against the limit.

Windows are those of the limiter's clock, counted as certainly as a client can
(`verdicts.measure.limits.windows`): of a window, `admitted_least` is proven. n isolates that each count for
themselves admit up to n × the limit.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from telemetry.probing.target_log import parse_labels
from verdicts.measure.limits import limiter, promises, quota, users
from verdicts.measure.limits.promises import Promise
from verdicts.measure.limits.windows import Window
from verdicts.points.point import AT_500_MAU, Finding, Value, point
from verdicts.run.reading import Run


@point(
    "P1.4",
    en="How far do isolates with memory caches disagree?",
    ja="メモリキャッシュを持つisolate間でカウントはどれだけ食い違うか",
    scenario="kv-exhaustion",
    when=AT_500_MAU,
    part="edge",
    figures={"max": "", "p99": "", "mean": "", "isolates": ""},
    units={
        "admitted per user and {} s (max; the limit is {})": "件(1ユーザー{} sあたりの最大、上限{})",
    },
)
def admitted_by_isolates(run: Run) -> Finding:
    """Admitted per user and window: mean, p99 and max over whole windows in which the limit was reached."""
    promise = promises.burst(run)
    if promise is None:
        return Finding.unseen("The target promises no burst limit (limits.burst_per_s).")
    if not promise.fixed:
        return Finding.unseen("Isolates are told apart by fixed windows; the target promises others.")
    one = limiter.of(run, limiter.BURST, users.of(run))
    held = limiter.judge(run, one, promise)
    if held.doubt:
        return Finding.unseen(f"Not judged: {held.doubt}.")
    found = [each for each in _whole(run, one, promise, held.ahead) if each.offered >= promise.limit]
    proved = any(each.over(promise.limit) or each.known(promise.limit) for each in found)
    admitted = np.array([each.admitted_least for each in found], dtype=np.float64)
    isolates = _isolates(run)
    figures = {
        "max": float(admitted.max()) if proved else float("nan"),
        "p99": float(np.percentile(admitted, 99, method="inverted_cdf")) if admitted.size else float("nan"),
        "mean": float(admitted.mean()) if admitted.size else float("nan"),
        "isolates": isolates,
    }
    return Finding(
        int(figures["max"]) if proved else None,
        f"admitted per user and {promise.width:g} s (max; the limit is {promise.limit})",
        _evidence(run, promise, found, figures),
        figures,
        rows=tuple(_rows(run, found, isolates, promise)),
    )


def _whole(run: Run, one: limiter.Limiter, promise: Promise, ahead: float) -> Iterator[Window]:
    """Every user's windows that lie within the load."""
    for _, found in limiter.counted(run, one, promise, ahead):
        for window in found:
            if window.start >= 0 and window.start + promise.width <= run.load_end:
                yield window


def _isolates(run: Run) -> float:
    _, told = run.target.series(quota.source(run), "mcpist_isolates")
    return float(told.max()) if told.size else float("nan")


def _evidence(run: Run, promise: Promise, found: list[Window], figures: dict[str, float]) -> str:
    if not found:
        return f"No account offered {promise.limit} or more in a window, so the limit was never reached."
    if np.isnan(figures["max"]):
        return limiter.UNPROVED
    over = sum(one.over(promise.limit) for one in found)
    count = figures["isolates"]
    bound = f"; {count:.0f} isolates that count alone admit at most {count * promise.limit:.0f}"
    return (
        f"Mean {figures['mean']:.2f}, p99 {figures['p99']:.0f}, max {figures['max']:.0f} admitted per user "
        f"over {len(found):,} windows, {over:,} of them over the limit of {promise.limit}"
        f"{bound if count > 1 else ''}.{_spread(run)}"
    )


def _spread(run: Run) -> str:
    """How evenly requests met the isolates."""
    values = run.target.sources["edge"].values if "edge" in run.target.sources else {}
    names = sorted(parse_labels(key)["isolate"] for key in values if "mcpist_isolate_requests_total" in key)
    counts = [run.target.total("edge", "mcpist_isolate_requests_total", isolate=name) for name in names]
    return f" Requests by isolate: {', '.join(f'{count:,.0f}' for count in counts)}." if counts else ""


def _rows(run: Run, found: list[Window], isolates: float, promise: Promise) -> Iterator[dict[str, Value]]:
    """A row for all windows, and one for those before and those after the KV's quota ran out."""
    spans = quota.of(run)
    yield from _row("all", found, isolates, promise)
    if spans is None or spans.after is None:
        return
    for when, span in (("before", spans.before), ("after", spans.after)):
        inside = [one for one in found if span[0] <= one.start and one.start + promise.width <= span[1]]
        yield from _row(when, inside, isolates, promise)


def _row(when: str, found: list[Window], isolates: float, promise: Promise) -> Iterator[dict[str, Value]]:
    if not found:
        return
    admitted = np.array([one.admitted_least for one in found])
    known = not np.isnan(isolates)
    yield {
        "quota": when,
        "isolates": int(isolates) if known else None,
        "limit": promise.limit,
        "offered (mean)": round(float(np.mean([one.offered for one in found])), 2),
        "admitted (mean)": round(float(admitted.mean()), 2),
        "p99": int(np.percentile(admitted, 99, method="inverted_cdf")),
        "max": int(admitted.max()),
        "at most (isolates × limit)": int(isolates * promise.limit) if known else None,
        "windows": len(found),
        "windows over": sum(one.over(promise.limit) for one in found),
    }

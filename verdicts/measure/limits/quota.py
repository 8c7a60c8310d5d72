"""When the KV's daily quota ran out, by the edge's own counters, and the spans before and after it.

The instant lies between two scrapes: the last that told of no operation refused for `quota` since the load
began, and the first that did. `before` ends with the one, `after` begins with the other; the second between
them is in neither.
Seconds since the run's start.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from telemetry.probing.target_log import Span
from verdicts.measure.target import origins
from verdicts.run.reading import Mask, Run

FAILURES: Final = "mcpist_kv_failures_total"
WRITES: Final = "mcpist_kv_writes_total"
UNSEEN: Final = f"Not observed: the target shows no KV counters ({WRITES})."


class Quota(NamedTuple):
    """The spans of the load. `after` is None where the quota held out to the end."""

    before: Span
    after: Span | None


def source(run: Run) -> str:
    """Who tells what the edge counts, KV first of all."""
    return "edge" if "edge" in run.target.sources else "target-0"


def of(run: Run) -> Quota | None:
    """The spans; None where the target does not show its KV counters."""
    t, _ = run.target.series(source(run), WRITES)
    if not t.size:
        return None
    ran_out = _first_refusal(run)
    if ran_out is None or ran_out >= run.load_end:
        return Quota((0.0, run.load_end), None)
    earlier = t[t < ran_out]
    return Quota((0.0, max(0.0, float(earlier[-1])) if earlier.size else 0.0), (ran_out, run.load_end))


def _first_refusal(run: Run) -> float | None:
    """By the counter's rise: a target that served others before has refused some of theirs, perhaps."""
    t, refused = run.target.series(source(run), FAILURES, cause="quota")
    told = (float(at) for at in t[(refused > 0) & (t >= 0)])
    return next((at for at in told if failures(run, (0.0, at), cause="quota") > 0), None)


def within(run: Run, span: Span) -> Mask:
    """Scheduled calls that were sent and answered in the span."""
    samples = run.samples
    mask: Mask = run.sent & (samples["sent"] >= span[0]) & (samples["sent"] < span[1])
    if span[1] < run.load_end:
        mask &= ~(samples["done"] > span[1])
    return mask


def offered(run: Run, span: Span) -> float:
    """Scheduled req/s in the span; NaN for an empty one."""
    planned = run.samples["planned"][run.arrivals]
    seconds = span[1] - span[0]
    count = int(((planned >= span[0]) & (planned < span[1])).sum())
    return count / seconds if seconds > 0 else float("nan")


def at_origin(run: Run, span: Span) -> float:
    """Req/s that reached the origins between the scrapes at the span's ends, or the nearest within it.

    The span's ends are the edge's scrapes; an origin's of the same second lie milliseconds before or behind
    them. NaN where none counts them, and where one of them could not be asked twice.
    """
    sources = origins.sources(run)
    totals = [run.target.total(one, origins.REQUESTS, **origins.path_labels(run)) for one in sources]
    if np.isnan(totals).all():
        return float("nan")
    return float(np.sum([_rate(run, one, span) for one in sources]))


def _rate(run: Run, one: str, span: Span) -> float:
    """0 of an origin that has not counted any yet."""
    t = run.target.sources[one].t
    t = t[(t >= span[0] - origins.TOGETHER) & (t <= span[1] + origins.TOGETHER)]
    if t.size < 2:
        return float("nan")
    within = (float(t[0]), float(t[-1]))
    risen = run.target.total(one, origins.REQUESTS, span=within, **origins.path_labels(run))
    return float(np.nan_to_num(risen)) / (within[1] - within[0])


def failures(run: Run, span: Span, **labels: str) -> int:
    """KV operations refused in the span."""
    found = run.target.total(source(run), FAILURES, span=span, **labels)
    return 0 if np.isnan(found) else round(found)


def kv_tier(run: Run) -> str:
    """The KV's tier (free, paid, ideal) that the bundled stack ran with; "" where nobody told us."""
    return str(run.manifest.settings("kv").get("plan", ""))


def setting(run: Run) -> str:
    """The run's strategy, mode and plan in words; "" for a target whose settings nobody told us."""
    edge, kv = run.manifest.settings("edge"), run.manifest.settings("kv")
    if not edge or not kv:
        return ""
    isolates = edge["isolates"]
    words = f"{edge['burst_strategy']}, {edge['burst_on_failure']}, KV {kv['plan']}"
    return f"{words}, {isolates} isolate{'s' if isolates > 1 else ''}"

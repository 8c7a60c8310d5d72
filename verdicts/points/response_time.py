"""P1.7: response times. Over successful calls of the judged groups, from the planned instant.

Slow tools (the upstream's own median is a second or more) are judged by what the gateway adds to the
upstream's own time; the whole response time then stands beside it for information.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from verdicts.measure.calls import concurrency, percentiles, tool_times
from verdicts.measure.calls.percentiles import Percentiles
from verdicts.measure.target import real_nano
from verdicts.points.point import AT_500_MAU, Finding, point
from verdicts.run.reading import Mask, Run
from verdicts.run.samples import Values

SLOW: Final = 1.0  # seconds
MOST: Final = 0.95  # of the calls succeed: what the others took says little where they do not
OF_SUCCESSES: Final = "ms (p95 of those that succeeded)"


@point(
    "P1.7",
    en="What are the response times (p50, p95, p99)?",
    ja="レスポンスタイムのp50・p95・p99はいくらか",
    scenario="burst",
    when=AT_500_MAU,
    part="origin",
    figures={"p50": "s", "p95": "s", "p99": "s", "max": "s", "served": "share"},
    units={
        "ms (p95)": "ms(p95)",
        OF_SUCCESSES: "ms(成功した呼び出しのp95)",
    },
)
def response_times(run: Run) -> Iterator[Finding]:
    """Response time; for slow tools, what the gateway adds, judged in its place."""
    calls = run.ok & run.judged
    own = tool_times.of_calls(run)
    middle = percentiles.median(Values(own, calls & ~np.isnan(own)))
    whole = percentiles.response(run, calls)
    if not middle >= SLOW:  # nor where nothing was told
        yield _finding(run, whole, "response time = done − planned", calls=calls)
        return
    what = f"gateway overhead = response − the upstream's own time (its median is {middle:.2f} s)"
    yield _finding(run, _added(run, calls), what, calls=calls)
    yield _finding(run, whole, "whole response time, the upstream's own included", calls=calls, part="whole")


def _added(run: Run, calls: Mask) -> Values:
    """Response − the tool's own time; of a fast tool that tells none the whole response."""
    told = percentiles.overhead(run, calls)
    silent = calls & ~told.mask & ~run.samples["tool"].isin(concurrency.slow_tools(run))
    if not silent.any():
        return told
    own = tool_times.of_calls(run)
    response = run.samples["done"] - run.samples["planned"]
    return Values(response - np.where(silent, 0.0, own.whole()), told.mask | silent)


def _finding(run: Run, seconds: Values, what: str, *, calls: Mask, part: str = "") -> Finding:
    found = percentiles.of(seconds)
    figures = {} if part else {name: getattr(found, name) for name in ("p50", "p95", "p99", "max")}
    sent = int((run.sent & run.judged).sum())
    if sent and not part:
        figures["served"] = int(calls.sum()) / sent
    return Finding(
        percentiles.milliseconds(found.p95),
        OF_SUCCESSES if figures.get("served", 1.0) < MOST else "ms (p95)",
        _evidence(run, found, what),
        figures=figures,
        part=part,
        rows=() if part else tuple(_rows(run, calls, found)),
    )


def _evidence(run: Run, found: Percentiles, what: str) -> str:
    if not found.count:
        return f"No call succeeded, so there is no {what}."
    p50, p95, p99, most = (f"{value * 1000:,.1f}" for value in (found.p50, found.p95, found.p99, found.max))
    sent = int((run.sent & run.judged).sum())
    groups = "" if run.judged.all() else " of the judged groups"
    figures = f"p50 {p50}, p95 {p95}, p99 {p99}, max {most} ms"
    return f"{figures} over {found.count:,} successful calls{groups} of {sent:,}; {what}.{_throttled(run)}"


def _throttled(run: Run) -> str:
    share = real_nano.throttled(run, 0.0, run.load_end)
    return f" The origin's nano was throttled in {share:.0%} of its CPU periods meanwhile." if share else ""


def _rows(run: Run, calls: Mask, everything: Percentiles) -> Iterator[dict[str, float | int | str | None]]:
    """A row for each tool where there are several."""
    tools, _ = run.samples["tool"].of(calls).counts()
    if len(tools) < 2:
        return
    for code in tools:
        mine = percentiles.of(percentiles.response(run, calls & (run.samples["tool"] == code)))
        yield {"tool": run.manifest.tools[int(code)], **_ms(mine)}
    yield {"tool": "all", **_ms(everything)}


def _ms(found: Percentiles) -> dict[str, float | int | None]:
    return {"calls" if key == "count" else f"{key} ms": value for key, value in found.ms().items()}

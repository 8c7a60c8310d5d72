"""Plots of what the load engine did and what callers saw, from the samples."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from telemetry.recording.sample import REFUSALS, Outcome
from verdicts.measure.arrivals.ledger import late_after
from verdicts.measure.calls import gateway_overhead, outcomes
from verdicts.measure.calls.percentiles import Percentiles
from verdicts.measure.calls.series import PerSecond
from verdicts.measure.target import origins
from verdicts.report.figure import Figure, Trace, bars, line, steps
from verdicts.run.reading import Floats, Run
from verdicts.thresholds import Threshold

_PERCENTILES = (("p50", "c2"), ("p95", "c1"), ("p99", "c3"), ("max", "faint"))


def attack(run: Run, seconds: PerSecond, delay: Percentiles) -> Iterator[Figure]:
    """Arrivals, in flight, start delay."""
    yield _arrivals(run, seconds)
    yield _in_flight(run, seconds)
    yield _start_delay(run, seconds, delay)


def service(run: Run, seconds: PerSecond) -> Iterator[Figure]:
    """Response times, outcomes, status codes."""
    yield _response(run, seconds)
    if gateway_overhead.is_part(run):
        yield _added(run, seconds)
    yield _outcomes(run, seconds)
    yield _status(run, seconds)


def _arrivals(run: Run, seconds: PerSecond) -> Figure:
    x = seconds.seconds
    planned, sent = seconds.counts("planned", run.arrivals), seconds.counts("sent", run.sent)
    dropped = seconds.counts("planned", run.arrivals & run.became(Outcome.DROPPED))
    traces = [
        steps("planned", x, planned, "faint", width=6),
        steps("sent", x, sent, "c1"),
    ]
    if dropped.any():
        traces.append(bars("dropped", x, dropped, "bad"))
    summary = (
        f"Planned {planned.sum():,} arrivals, at most {planned.max():,} in one second; "
        f"sent {sent.sum():,}, at most {sent.max():,}; dropped {dropped.sum():,}."
    )
    return Figure("arrivals", "Arrivals planned and sent", "a second", "measured", summary, traces)


def _in_flight(run: Run, seconds: PerSecond) -> Figure:
    traces = [steps("callers: most in each second", seconds.seconds, seconds.in_flight, "c1")]
    for color, source in zip(("c2", "c3"), origins.sources(run), strict=False):
        t, level = run.target.series(source, "mcpist_in_flight")
        if t.size:
            traces.append(line(f"{source}: at each scrape", t, level, color))
    peak = seconds.in_flight
    at = f", in second {seconds.seconds[peak.argmax()]}" if peak.any() else ""
    summary = f"At most {peak.max(initial=0):,} calls were in flight at once, seen from the callers{at}."
    return Figure("in-flight", "Calls in flight", "calls", "measured", summary, traces)


def _start_delay(run: Run, seconds: PerSecond, delay: Percentiles) -> Figure:
    late = late_after(run) * 1000
    bounds = [(late, f"late from {late:g} ms")] if delay.max * 1000 > late / 4 else []
    summary = "No call went out."
    if delay.count:
        summary = (
            f"Calls went out {delay.p50 * 1000:.2f} ms after their planned instant at the median, "
            f"{delay.p99 * 1000:.2f} ms at p99, {delay.max * 1000:.2f} ms at most; late is over {late:g} ms."
        )
    traces = [trace for trace in _lines(seconds, seconds.start_delay) if trace.name != "p95"]
    return Figure("start-delay", "Start delay of the load itself", "ms", "measured", summary, traces, bounds)


def _response(run: Run, seconds: PerSecond) -> Figure:
    whole = seconds.response
    worst = whole["p95"] * 1000
    summary = "No call succeeded."
    if not np.isnan(worst).all():
        at = int(np.nanargmax(worst))
        summary = (
            f"Over successful calls, from the planned instant. The worst second's p95 was "
            f"{worst[at]:,.1f} ms, in second {seconds.seconds[at]}; the slowest call took "
            f"{np.nanmax(whole['max']) * 1000:,.1f} ms."
        )
    bounds = [] if gateway_overhead.is_part(run) else _response_bounds(run, whole)
    return Figure("response", "Response time", "ms", "measured", summary, _lines(seconds, whole), bounds)


def _added(run: Run, seconds: PerSecond) -> Figure:
    part = seconds.gateway_overhead
    summary = (
        "The same without the slow tools' own time, as far as they told it: what the gateway answers for. "
        f"At most {np.nanmax(part['max']) * 1000:,.1f} ms."
    )
    bounds = _response_bounds(run, part)
    return Figure("added", "Time the gateway adds", "ms", "measured", summary, _lines(seconds, part), bounds)


TIMES = ("p50", "p95", "p99", "max")


def _response_bounds(run: Run, series: dict[str, Floats]) -> list[tuple[float, str]]:
    """The scenario's own bounds on response times, where they are near enough to be seen."""
    threshold = Threshold.parse(run.scenario.get("thresholds", {}).get("P1.7", "p95 <= 2 s"))
    bounds = [(one.in_base_unit("s"), str(one)) for one in threshold.about(TIMES).bounds]
    highest = float(np.nanmax(series["max"], initial=0.0))
    return [(bound * 1000, text) for bound, text in bounds if bound <= 4 * highest]


def _lines(seconds: PerSecond, series: dict[str, Floats]) -> list[Trace]:
    x = seconds.seconds
    return [steps(name, x, series[name] * 1000, color) for name, color in _PERCENTILES]


def _outcomes(run: Run, seconds: PerSecond) -> Figure:
    x, out = seconds.seconds, run.sent
    traces = [bars("ok", x, seconds.counts("done", ok := out & run.became(Outcome.OK)), "good")]
    failed = out & run.became(Outcome.FAILED)
    shades = {True: iter(["warn", "warn-2", "warn-3"]), False: iter(["bad", "bad-2", "bad-3"])}
    for reason in run.reasons(failed):
        color = next(shades[reason in REFUSALS], "faint")
        mask = out & outcomes.failed_by(run, (reason,))
        traces.append(bars(_kind(reason), x, seconds.counts("done", mask), color))
    if (aborted := seconds.counts("done", out & run.became(Outcome.ABORTED))).any():
        traces.append(bars("aborted by us", x, aborted, "faint"))
    found = outcomes.of(run, run.sent)
    summary = (
        f"{ok.sum():,} calls succeeded, {found.refusal_count:,} were refused by a protection, "
        f"{found.error_count:,} ended in an error."
    )
    return Figure(
        "outcomes", "What became of the calls", "ended a second", "measured", summary, traces, stacked=True
    )


def _kind(reason: str) -> str:
    return f"refused: {reason}" if reason in REFUSALS else f"error: {reason}"


def _status(run: Run, seconds: PerSecond) -> Figure:
    series = seconds.by_value("done", run.sent, "status")
    shades = {
        2: ["good", "good-2"],
        4: ["warn", "warn-2", "warn-3"],
        5: ["bad", "bad-2", "bad-3"],
        0: ["faint"],
    }
    traces = []
    for code, counts in series.items():
        left = shades.get(code // 100, ["c3"])
        color = left.pop(0) if len(left) > 1 else left[0]
        traces.append(bars(str(code) if code else "no answer", seconds.seconds, counts, color))
    told = ", ".join(f"{trace.name}: {trace.y.sum():,}" for trace in traces)
    return Figure(
        "status",
        "Status codes",
        "ended a second",
        "measured",
        f"{told or 'No call ended'}.",
        traces,
        stacked=True,
    )

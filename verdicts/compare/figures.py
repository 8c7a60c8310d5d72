"""The figures of a run that are held against another's: what each is, which way is better, its noise floor.

    slow = slow_tools(runs)                      # alike for all runs of a comparison
    FIGURES["p95"].witnesses[0].read(View(run, slow))   → Reading(value, calls, why)

A value is in its base unit (s, share, bytes, req/s, or a count), NaN where it could not be taken. Shares and
times are those of the judged users (all, where a scenario has no attackers). Times are over successful
calls: a percentile needs `BEYOND` of them above it. Tools that take their upstream a second or more are
judged by what the gateway adds. A difference within the noise floor is never told apart:

    every figure    5 % of A's value; a share 0.1 points, which is what a valid run may lose
    a time          also the load's own start delay at the same percentile, at least 1 ms
    a count         also 2
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Final, Literal, NamedTuple

import numpy as np

from verdicts.measure.calls import outcomes, percentiles, series
from verdicts.measure.calls.concurrency import SLOW
from verdicts.measure.target import origins
from verdicts.run.reading import Floats, Mask, Run
from verdicts.run.samples import Values

Basis = Literal["measured", "modelled"]
NAN: Final = float("nan")
BEYOND: Final = 5  # successful calls that must lie above a percentile
FLOOR: Final = 0.05  # of the value
FLOORS: Final = {"s": 0.001, "share": 0.001, "": 2.0}
UNITS: Final[dict[str, tuple[float, str]]] = {  # base unit → factor and unit that people read
    "s": (1e3, "ms"),
    "share": (1e2, "%"),
    "bytes": (2.0**-20, "MiB"),
    "req/s": (1.0, "req/s"),
    "": (1.0, ""),
}
Share = Literal["p50", "p95", "p99"]
SHARES: Final[dict[Share, float]] = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


class Reading(NamedTuple):
    """A figure of one run. `calls`: how many it is over; `why`: what kept it from being taken."""

    value: float
    calls: int = 0
    why: str = ""


@dataclass(frozen=True, eq=False)
class View:
    """A run, and the tools (as `run.json` labels them) that are judged by what the gateway adds.

    `span`: only calls planned within, seconds since start; a part is asked for its noise, so it needs no
    least number of calls.
    """

    run: Run
    slow: frozenset[str]
    span: tuple[float, float] | None = None

    @property
    def judged(self) -> Mask:
        """Scheduled calls of the judged users that went out."""
        mask: Mask = self.run.sent & self.run.judged
        if self.span is None:
            return mask
        planned = self.run.samples["planned"]
        mask &= (planned >= self.span[0]) & (planned < self.span[1])
        return mask

    def parts(self, count: int) -> Iterator[View]:
        """The load's time in so many equal parts."""
        edges = np.linspace(0.0, self.run.load_end, count + 1)
        yield from (View(self.run, self.slow, span) for span in pairwise(edges.tolist()))

    def succeeded(self, *, slow: bool) -> Mask:
        """The judged users' successful calls of slow tools, or of all others."""
        mask: Mask = self.judged & self.run.ok & (self.run.of_tools(self.slow) == slow)
        return mask


class Witness(NamedTuple):
    """One way to take a figure; `said` ends the sentence "… by" or "… of"."""

    said: str
    read: Callable[[View], Reading]
    basis: Basis = "measured"


@dataclass(frozen=True)
class FigureKind:
    """One figure. The first witness that every run can bring is asked, and the same one of all of them."""

    id: str
    title: str  # {users} are the judged ones, as `titled` puts them
    unit: str  # the base unit
    better: Literal["lower", "higher"]
    witnesses: tuple[Witness, ...]
    delay: Share | None = None  # a time: the start delay's percentile that is its floor
    own: bool = False  # about the load, not about the target

    @property
    def scale(self) -> Literal["ratio", "share"]:
        """How `verdicts.compare.statistics` looks at it."""
        return "share" if self.unit == "share" else "ratio"

    @property
    def floor_relative(self) -> float:
        """Share of the value within which nothing is told apart."""
        return 0.0 if self.unit == "share" else FLOOR

    def floor(self, views: Iterable[View]) -> float:
        """The same in the base unit, for these runs."""
        least = FLOORS.get(self.unit, 0.0)
        return least if self.delay is None else max(least, *(_delay(view, self.delay) for view in views))

    def titled(self, run: Run) -> str:
        """The title for a run: `success rate of innocent users` where the scenario has attackers."""
        return self.title.format(users="all users" if run.judged.all() else "innocent users")

    def shown(self, value: float) -> str:
        """A value with the unit that people read."""
        factor, unit = UNITS[self.unit]
        return "–" if math.isnan(value) else f"{number(value * factor)} {unit}".strip()


def number(value: float) -> str:
    """Four digits, thousands apart."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def slow_tools(runs: Iterable[Run]) -> frozenset[str]:
    """Tools whose upstream told a median of `SLOW` or more, over the successful calls of all these runs."""
    told: dict[str, list[Floats]] = {}
    for run in runs:
        for code, label in enumerate(run.manifest.tools):
            told.setdefault(label, []).append(
                np.asarray(percentiles.upstream(run, run.ok & (run.samples["tool"] == code)))
            )
    pooled = {label: np.concatenate(parts) for label, parts in told.items()}
    return frozenset(label for label, times in pooled.items() if times.size and np.median(times) >= SLOW)


def read(kind: FigureKind, views: Iterable[View]) -> tuple[Witness, list[Reading]]:
    """A figure of several runs by the first witness that all of them can bring; else by the last."""
    views = list(views)
    for witness in kind.witnesses:
        found = [witness.read(view) for view in views]
        if not any(math.isnan(one.value) for one in found):
            break
    return witness, found


def _delay(view: View, share: Share) -> float:
    seconds = percentiles.of(percentiles.start_delay(view.run, view.run.sent))
    return float(np.nan_to_num(getattr(seconds, share)))


def _peak(name: str) -> Callable[[View], Reading]:
    return lambda view: _told(origins.peak(view.run, name), name)


def _told(value: float, name: str) -> Reading:
    return Reading(value, why=f"{origins.UNSEEN} ({name})" if math.isnan(value) else "")


def _callers(view: View) -> Reading:
    return Reading(float(series.peak_in_flight(view.run)))


def _load(view: View) -> Reading:
    seconds = view.run.load_end
    return _told(origins.requests(view.run) / seconds if seconds else NAN, origins.REQUESTS)


def _share(of: Callable[[Run], Mask], view: View) -> Reading:
    sent = int(view.judged.sum())
    if not sent:
        return Reading(NAN, why="no call was sent")
    return Reading(float((view.judged & of(view.run)).sum()) / sent, sent)


def _succeeded(run: Run) -> Mask:
    return run.ok


def _response(share: Share, view: View) -> Reading:
    return _percentile(view, percentiles.response(view.run, view.succeeded(slow=False)), share)


def _added(share: Share, view: View) -> Reading:
    if not view.slow:
        return Reading(NAN, why="no tool that tells its upstream's time takes a second or more")
    return _percentile(view, percentiles.overhead(view.run, view.succeeded(slow=True)), share)


def _percentile(view: View, seconds: Values, share: Share) -> Reading:
    found = percentiles.of(seconds)
    needed = 1 if view.span else round(BEYOND / (1 - SHARES[share]))
    if found.count < needed:
        return Reading(NAN, found.count, f"{found.count:,} successful calls, {needed:,} are needed")
    return Reading(getattr(found, share), found.count)


def _start_delay(view: View) -> Reading:
    return _percentile(view, percentiles.start_delay(view.run, view.run.sent), "p99")


_MODELLED: Final = Witness("the nano model", _peak("mcpist_memory_bytes"), "modelled")
_RESIDENT: Final = Witness("the process itself", _peak("process_resident_memory_bytes"))
_IN_FLIGHT: Final = (
    Witness("the origin's own high-water mark of tool calls", _peak("mcpist_tool_calls_peak")),
    Witness("the origin's own high-water mark of requests", _peak("mcpist_in_flight_peak")),
    Witness("the origin's gauge at each scrape", _peak("mcpist_in_flight")),
    Witness("the callers", _callers),
)


def _shares(of: Callable[[Run], Mask]) -> tuple[Witness, ...]:
    return (Witness("the callers", partial(_share, of)),)


def _times(
    take: Callable[[Share, View], Reading], share: Share, said: str = "the callers"
) -> tuple[Witness, ...]:
    return (Witness(said, partial(take, share)),)


_ALL: Final = (
    FigureKind("peak", "peak in flight at the origin", "", "lower", _IN_FLIGHT),
    FigureKind("success", "success rate of {users}", "share", "higher", _shares(_succeeded)),
    FigureKind("errors", "error rate of {users}", "share", "lower", _shares(outcomes.errors)),
    FigureKind("refused", "share refused of {users}", "share", "lower", _shares(outcomes.refused)),
    FigureKind("p50", "response p50 of {users}", "s", "lower", _times(_response, "p50"), "p50"),
    FigureKind("p95", "response p95 of {users}", "s", "lower", _times(_response, "p95"), "p95"),
    FigureKind("p99", "response p99 of {users}", "s", "lower", _times(_response, "p99"), "p99"),
    FigureKind("added", "gateway overhead p95 on slow tools", "s", "lower", _times(_added, "p95"), "p95"),
    FigureKind("memory", "origin memory", "bytes", "lower", (_MODELLED, _RESIDENT)),
    FigureKind("load", "origin load", "req/s", "lower", (Witness("the origin's counter", _load),)),
    FigureKind(
        "delay", "start delay p99", "s", "lower", (Witness("the load engine", _start_delay),), own=True
    ),
)
FIGURES: Final[Mapping[str, FigureKind]] = {kind.id: kind for kind in _ALL}

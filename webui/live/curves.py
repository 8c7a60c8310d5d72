"""The curves of one run as the attack page draws them: from its ledgers, samples, scrapes and events alone.

    {"key", "run", "width", "end", "bands": [{"kind", "name", "start", "end"}],
     "charts": [{"id", "title", "unit", "rate", "lines": [{"name", "look", "y": [number or null, …]}]}]}

A line has one value a bin; bin k is of the seconds from k × `width` on. Where `rate` is true values are
counts, and it is the page that divides them by the width. `end` is how far the axis goes, seconds. `key`
changes with what is shown. A run that ends as planned has at most `MOST` bins, and those of its drain.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from scenarios.parts import Phase
from telemetry.recording.sample import REFUSALS
from telemetry.recording.tail import LineTail
from telemetry.run_folder.lines import Event
from webui.live.call_curves import CallCurves
from webui.live.ledger_counts import LedgerCounts
from webui.live.spread import SHARES, Spread
from webui.live.target_rows import TargetRows

MOST: Final = 600
MOST_REASONS: Final = 6  # lines of their own; the rest is one
Line = dict[str, Any]


def bin_width(duration: float) -> float:
    """Seconds: one, unless the run is so long that there would be too many."""
    return float(max(math.ceil(duration / MOST), 1))


class Curves:
    """One run. `read` takes in what is new; `shown` gives all of it."""

    def __init__(
        self,
        run_dir: Path,
        duration: float,
        phases: Iterable[Phase],
        target: TargetRows,
        give_way: Callable[[], object] = lambda: None,
    ) -> None:
        """`target` is read by whoever made it; `give_way` lets others have their turn."""
        self._run = run_dir.name
        self._duration = duration
        self._width = bin_width(duration)
        self._counts = LedgerCounts(run_dir, self._width, duration)
        self._calls = CallCurves(run_dir, self._width, give_way)
        self._target = target
        self._events = LineTail(run_dir / "events.jsonl", Event)
        self._phases = [_band("phase", one.name, one.start, one.end) for one in phases]
        self._faults: dict[Any, dict[str, Any]] = {}

    def read(self) -> None:
        """Take in what is new: ledgers first, so that all samples are read of the seconds they tell of."""
        self._counts.read()
        self._calls.read()
        for event in self._events.read():
            self._heed(event)

    def key(self, over: bool) -> str:
        """What is shown now, in short; `over`: nothing more will come."""
        return f"{self._run} {self._counts.bins(over)} {over}"

    def shown(self, over: bool) -> dict[str, Any]:
        """All curves, of every bin that is complete."""
        bins = self._counts.bins(over)
        counts, calls = self._counts.curves(bins), self._calls
        planned = [_line(key, key, counts[key]) for key in ("planned", "sent", "done")]
        dropped = [_line("dropped", "error-0", counts["dropped"])] if any(counts["dropped"]) else []
        callers = _line("callers", "c1", counts["in_flight"])
        origins = self._target.in_flight(bins).items()
        return {
            "key": self.key(over),
            "run": self._run,
            "width": self._width,
            "end": max(bins * self._width, self._duration),
            "bands": [*self._phases, *self._faults.values()],
            "charts": [
                _chart("arrivals", "Arrivals", "a second", [*planned, *dropped], rate=True),
                _chart("in-flight", "In flight", "calls", [callers, *_several(origins)]),
                _chart("response", "Response time of successes", "ms", _percentiles(calls.response, bins)),
                _chart("failures", "Refusals and errors", "a second", self._failures(bins), rate=True),
                _chart("start-delay", "Start delay", "ms", _percentiles(calls.delay, bins)),
            ],
        }

    def _heed(self, event: Event) -> None:
        number, state = event.detail.get("number"), event.detail.get("state")
        if event.kind == "fault" and state == "begins":
            target = event.detail.get("target")
            name = f"{event.name} ({target})" if target else event.name
            self._faults[number] = _band("fault", name, event.t, None)
        elif event.kind == "fault" and state == "ends" and number in self._faults:
            self._faults[number]["end"] = event.t

    def _failures(self, bins: int) -> list[Line]:
        found = sorted(self._calls.failures.items(), key=lambda one: -one[1].total())
        looks = {True: iter(range(3)), False: iter(range(3))}
        lines = []
        for reason, counts in found[:MOST_REASONS]:
            kind = "refusal" if reason in REFUSALS else "error"
            look = f"{kind}-{next(looks[reason in REFUSALS], 2)}"
            lines.append(_line(reason, look, [counts[number] for number in range(bins)]))
        if rest := found[MOST_REASONS:]:
            lines.append(_line("other", "rest", [sum(c[number] for _, c in rest) for number in range(bins)]))
        return lines


def _chart(id: str, title: str, unit: str, lines: list[Line], *, rate: bool = False) -> dict[str, Any]:
    return {"id": id, "title": title, "unit": unit, "rate": rate, "lines": lines}


def _line(name: str, look: str, y: Sequence[float | None]) -> Line:
    return {"name": name, "look": look, "y": list(y)}


def _band(kind: str, name: str, start: float, end: float | None) -> dict[str, Any]:
    """`end` None: it goes on."""
    return {"kind": kind, "name": name, "start": start, "end": end}


def _several(found: Iterable[tuple[str, Sequence[float | None]]]) -> list[Line]:
    return [_line(name, f"c{2 + place % 2}", y) for place, (name, y) in enumerate(found)]


def _percentiles(spread: Spread, bins: int) -> list[Line]:
    found = [spread.percentiles(number) for number in range(bins)]
    return [_line(name, name, [one.get(name) for one in found]) for name in SHARES]

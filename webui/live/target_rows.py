"""What the target's own metrics say: one row a source from its last two scrapes, and its calls in flight.

Read from `target.jsonl` while it is added to.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from telemetry.recording.tail import LineTail
from telemetry.run_folder.lines import Scrape

COLUMNS: Final = {
    "requests": ("mcpist_requests_total", "mcpist_upstream_requests_total"),
    "in_flight": ("mcpist_in_flight", "mcpist_upstream_in_flight"),
    "refused": ("mcpist_refused_total",),
    "memory_mb": ("mcpist_memory_bytes",),
    "goroutines": ("mcpist_goroutines",),
    "db_used": ('mcpist_db_connections{state="used"}', 'stack_db_connections{state="used"}'),
    "cpu_s": ("process_cpu_seconds_total",),
}
RATES: Final = {"requests_rate": "requests", "refused_rate": "refused", "cpu_rate": "cpu_s"}
"""How much a column grew a second, between the last two scrapes."""
TITLES: Final = {
    "requests": "Requests",
    "requests_rate": "Requests/s",
    "in_flight": "In flight",
    "refused": "Refused",
    "refused_rate": "Refused/s",
    "memory_mb": "Memory MB",
    "goroutines": "Goroutines",
    "db_used": "DB connections",
    "cpu_s": "CPU s",
    "cpu_rate": "Cores",
}
MODEL: Final = "mcpist_nano_state"
"""A source that has it computes its nano: there these columns are no measurement."""
MODELLED: Final = ("memory_mb", "goroutines")
MEGABYTE: Final = 1e6
ORIGINS: Final = ("origin-", "target-")  # sources that are one


class TargetRows:
    """The sources of one run folder."""

    def __init__(self, run_dir: Path, width: float) -> None:
        """`width` of a bin of `in_flight`, seconds."""
        self._tail = LineTail(run_dir / "target.jsonl", Scrape)
        self._width = width
        self._last: dict[str, tuple[float, dict[str, float | None]]] = {}
        self._rows: dict[str, dict[str, Any]] = {}
        self._in_flight: dict[str, dict[int, float]] = {}

    def read(self) -> None:
        """Take in the scrapes that are new."""
        while scrapes := self._tail.read():
            for scrape in scrapes:
                self._add(scrape)

    def rows(self) -> list[dict[str, Any]]:
        """`source`, `up`, `t` and every column and rate, by source; None where a source has no such metric.

        `modelled`: the columns that are no measurement. A source that answers and has none is left out.
        """
        found = [self._rows[source] for source in sorted(self._rows)]
        return [row for row in found if not row["up"] or any(row[column] is not None for column in COLUMNS)]

    def in_flight(self, bins: int) -> dict[str, list[float | None]]:
        """Origin → its calls in flight at the last scrape in each of so many bins; None without one."""
        return {
            source: [levels.get(number) for number in range(bins)]
            for source, levels in sorted(self._in_flight.items())
        }

    def _add(self, scrape: Scrape) -> None:
        now = {column: _sum(scrape.values, names) for column, names in COLUMNS.items()}
        t, before = self._last.get(scrape.source, (scrape.t, {}))
        rates = {rate: _growth(before.get(of), now[of], scrape.t - t) for rate, of in RATES.items()}
        if scrape.up:
            self._last[scrape.source] = scrape.t, now
        memory = now["memory_mb"]
        shown = {**now, **rates, "memory_mb": None if memory is None else memory / MEGABYTE}
        about = {"source": scrape.source, "up": scrape.up, "t": scrape.t}
        modelled = MODELLED if _sum(scrape.values, (MODEL,)) is not None else ()
        self._rows[scrape.source] = {**about, **shown, "modelled": modelled}
        level = now["in_flight"]
        if level is not None and scrape.t >= 0 and scrape.source.startswith(ORIGINS):
            self._in_flight.setdefault(scrape.source, {})[int(scrape.t / self._width)] = level


def _growth(before: float | None, now: float | None, seconds: float) -> float | None:
    """A second; None where it is not known. A counter that fell began again at 0."""
    if before is None or now is None or seconds <= 0:
        return None
    return (now if now < before else now - before) / seconds


def _sum(values: Mapping[str, float], names: tuple[str, ...]) -> float | None:
    """The sum of the series of the first name that there is; a name with labels is one series."""
    for name in names:
        found = [value for key, value in values.items() if key == name or key.partition("{")[0] == name]
        if found:
            return sum(found)
    return None

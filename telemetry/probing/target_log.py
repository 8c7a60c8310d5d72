"""Reads `target.jsonl` back: what each source said, as arrays over time.

    log = read(run / "target.jsonl")
    t, v = log.series("origin-a", "mcpist_in_flight")
    log.total("origin-a", "mcpist_requests_total", span=(0.0, 60.0), method="POST")
    log.sum("mcpist_requests_total", "origin-", method="POST")

Times are seconds since the run's start. Labels select: every series that carries them counts, and
several are added up. A counter that falls was reset (its process restarted): it is taken to have begun
again at 0. A counter that appears later than its source was 0 before, and one that is absent from an answer
is at 0 again: its process lacks it until it counts. `stack` tells of others, so there it was not read. A
scrape that failed is no reading. A torn last line is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from telemetry.run_folder.lines import Scrape
from telemetry.run_folder.reading import lines

Array = NDArray[np.float64]
Span = tuple[float, float]
ALWAYS: Final[Span] = (float("-inf"), float("inf"))
OF_OTHERS: Final = "stack"  # the source whose figures are not its own process's
_LABEL: Final = re.compile(r'([^=,]+)="((?:[^"\\]|\\.)*)"')
_ESCAPED: Final = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True)
class Scrapes:
    """One source. `t` of the scrapes that it answered; series → values, NaN where it lacked one."""

    t: Array
    values: dict[str, Array]
    down: Array  # times of the scrapes that failed
    waited: Array  # seconds that each of these took to fail


class TargetLog:
    """All sources of a run."""

    def __init__(self, sources: dict[str, Scrapes]) -> None:
        self.sources = sources

    def series(self, source: str, name: str, **labels: str) -> tuple[Array, Array]:
        """Times and values, over the scrapes that held such a series; empty if none did."""
        found = list(self._matching(source, name, labels))
        if not found:
            return np.empty(0), np.empty(0)
        stacked = np.vstack(found)
        held = ~np.isnan(stacked).all(axis=0)
        return self.sources[source].t[held], np.nansum(stacked[:, held], axis=0)

    def total(self, source: str, name: str, *, span: Span = ALWAYS, **labels: str) -> float:
        """The increase of a counter from the last scrape at or before span[0] to the last by span[1].

        Without a scrape before the span its first one is the base. NaN if there is no such counter.
        """
        of_others = source == OF_OTHERS
        increases = [
            increase(self.sources[source].t, value, span, unread=of_others)
            for value in self._matching(source, name, labels)
        ]
        return float(np.sum(increases)) if increases else float("nan")

    def sum(self, name: str, source_prefix: str = "", *, span: Span = ALWAYS, **labels: str) -> float:
        """`total` over every source whose name begins so; NaN if none has the counter."""
        totals = [
            self.total(source, name, span=span, **labels)
            for source in self.sources
            if source.startswith(source_prefix)
        ]
        known = [total for total in totals if not np.isnan(total)]
        return float(np.sum(known)) if known else float("nan")

    def _matching(self, source: str, name: str, labels: dict[str, str]) -> Iterator[Array]:
        scrapes = self.sources.get(source)
        for key, value in scrapes.values.items() if scrapes else ():
            if key.partition("{")[0] == name and labels.items() <= parse_labels(key).items():
                yield value


def increase(t: Array, value: Array, span: Span = ALWAYS, *, unread: bool = False) -> float:
    """How much a counter rose in the span, restarts from 0 included. NaN counts as not yet there: 0.

    `unread`: a NaN behind a value says nothing.
    """
    first = max(int(np.searchsorted(t, span[0], side="right")) - 1, 0)
    inside = value[first : int(np.searchsorted(t, span[1], side="right"))]
    there = ~np.isnan(inside)
    if not there.any():
        return 0.0
    there[0] = True
    known = np.nan_to_num(inside[there] if unread else inside, nan=0.0)
    steps = np.diff(known)
    return float(np.where(steps < 0, known[1:], steps).sum())


def parse_labels(key: str) -> dict[str, str]:
    """The labels of a series' key."""
    inner = key.partition("{")[2].removesuffix("}")
    return {
        label: _ESCAPED.sub(lambda found: "\n" if found[1] == "n" else found[1], value)
        for label, value in _LABEL.findall(inner)
    }


def read(path: Path) -> TargetLog:
    """Read the file; one that is absent or empty has no source. Raises RunFolderError."""
    by_source: dict[str, list[Scrape]] = {}
    for scrape in lines(path, Scrape):
        by_source.setdefault(scrape.source, []).append(scrape)
    return TargetLog({source: _scrapes(found) for source, found in by_source.items()})


def _scrapes(told: list[Scrape]) -> Scrapes:
    up = [one for one in told if one.up]
    down, waited = (
        np.array([getattr(one, name) for one in told if not one.up], dtype=np.float64)
        for name in ("t", "took_s")
    )
    keys = dict.fromkeys(key for one in up for key in one.values)
    nan = float("nan")
    columns = {key: np.array([one.values.get(key, nan) for one in up], np.float64) for key in keys}
    return Scrapes(np.array([one.t for one in up], dtype=np.float64), columns, down, waited)

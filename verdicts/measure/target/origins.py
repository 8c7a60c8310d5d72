"""What the origins said of themselves: the bundled stack's `origin-*`, or a target's own metrics."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from verdicts.measure.target.cpu import rates, since_start
from verdicts.run.reading import Floats, Run

UNSEEN: Final = "Not observed: the target shows no metrics that tell it"
REQUESTS: Final = "mcpist_requests_total"
TOGETHER: Final = 0.5  # seconds that scrapes of several origins may lie apart, and be of one instant


def sources(run: Run) -> list[str]:
    """The origins among the probed sources."""
    prefix = "origin-" if run.manifest.bundled else "target-"
    return sorted(source for source in run.target.sources if source.startswith(prefix))


def named(run: Run) -> str:
    """The origins as words."""
    return " and ".join(sources(run))


def path_labels(run: Run) -> dict[str, Any]:
    """Our own calls, where the source tells paths apart."""
    path = run.manifest.path
    told = any(f'path="{path}"' in key for one in sources(run) for key in run.target.sources[one].values)
    return {"path": path} if told else {}


def requests(run: Run) -> float:
    """How many of our calls reached the origins; NaN where they do not tell."""
    totals = [run.target.total(source, REQUESTS, **path_labels(run)) for source in sources(run)]
    known = [total for total in totals if not np.isnan(total)]
    return float(np.sum(known)) if known else float("nan")


def request_rate(run: Run) -> tuple[Floats, Floats]:
    """(interval ends, req/s) of all origins together, as they were scraped."""
    return summed(run, REQUESTS, **path_labels(run))


def summed(run: Run, counter: str, **labels: str) -> tuple[Floats, Floats]:
    """(interval ends, increase per second) of a counter over all origins, on the scrapes of all of them."""
    told = [run.target.series(source, counter, **labels) for source in sources(run)]
    parts = [(float(t[0]), *rates(t, values)) for t, values in told if t.size > 1]
    t = np.sort(np.concatenate([np.empty(0), *(ends for _, ends, _ in parts)]))
    t = t[np.diff(t, prepend=-np.inf) > TOGETHER]
    return t, np.sum([np.zeros(t.size), *(_at(t, *part) for part in parts)], axis=0)


def _at(t: Floats, first: float, ends: Floats, values: Floats) -> Floats:
    """The value of the interval that each `t` lies in; 0 outside. `first`: where the first one begins."""
    if not ends.size:
        return np.zeros(t.size)
    near = np.searchsorted(ends, t - TOGETHER)
    return np.where((near < ends.size) & (t > first), values[np.minimum(near, ends.size - 1)], 0.0)


def in_flight_peak(run: Run) -> tuple[float, str]:
    """(the most at once at one origin, how it is known); NaN where they do not tell."""
    for name, how in (
        ("mcpist_in_flight_peak", "the most at once, by its own high-water mark"),
        ("mcpist_in_flight", "the most seen in a scrape a second, so the true peak may be higher"),
    ):
        found = [since_start(*run.target.series(source, name))[1] for source in sources(run)]
        peaks = [float(values.max()) for values in found if values.size]
        if peaks:
            return max(peaks), how
    return float("nan"), ""


def peak(run: Run, name: str) -> float:
    """The highest value of a gauge at any one origin since load started; NaN where none tells it."""
    found = [since_start(*run.target.series(source, name))[1] for source in sources(run)]
    return max((float(values.max()) for values in found if values.size), default=float("nan"))


def last(run: Run, name: str) -> float:
    """A gauge at the last scrape, summed over the origins; NaN where none tells it."""
    found = [run.target.series(source, name)[1] for source in sources(run)]
    told = [float(values[-1]) for values in found if values.size]
    return sum(told) if told else float("nan")


def rows(run: Run) -> Iterator[dict[str, float | int | str | None]]:
    """A row an origin, where there are several."""
    for source in sources(run) if len(sources(run)) > 1 else ():
        total = run.target.total(source, REQUESTS, **path_labels(run))
        yield {"origin": source, "requests": None if np.isnan(total) else round(total)}

"""What the suite itself asked of a target beside the load, and a limiter of the target may have counted.

Metrics are looked at once a second, and so is the health check where a run may end by it. Asked of the
target's own host and port they come from this machine's address, with the `headers` of the target file: to a
limit by address they are like the load where all of it comes from that one, to a limit by user where those
headers hold the one credential. Before load the first account asked what the target speaks and how long its
tools take. None of it is in the samples.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import numpy as np

from verdicts.measure.limits import users
from verdicts.measure.limits.windows import NONE, Spans
from verdicts.run.reading import Run

PORTS: Final = {"http": 80, "https": 443}


def of(run: Run, *, by_address: bool) -> Spans:
    """When each was at the limiter, Unix seconds; none unless one address, or one user, sent all load."""
    one = users.one_address(run) if by_address else users.one_credential(run)
    if run.manifest.bundled or not one:
        return NONE
    found = [*_scrapes(run), _health(run)]
    zero = float(run.manifest.start_wall)
    return Spans(*(zero + np.concatenate(part) for part in zip(*found, strict=True)))


def before(run: Run) -> Spans:
    """When what the first account asked before load was at the limiter, at the latest: Unix seconds."""
    ended = float(run.manifest.start_wall) + np.array(run.manifest.asked_before, dtype=np.float64)
    return Spans(ended, ended)


def _scrapes(run: Run) -> Iterator[Spans]:
    """A look begins with a whole second of the run (`telemetry.probing.probes`), and `t` is when it ended."""
    for number, url in enumerate(run.manifest.target.get("metrics") or ()):
        seen = run.target.sources.get(f"target-{number}")
        if seen is not None and _place(url) == _place(str(run.manifest.target.get("base_url"))):
            yield Spans(np.floor(seen.t), seen.t)
            yield Spans(seen.down - seen.waited, seen.down)


def _health(run: Run) -> Spans:
    """Once in each second of the run, at an instant of it that nobody wrote down."""
    target = run.manifest.target
    asked = any(_by_health(wish) for wish in (target.get("stop_when"), run.scenario.get("stop_when")))
    seconds = np.arange(np.ceil(run.load_end) if asked and target.get("health") else 0, dtype=np.float64)
    return Spans(seconds, seconds + 1)


def _by_health(wish: Mapping[str, Any] | None) -> bool:
    return bool(wish and wish.get("health_failures"))


def _place(url: str) -> tuple[str | None, int | None]:
    parts = urlsplit(url)
    return parts.hostname, parts.port or PORTS.get(parts.scheme)

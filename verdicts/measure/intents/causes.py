"""What can keep a system down after its trigger is gone, each by a figure of its own and a bound.

| cause | figure | bound |
|---|---|---|
| queue | seconds that a request waits at an origin, its scrapes' median: see below | the users' patience |
| repeats | share of the calls that repeat an earlier one | a third |
| sessions | share of the calls that open a session | a tenth |
| connections | share of the calls that paid for a new connection | a half |
| refused | share of the calls that were refused | a tenth |

The queue is the model's for CPU; a real origin has none to look at, and measures what a request has to wait
until it goes to its upstream, for CPU or for what others hold while they wait for it.

Calls of the judged groups alone. Patience: the lesser of `give_up` and `deadline` of their persona
with its preset.
A cache that is cold again shows in none of these: the bundled stack has none but the key set's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from scenarios.agent_presets import PRESETS
from telemetry.recording.sample import REFUSALS, Flag
from verdicts.measure.intents.storm import Storm
from verdicts.run.reading import Mask, Run

MODELLED: Final = "mcpist_nano_cpu_queue_seconds"
MEASURED: Final = "mcpist_queue_seconds"
UNANSWERED: Final = 1.0  # seconds after which a failed scrape had no answer: a connection is refused at once
NEW_CONNECTION: Final = np.uint8(Flag.NEW_CONNECTION)
INITIALIZE: Final = "initialize"


class Cause(NamedTuple):
    """One. `value` is NaN where it could not be seen; `told`: the figure in words."""

    name: str
    value: float
    bound: float
    told: str

    @property
    def over(self) -> bool:
        """It is beyond its bound."""
        return self.value > self.bound


def of(run: Run, storm: Storm) -> list[Cause]:
    """All of them."""
    start, end = storm.aftermath
    sent = run.samples["sent"]
    mine = run.out & run.judged & (sent >= start) & (sent < end)
    return [_queue(run, start, end), *_shares(run, mine)]


def _queue(run: Run, start: float, end: float) -> Cause:
    value, told = float("nan"), "the queue was not seen"
    if modelled := list(_modelled(run, start, end)):
        value = max(modelled)
        told = f"the CPU's queue was {value:.1f} s long (modelled)"
    if measured := list(_measured(run, start, end)):
        value, least = max(measured)
        told = f"requests waited {value:.1f} s {'at least ' * least}before their upstream (measured)"
    return Cause("queue", value, _patience(run), told)


def _modelled(run: Run, start: float, end: float) -> Iterator[float]:
    """The median of each origin's scrapes within the time."""
    for source in run.target.sources:
        t, value = run.target.series(source, MODELLED)
        within = value[(t >= start) & (t < end)]
        if within.size:
            yield float(np.median(within))


def _measured(run: Run, start: float, end: float) -> Iterator[tuple[float, bool]]:
    """The same of real origins, and whether it was that at least.

    A scrape waits as a request does: one without an answer would have waited for longer than the probe did.
    """
    for source, scrapes in run.target.sources.items():
        t, value = run.target.series(source, MEASURED)
        if not t.size:
            continue
        unanswered = (scrapes.down >= start) & (scrapes.down < end) & (scrapes.waited >= UNANSWERED)
        silent = scrapes.waited[unanswered]
        seen = np.concatenate([value[(t >= start) & (t < end)], silent])
        if seen.size:
            median = float(np.median(seen))
            yield median, bool(silent.size and median >= silent.min())


def _patience(run: Run) -> float:
    given = [
        group.get("persona", {}).get("options", {})
        for group in run.scenario.get("groups", ())
        if group.get("judge", True)
    ]
    options = [{**PRESETS.get(one.get("preset", ""), {}), **one} for one in given]
    told = [one.get(name) for one in options for name in ("give_up", "deadline")]
    return min((float(seconds) for seconds in told if seconds), default=float("inf"))


def _shares(run: Run, mine: Mask) -> Iterator[Cause]:
    whole = max(int(mine.sum()), 1)
    refused = [code for code, reason in enumerate(run.manifest.reasons) if reason in REFUSALS]
    fresh = (run.samples["flags"] & NEW_CONNECTION) != 0
    for name, mask, bound, words in (
        ("repeats", run.retries, 1 / 3, "of the calls were repeats"),
        ("sessions", run.of_tools({INITIALIZE}), 0.1, "opened a session"),
        ("connections", fresh, 0.5, "paid for a new connection"),
        ("refused", run.samples["reason"].isin(refused), 0.1, "were refused"),
    ):
        share = int((mine & mask).sum()) / whole
        yield Cause(name, share, bound, f"{share:.0%} {words}")

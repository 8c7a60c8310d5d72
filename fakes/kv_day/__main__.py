"""KV writes of a day by strategy and MAU: computed, replayed, and held against the resilience plan's table.

    python -m fakes.kv_day [--isolates 4] [--seed 1]

Days are replayed until each row has seen 1,000 MAU-days; figures are means of a day. Exit code 1 if a
replayed figure is further than 4 % from the computed one (4 standard deviations of so many turns).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from typing import Any, Final

from fakes.kv_day.model import STRATEGIES, Strategy, Traffic, Writes, writes
from fakes.kv_day.replay import day, replay

MAUS: Final = (10, 100, 1000)
MAU_DAYS: Final = 1000
MOST_OFF: Final = 0.04
# The plan's own table: writes a day, as a range.
PLAN: Final[dict[Strategy, dict[int, tuple[float, float]]]] = {
    "kv-every-request": {10: (50, 100), 100: (1000, 1000), 1000: (10_000, 10_000)},
    "memory-cache": {10: (5, 10), 100: (100, 100), 1000: (1000, 1000)},
}
# Without the quota, so that all that would be written is seen.
PLANS: Final[dict[str, dict[str, Any]]] = {"ideal": {"plan": "ideal"}, "key limit": {"plan": "paid"}}


@dataclass(frozen=True)
class WritesRow:
    """One strategy at one size. `off`: the largest relative difference of replayed and computed."""

    strategy: Strategy
    mau: int
    kv: str
    computed: Writes
    replayed: Writes
    quota_gone: float | None

    @property
    def off(self) -> float:
        """|replayed ÷ computed − 1|, the largest of the four figures."""
        pairs = zip(astuple(self.replayed), astuple(self.computed), strict=True)
        return max(abs(float(told) / float(known) - 1) for told, known in pairs)

    @property
    def times_plan(self) -> tuple[float, float]:
        """Burst writes tried, and all writes tried, as multiples of the plan's figure (its upper end)."""
        most = PLAN[self.strategy][self.mau][1]
        return self.replayed.burst_tried / most, self.replayed.tried / most


def rows(traffic: Traffic, isolates: int, seed: int) -> Iterator[WritesRow]:
    """Every size, strategy and kind of KV."""
    for mau in MAUS:
        days = [day(traffic, mau, seed + number) for number in range(MAU_DAYS // mau)]
        for strategy in STRATEGIES:
            for kv, settings in PLANS.items():
                found = [replay(one, strategy, settings, isolates=isolates, seed=seed).writes for one in days]
                mean = Writes(*(sum(values) / len(days) for values in zip(*map(astuple, found), strict=True)))
                computed = writes(traffic, mau, strategy, isolates=isolates, key_limit=kv == "key limit")
                gone = replay(days[0], strategy, {"plan": "free"}, isolates=isolates, seed=seed).quota_gone
                yield WritesRow(strategy, mau, kv, computed, mean, gone)


def table(found: list[WritesRow]) -> str:
    """The rows as Markdown."""
    head = (
        "| MAU | strategy | KV | burst tried | IP tried | burst served | IP served | off at most | plan says "
        "| burst ÷ plan | all ÷ plan | free quota gone after |"
    )
    return "\n".join([head, "|" + "---|" * 12, *map(_line, found)])


def _line(row: WritesRow) -> str:
    pairs = zip(
        (row.computed.burst_tried, row.computed.ip_tried, row.computed.burst_served, row.computed.ip_served),
        (row.replayed.burst_tried, row.replayed.ip_tried, row.replayed.burst_served, row.replayed.ip_served),
        strict=True,
    )
    figures = " | ".join(f"{known:,.1f} / {told:,.1f}" for known, told in pairs)
    low, high = PLAN[row.strategy][row.mau]
    plan = f"{low:,g}" if low == high else f"{low:,g} to {high:,g}"
    burst, everything = row.times_plan
    gone = "holds" if row.quota_gone is None else f"{row.quota_gone / 3600:.1f} h"
    return (
        f"| {row.mau:,} | {row.strategy} | {row.kv} | {figures} | {row.off:.1%} | {plan} "
        f"| {burst:.2f} | {everything:.2f} | {gone} |"
    )


def main(arguments: list[str] | None = None) -> int:
    """Print the table; 1 if computed and replayed disagree."""
    parser = argparse.ArgumentParser(prog="python -m fakes.kv_day", description="KV writes of a day.")
    parser.add_argument("--isolates", type=int, choices=range(1, 65), default=1, metavar="1..64")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    found = list(rows(Traffic(), options.isolates, options.seed))
    print("Writes a day, computed / replayed; before any quota. `key limit`: one write a second to a key.\n")
    print(table(found))
    return int(any(row.off > MOST_OFF for row in found))


if __name__ == "__main__":
    sys.exit(main())

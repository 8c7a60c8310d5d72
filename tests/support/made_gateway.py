"""A made-up gateway under the real table of limits and attacks: what each run of `make tune` would come to.

Its crowd is killed above 4,500 calls; ordinary work needs ten calls a user, 150 in all and eight a second; an
outage harms others by a timeout over 10 s; the rest of the limits change nothing.
"""

from __future__ import annotations

from cli.tuning.wanted import Wanted
from scenarios.tuning_table import ATTACKS, Setting
from verdicts.tuning.outcome import TuningRun

GOOD = {"burst-per-second": 10.0, "timeout": 6.0, "global-concurrency": 1000.0}


def figures(attack: str, values: Setting) -> tuple[float, float, str]:
    """(served, room, the bound that broke or "")."""
    user, most = values.get("user-concurrency", 1000), values.get("global-concurrency", 10_000)
    if attack.startswith("ordinary"):
        served = min(1.0, user / 10) * min(1.0, values.get("burst-per-second", 99) / 8) * min(1.0, most / 150)
        return served, 0.8, "" if served >= 0.99 else f"service is {served * 100:.0f} % (allowed >= 99 %)"
    if attack == "nano-oom":
        held = min(50 * min(user, 150), most)
        return (0.0, 0.0, "kills is 1 (allowed == 0)") if held > 4500 else (1.0, 1 - held / 6134, "")
    if attack == "upstream-outage":
        slow = max(0.0, values.get("timeout", 35) - 10) / 100
        return 1.0 - slow, 0.8, "wait is 30 s (allowed <= 5 s)" if slow else ""
    return 1.0, 0.8, ""


def run(wanted: Wanted, number: int = 1) -> TuningRun:
    """A run of it."""
    served, room, broken = figures(wanted.attack.name, wanted.values)
    return TuningRun(
        attack=wanted.attack.name, values=dict(wanted.values), length=wanted.length, repeat=wanted.repeat,
        set=wanted.set, served=served, room=room, broken=(broken,) if broken else (),
        folder=f"{wanted.attack.name}-t{number:03d}", took_s=30.0,
    )  # fmt: skip


__all__ = ["ATTACKS", "GOOD", "figures", "run"]

"""P0.3: how many goroutines an instance bears while innocent users are served.

One run shows one load: the instance bore it (the answer is "at least so many") or it was killed (the
highest it was seen to bear before). What it bears at most is the breakpoint search's to say.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from verdicts import goroutines, origins, outcomes, percentiles, service
from verdicts.points.registry import Basis, Finding, point
from verdicts.run import Run

STATE = "mcpist_nano_state"
MOVES = "mcpist_lb_transitions_total"


@point(
    "P0.3",
    figures={"goroutines": "", "kills": "", "success": "share", "p95": "s", "added": "s"},
)
def goroutine_limit(run: Run) -> Iterator[Finding]:
    """What the instance bore, what its kills did to callers, and what innocent users got."""
    yield _borne(run)
    if goroutines.kills(run) > 0:
        yield _killed(run)
    yield _innocents(run)


def _borne(run: Run) -> Finding:
    basis: Basis = "modelled" if run.manifest["bundled"] else "measured"
    found = goroutines.pairs(run)
    if not found:
        return Finding.unseen(f"{origins.UNSEEN} (goroutines).", basis=basis)
    most, kills = float(found[0].goroutines.max()), goroutines.kills(run)
    figures = {"goroutines": most} | ({} if math.isnan(kills) else {"kills": kills})
    borne = f"killed {kills:.0f} times, {most:,.0f} goroutines seen before" if kills > 0 else "bore them all"
    return Finding(
        int(most),
        "goroutines (seen before a kill)" if kills > 0 else "goroutines (at least)",
        f"{found[0].source}: {borne}, scraped once a second. {_capacity(run)}{goroutines.PLAN}",
        figures,
        basis=basis,
    )


def _capacity(run: Run) -> str:
    """The model's own limit by memory, from the settings that it ran with."""
    settings = goroutines.nano(run)
    if not settings:
        return ""
    each = settings["stack_bytes"] + settings["buffer_bytes"]
    room = (settings["memory_limit"] - settings["memory_base"]) // each - settings["goroutines_base"]
    calls = room // settings["goroutines_per_call"]
    total = settings["goroutines_base"] + calls * settings["goroutines_per_call"]
    return f"By memory alone the model holds {total:,} goroutines, {calls:,} calls. "


def _killed(run: Run) -> Finding:
    """Kills and failover as scraped (the model's), and what clients got meanwhile (measured)."""
    rows = sorted((row for source in origins.sources(run) for row in _kills(run, source)), key=_at)
    start, end = float(rows[0]["killed at s"]), max(float(row["back at s"] or run.load_end) for row in rows)
    done = run.samples["done"]
    broken = outcomes.errors(run) & run.sent & (done >= start - 1) & (done <= end + 1)
    reasons = ", ".join(f"{name} {count:,}" for name, count in run.reasons(broken).items()) or "none"
    innocent = int((broken & run.judged).sum())
    return Finding(
        int(broken.sum()),
        "calls failed around kills",
        f"From {start:.0f} to {end:.0f} s callers saw {broken.sum():,} errors ({reasons}), {innocent:,} of "
        f"them innocent users'. Balancer: {_moves(run)}. Whether an instance is killed is modelled; what "
        f"clients saw is measured.",
        part="kills",
        rows=tuple(rows),
    )


def _at(row: dict[str, Any]) -> float:
    return float(row["killed at s"])


def _kills(run: Run, source: str) -> Iterator[dict[str, Any]]:
    t, count = run.target.series(source, goroutines.KILLS)
    up_t, up = run.target.series(source, STATE, state="running")
    in_flight_t, in_flight = run.target.series(source, "mcpist_goroutines")
    for place in np.flatnonzero(np.diff(count, prepend=0.0) > 0):  # the series begins with the first kill
        back = up_t[(up_t > t[place]) & (up > 0)]
        before = in_flight[(in_flight_t < t[place])]
        yield {
            "instance": source,
            "killed at s": round(float(t[place]), 1),
            "goroutines before": int(before[-1]) if before.size else 0,
            "back at s": round(float(back[0]), 1) if back.size else None,
        }


def _moves(run: Run) -> str:
    """Every change of the balancer's state, as scraped."""
    pairs = (("primary", "failing-over"), ("failing-over", "split"), ("split", "recovering"))
    found = [(_first(run, a, b), f"{a} to {b}") for a, b in (*pairs, ("recovering", "primary"))]
    told = [f"{text} at {t:.0f} s" for t, text in sorted(found) if not math.isnan(t)]
    return ", ".join(told) or "it did not change its state"


def _first(run: Run, before: str, after: str) -> float:
    t, count = run.target.series("edge", MOVES, **{"from": before, "to": after})
    return float(t[count > 0][0]) if (count > 0).any() else float("nan")


def _innocents(run: Run) -> Finding:
    found = service.by_tool(run, run.judged)
    if not found:
        return Finding("none", "judged calls", "No judged user made a call.", part="innocents")
    success = min(one.success for one in found)
    figures = {
        "success": success,
        **_p95(found, slow=False, name="p95"),
        **_p95(found, slow=True, name="added"),
    }
    sent, ok = sum(one.sent for one in found), sum(one.ok for one in found)
    times = ", ".join(f"{one.tool} {percentiles.milliseconds(one.p95)} ms" for one in found)
    return Finding(
        round(success * 100, 3),
        "% success (lowest tool)",
        f"Judged users: {ok:,} of {sent:,} calls succeeded. p95 over successful calls, of slow tools "
        f"what the gateway adds: {times}.",
        figures,
        "innocents",
        rows=tuple(one.row() for one in found),
    )


def _p95(found: list[service.Service], *, slow: bool, name: str) -> dict[str, float]:
    """The worst tool's p95, where there is such a tool; NaN if one of them never succeeded."""
    times = [one.p95 for one in found if one.slow is slow]
    return {name: float(np.max(times))} if times else {}

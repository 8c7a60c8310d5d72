"""P0.3: how many goroutines an instance bears while innocent users are served.

One run shows one load: the instance bore it (the answer is "at least so many") or it was killed (the
highest it was seen to bear before). What it bears at most is the breakpoint search's to say.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from verdicts.measure.calls import outcomes, percentiles, tool_service
from verdicts.measure.calls.tool_service import ToolService
from verdicts.measure.target import goroutines, origins
from verdicts.points.point import AT_100_MAU, Basis, Finding, point
from verdicts.run import real_parts
from verdicts.run.reading import Run

AROUND = 1.0  # seconds: what clients saw may come a little before or after what the stack told


@point(
    "P0.3",
    en="How many goroutines does a nano instance really bear, before and after each protection?",
    ja="nanoインスタンスは実際に何goroutineまで耐えられるか(各保護機構の導入前と導入後)",
    scenario="slow-api",
    when=AT_100_MAU,
    part="origin",
    figures={"goroutines": "", "kills": "", "success": "share", "p95": "s", "added": "s"},
    units={
        "goroutines (at least)": "goroutine(少なくとも)",
        "goroutines (seen before a kill)": "goroutine(強制終了の直前まで)",
        "calls failed around kills": "件が強制終了の前後に失敗",
        "% success (lowest tool)": "% 成功(最も低いツール)",
        "judged calls": "件(判定対象の呼び出し)",
    },
)
def goroutine_limit(run: Run) -> Iterator[Finding]:
    """What the instance bore, what its kills did to callers, and what innocent users got."""
    yield _borne(run)
    if goroutines.kills(run) > 0:
        yield _killed(run)
    yield _innocents(run)


def _borne(run: Run) -> Finding:
    modelled = run.manifest.bundled and not real_parts.is_real(run)
    basis: Basis = "modelled" if modelled else "measured"
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
    if not settings or real_parts.is_real(run):
        return ""
    each = settings["stack_bytes"] + settings["buffer_bytes"]
    room = (settings["memory_limit"] - settings["memory_base"]) // each - settings["goroutines_base"]
    calls = room // settings["goroutines_per_call"]
    total = settings["goroutines_base"] + calls * settings["goroutines_per_call"]
    return f"By memory alone the model holds {total:,} goroutines, {calls:,} calls. "


def _killed(run: Run) -> Finding:
    """Kills and failover as the stack told them (the model's), and what clients got meanwhile (measured)."""
    rows = list(_kills(run))
    start = min((row["killed at s"] for row in rows), default=0.0)
    end = max((row["back at s"] or run.load_end for row in rows), default=run.load_end)
    done = run.samples["done"]
    broken = outcomes.errors(run) & run.sent & (done >= start - AROUND) & (done <= end + AROUND)
    reasons = ", ".join(f"{name} {count:,}" for name, count in run.reasons(broken).items()) or "none"
    innocent = int((broken & run.judged).sum())
    return Finding(
        int(broken.sum()),
        "calls failed around kills",
        f"From {start:.1f} to {end:.1f} s callers saw {broken.sum():,} errors ({reasons}), {innocent:,} of "
        f"them judged users'. Balancer: {_moves(run)}. {_by_whom(run)}",
        part="kills",
        rows=tuple(rows),
    )


def _by_whom(run: Run) -> str:
    if real_parts.is_real(run):
        return "The kernel killed it, for what its cgroup held."
    return "Whether an instance is killed is modelled; what clients saw is measured."


def _kills(run: Run) -> Iterator[dict[str, Any]]:
    """A row a kill, in order."""
    told = [event for event in run.events if event.name == "nano"]
    for place, event in enumerate(told):
        origin = event.detail["origin"]
        if event.detail["to"] != "killed":
            continue
        back = (one.t for one in told[place:] if one.detail == {"origin": origin, "to": "running"})
        t, goroutines_then = run.target.series(origin, "mcpist_goroutines")
        before = goroutines_then[t < event.t]
        yield {
            "instance": origin,
            "killed at s": round(event.t, 2),
            "goroutines at the scrape before": int(before[-1]) if before.size else None,
            "back at s": next((round(t, 2) for t in back), None),
        }


def _moves(run: Run) -> str:
    """Every change of the balancer's state."""
    moves = [event for event in run.events if event.kind == "state" and event.name == "lb"]
    told = [f"{one.detail['from']} to {one.detail['to']} at {one.t:.1f} s" for one in moves]
    return ", ".join(told) or "it did not change its state"


def _innocents(run: Run) -> Finding:
    found = tool_service.by_tool(run, run.judged)
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


def _p95(found: list[ToolService], *, slow: bool, name: str) -> dict[str, float]:
    """The worst tool's p95, where there is such a tool; NaN if one of them never succeeded."""
    times = [one.p95 for one in found if one.slow is slow]
    return {name: float(np.max(times))} if times else {}

"""P0.4: an upstream fails: does it take other tools with it, what do its own users see, when is it well?

Figures over the innocent tools: `others_success`, the lowest success share of one of them in a phase;
`p95_rise`, how much the fast tool's p95 rose in its worst phase, as a share of the rise that is allowed:
20 % of the p95 before or 25 ms, whichever is larger. Over the failing tools: `wait`, the p95 of the time
until a call planned during the outage had any answer; `recovery`, seconds from healing to service.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import numpy as np

from verdicts.measure.calls import concurrency, outage, percentiles, tool_service
from verdicts.measure.calls.outage import OutagePhase
from verdicts.measure.target import faults
from verdicts.points.point import AT_100_MAU, Finding, Value, point
from verdicts.run.reading import Mask, Run

RISE_SHARE: Final = 0.2
RISE_SECONDS: Final = 0.025
BREAKER: Final = "mcpist_breaker_state"


@point(
    "P0.4",
    en=(
        "Does an upstream's outage cascade to other tools, what does the breaker change, "
        "and how long is recovery?"
    ),
    ja="外部APIの障害は他のツールに連鎖するか、サーキットブレーカーで何が変わるか、復旧に何秒かかるか",
    scenario="upstream-outage",
    when=AT_100_MAU,
    figures={
        "others_success": "share",
        "p95_rise": "share",
        "wait": "s",
        "recovery": "s",
        "lost": "",
        "success": "share",
    },
    units={
        "% success of other tools (lowest phase)": "% 成功(他のツール、最も低いフェーズ)",
        "ms (p95 of the fast tool, worst phase)": "ms(速いツールのp95、最悪のフェーズ)",
        "ms until any answer during the outage (p95)": "ms(障害中に応答が返るまでのp95)",
        "s to recover": "s(復旧まで)",
        "% success over the whole run": "% 成功(実行全体)",
        "calls": "件",
    },
)
def cascade(run: Run) -> Iterator[Finding]:
    """Innocent tools phase by phase, the failing tool's wait and recovery, and the whole's SLO figures."""
    if faults.unmade(run):
        yield Finding.unseen(faults.UNMADE)
        return
    found = outage.phases(run)
    if not {"before", "during"} <= {one.when for one in found}:
        yield Finding.unseen("The scenario names no phases before and during a fault.")
        return
    yield _others(run, found)
    yield _fast(run, found)
    yield _wait(run, found)
    yield _recovery(run)
    yield _slo(run, found)


def _others(run: Run, phases: list[OutagePhase]) -> Finding:
    others = run.judged & ~outage.failing(run)
    each = [(phase, one) for phase in phases for one in tool_service.by_tool(run, others & phase.mask(run))]
    if not each:
        return Finding("none", "calls", "No other tool was called.")
    phase, worst = min(each, key=lambda pair: pair[1].success)
    everything = [(phase, one) for phase in phases for one in tool_service.by_tool(run, phase.mask(run))]
    return Finding(
        round(worst.success * 100, 3),
        "% success of other tools (lowest phase)",
        f"{worst.tool} while {phase.name}: {worst.ok:,} of {worst.sent:,}, {worst.refused:,} refused, "
        f"{worst.errors:,} errors.",
        {"others_success": worst.success},
        rows=tuple({"phase": phase.name, **one.row()} for phase, one in everything),
    )


def _fast(run: Run, phases: list[OutagePhase]) -> Finding:
    """The fast tool before the faults and in its worst phase since."""
    slow = run.samples["tool"].isin(concurrency.slow_tools(run))
    mask = run.judged & ~slow & ~outage.failing(run)
    each = [(phase, tool_service.of(run, mask & phase.mask(run))) for phase in phases]
    before = [one.response for phase, one in each if phase.when == "before" and one.ok]
    since = [(one.response.p95, phase.name, one.ok) for phase, one in each if phase.when != "before"]
    if not before:
        return Finding.unseen("No fast tool succeeded before the fault.", "fast")
    healthy = max(one.p95 for one in before)
    worst, name, count = max(since, key=lambda one: math.inf if math.isnan(one[0]) else one[0])
    allowed = max(RISE_SHARE * healthy, RISE_SECONDS)
    return Finding(
        percentiles.milliseconds(worst),
        "ms (p95 of the fast tool, worst phase)",
        f"While {name}, over {count:,} successful calls; before the fault {healthy * 1000:.1f} ms. A rise of "
        f"{allowed * 1000:.1f} ms is allowed.",
        {"p95_rise": (worst - healthy) / allowed},
        "fast",
    )


def _wait(run: Run, phases: list[OutagePhase]) -> Finding:
    during: Mask = np.zeros(len(run.samples), dtype=np.bool_)
    for phase in phases:
        if phase.when == "during":
            during |= phase.mask(run)
    failing = outage.failing(run)
    calls = during & failing & run.sent
    waited = percentiles.of(percentiles.response(run, calls))
    return Finding(
        percentiles.milliseconds(waited.p95),
        "ms until any answer during the outage (p95)",
        f"p50 {percentiles.milliseconds(waited.p50)} ms, max {percentiles.milliseconds(waited.max)} ms over "
        f"{waited.count:,} calls of the failing tool, whatever they got. {_opened(run)}",
        {"wait": waited.p95},
        "wait",
        rows=tuple(_losses(run, phases, failing)),
    )


def _losses(run: Run, phases: list[OutagePhase], failing: Mask) -> Iterator[dict[str, Value]]:
    for phase in phases:
        mine = phase.mask(run) & failing & run.sent
        waited = percentiles.of(percentiles.response(run, mine))
        yield {
            "phase": phase.name,
            "sent": int(mine.sum()),
            "lost": outage.lost(run, mine),
            "of which refused": tool_service.of(run, mine).refused,
            "p50 ms until any answer": percentiles.milliseconds(waited.p50),
            "p95 ms until any answer": percentiles.milliseconds(waited.p95),
        }


def _opened(run: Run) -> str:
    """When a breaker was first seen open."""
    for source in sorted(run.target.sources):
        for target in sorted({fault["target"] or "" for fault in run.scenario["faults"]}):
            t, is_open = run.target.series(source, BREAKER, upstream=target, state="open")
            if is_open.any():
                first = t[is_open > 0][0]
                return f"The breaker of {target} was first seen open at {first:.0f} s."
    return "No breaker opened."


def _recovery(run: Run) -> Finding:
    mask = run.judged & outage.failing(run)
    seconds, healed = outage.recovery(run, mask), outage.healed_at(run)
    value: Value = "not within the run" if math.isinf(seconds) else round(seconds, 2)
    return Finding(
        None if math.isnan(seconds) else value,
        "s to recover",
        f"From healing at {healed:.1f} s until {outage.WELL:.0%} of the failing tool's calls "
        f"planned in the next {outage.STEADY:g} s succeeded, and {outage.HELD:.0%} of all from then on.",
        {"recovery": seconds},
        "recovery",
        at_least={"recovery": min(seconds, max(run.load_end - outage.STEADY - healed, 0.0))},
    )


def _slo(run: Run, phases: list[OutagePhase]) -> Finding:
    rows: list[dict[str, Value]] = []
    for when in ("before", "during", "after"):
        mask: Mask = np.zeros(len(run.samples), dtype=np.bool_)
        for phase in phases:
            if phase.when == when:
                mask |= phase.mask(run)
        found = tool_service.of(run, mask & run.judged, when)
        row = found.row()
        rows.append({"when": row.pop("tool"), **row, "lost": outage.lost(run, mask & run.judged)})
    whole = tool_service.of(run, run.judged)
    gone = outage.lost(run, run.judged)
    return Finding(
        round(whole.success * 100, 2),
        "% success over the whole run",
        f"{gone:,} of {whole.sent:,} calls of judged users were lost, all tools together.",
        {"lost": float(gone), "success": whole.success},
        "slo",
        rows=tuple(rows),
    )

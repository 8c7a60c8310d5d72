"""L2: what grows from one rest to the next, and does not come back when load ends.

Memory in bytes a call, the others in so many a call, each source by itself (see
`verdicts.measure.target.growth`). Where a growth that must be seen could not be told from none, `leaks` is
NaN: invalid, never passed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final

from verdicts.measure.target import growth, rests
from verdicts.measure.target.growth import Growth
from verdicts.points.point import AT_500_MAU, Finding, Value, point
from verdicts.run.reading import Run

SEEDED: Final = "mcpist_bug_leaks_total"
NEEDED: Final = "four rests or more between waves of load, of two seconds each at least, and metrics"


@point(
    "L2",
    en="What grows and does not come back when load ends?",
    ja="負荷が終わっても元に戻らず増え続けるものは何か",
    scenario="waves",
    when=AT_500_MAU,
    figures={"leaks": "", "memory": "bytes", **dict.fromkeys(list(growth.SERIES)[1:], "")},
    units={"series that grow": "系列(増え続けるもの)"},
)
def what_grows(run: Run) -> Finding:
    """How many series grow; the steepest slope of each kind, by the call."""
    lines = growth.all_of(run)
    if not lines:
        return Finding.unseen(f"Not observed: it takes {NEEDED}.")
    growing = [one for one in lines if one.grows]
    unclear = [one for one in lines if one.unclear]
    steepest = {
        what: max((one.line.slope for one in lines if one.what == what), default=math.nan)
        for what in growth.SERIES
    }
    leaks = math.nan if unclear and not growing else float(len(growing))
    return Finding(
        len(growing),
        "series that grow",
        _evidence(run, lines, growing, unclear) + _seeded(run),
        {"leaks": leaks, **steepest},
        rows=tuple(_rows(lines)),
    )


def _evidence(run: Run, lines: Sequence[Growth], growing: list[Growth], unclear: list[Growth]) -> str:
    spans = rests.of(run)
    over = f"{len(lines)} series over {len(spans)} rests, the last after {spans[-1].calls:,} calls"
    said = [f"{one.source}: {_slope(one)}" for one in growing] or ["None grows"]
    text = f"{'; '.join(said)} ({over}; 95 % for all together)."
    if unclear:
        names = ", ".join(f"{one.source} {one.what}" for one in unclear)
        text += f" Too unsteady to tell: {names}."
    hidden = max((one.most for one in lines if one.what == "memory"), default=math.nan)
    if not growing and not math.isnan(hidden):
        text += f" Memory could grow by {max(hidden, 0):,.0f} bytes a call at most."
    return text


def _slope(one: Growth) -> str:
    if one.what == "memory":
        return f"memory grows by {one.line.slope:,.0f} bytes a call ({one.least:,.0f} to {one.most:,.0f})"
    slope, least, most = (1000 * value for value in (one.line.slope, one.least, one.most))
    return f"{one.what} grow by {slope:,.2f} in 1,000 calls ({least:,.2f} to {most:,.2f})"


def _seeded(run: Run) -> str:
    """What the leaks that a scenario put into the bundled stack counted themselves."""
    counted = run.target.sum(SEEDED, "origin-")
    return f" The seeded leaks kept {counted:,.0f} things." if counted > 0 else ""


def _rows(lines: Sequence[Growth]) -> Iterator[dict[str, Value]]:
    for one in lines:
        yield {
            "source": one.source,
            "what": one.what,
            "in the first rest": _shown(one.levels[0]),
            "in the last rest": _shown(one.levels[-1]),
            "a 1,000 calls": _shown(1000 * one.line.slope),
            "from": _shown(1000 * one.least),
            "to": _shown(1000 * one.most),
            "grows": "yes" if one.grows else "not clear" if one.unclear else "no",
        }


def _shown(value: float) -> float:
    return float(f"{value:.6g}")

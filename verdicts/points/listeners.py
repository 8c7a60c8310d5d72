"""M4.1 to M4.3: streams that stand open beside the traffic.

How many stand is read from the origins; what one costs is the slope of the edge's and the origins' memory and
CPU against their number, by least squares over the scrapes. What the nano model adds is modelled, and apart.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from verdicts.measure.calls import percentiles
from verdicts.measure.target import cpu, origins
from verdicts.measure.target.straight_line import slope
from verdicts.points.point import AT_500_MAU, Finding, point
from verdicts.run.reading import Floats, Run

STREAMS: Final = "mcpist_streams_open"
UNSEEN: Final = f"{origins.UNSEEN} ({STREAMS})."
NONE: Final = "No stream stood open in this run."


class Standing(NamedTuple):
    """How many streams stood, over time, at all origins."""

    t: Floats
    number: Floats

    @property
    def most(self) -> float:
        """How many stood at most; more than none."""
        return float(self.number.max())

    def at(self, t: Floats) -> Floats:
        """How many stood at these instants."""
        return np.interp(t, self.t, self.number)


@point(
    "M4.1",
    en="What does a standing stream cost?",
    ja="開いたままのストリーム1本のコストはいくらか",
    scenario="listeners",
    when=AT_500_MAU,
    figures={"memory": "bytes", "cpu": "vCPU", "streams": ""},
    units={"KiB resident a stream": "KiB(常駐、ストリーム1本あたり)"},
)
def stream_costs(run: Run) -> Finding:
    """Resident bytes and cores of edge and origins for each stream that stands."""
    standing = _standing(run)
    if isinstance(standing, Finding):
        return standing
    most = standing.most
    used = [one for one in cpu.usage(run) if one.name == "edge" or one.name.startswith("origin-")]
    sizes = [cpu.memory(run, one.name) for one in used]
    memory = sum(slope(standing.at(t), size) for t, size in sizes if t.size)
    cores = sum(slope(standing.at(one.t), one.cores) for one in used if one.t.size)
    return Finding(
        round(memory / 1024, 2),
        "KiB resident a stream",
        f"{most:,.0f} streams stood at most; edge and origins together: {memory:,.0f} bytes and "
        f"{cores * 1e6:,.1f} µs of CPU a second for each, by least squares over the scrapes.",
        {"memory": memory, "cpu": cores, "streams": most},
    )


@point(
    "M4.2",
    en="Are others served as before while streams stand open?",
    ja="ストリームが開いている間も他のユーザーの応答は変わらないか",
    scenario="listeners",
    when=AT_500_MAU,
    figures={"p95": "s", "before": "s", "slowdown": ""},
    units={"ms (p95, beside the streams)": "ms(p95、ストリームと並行)"},
)
def others_beside_streams(run: Run) -> Finding:
    """p95 of the judged calls while more than half of the most streams stand, and while none does."""
    standing = _standing(run)
    if isinstance(standing, Finding):
        return standing
    most = standing.most
    beside = standing.at(run.samples["planned"].whole())
    good = run.ok & run.judged
    found, before = (
        percentiles.of(percentiles.response(run, good & when)) for when in (beside > most / 2, beside == 0)
    )
    alone = f"{before.p95 * 1000:,.1f} ms" if before.count else "not observed"
    return Finding(
        percentiles.milliseconds(found.p95),
        "ms (p95, beside the streams)",
        f"Over {found.count:,} successful calls; without any stream: {alone}, over {before.count:,}.",
        {"p95": found.p95, "before": before.p95, "slowdown": found.p95 / before.p95},
    )


@point(
    "M4.3",
    en="How many streams stay when their clients are gone?",
    ja="クライアントがいなくなった後に残るストリームはいくつか",
    scenario="listeners",
    when=AT_500_MAU,
    figures={"left": "", "share": "share"},
    units={"streams left": "本(残ったストリーム)"},
)
def streams_left(run: Run) -> Finding:
    """What the origins still held at the last scrape."""
    standing = _standing(run)
    if isinstance(standing, Finding):
        return standing
    most, left = standing.most, float(standing.number[-1])
    evidence = f"{left:,.0f} of {most:,.0f} still stood at {standing.t[-1]:.1f} s."
    return Finding(round(left), "streams left", evidence, {"left": left, "share": left / most})


def _standing(run: Run) -> Standing | Finding:
    """Of all origins together, on the first one's scrapes; why not, where there is nothing to see."""
    found = [run.target.series(source, STREAMS) for source in origins.sources(run)]
    found = [one for one in found if one[0].size]
    if not found:
        return Finding.unseen(UNSEEN)
    t = found[0][0]
    standing = Standing(t, np.sum([np.interp(t, *one) for one in found], axis=0))
    return standing if standing.most else Finding.unseen(NONE)

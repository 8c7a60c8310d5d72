"""Is the run worse than its baseline? A finding a figure, held against its bound."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from verdicts.compare import baseline, same_attack
from verdicts.compare.baseline import KINDS
from verdicts.compare.figures import UNITS, Reading
from verdicts.points.point import Finding, point
from verdicts.run.reading import Run


@point(
    "baseline",
    en="Is it worse than the baseline?",
    ja="基準とした過去の実行より悪化していないか",
    figures={id: kind.unit for id, kind in KINDS.items()},
    units={
        "calls": "件",
    },
)
def against_baseline(run: Run) -> Iterator[Finding]:
    """What the baseline is, then each figure beside the baseline's."""
    found = baseline.of(run)
    yield _what(run, found)
    for id, told in found["figures"].items():
        if told["value"] is None:
            yield Finding.unseen(f"The baseline has no {told['title']}: {told['why']}.", id, told["basis"])
        else:
            yield _held(id, told, baseline.reading(run, id))


def _what(run: Run, found: Mapping[str, Any]) -> Finding:
    differs = same_attack.unlike(found["attacked"], same_attack.attacked(run))
    changed = (
        f"This run differs in {'; '.join(differs)}." if differs else "This run differs in nothing recorded."
    )
    delays = [f"{seconds * 1000:.3g} ms" for seconds in (baseline.start_delay(run), found["start_delay_p99"])]
    load = f"The load's own start delay p99 is {delays[0]} against {delays[1]}; more is a busier machine."
    evidence = f"{', '.join(found['runs'])}. {changed} {load}"
    return Finding(len(found["runs"]), "runs" if len(found["runs"]) != 1 else "run", evidence)


def _held(id: str, told: Mapping[str, Any], now: Reading) -> Finding:
    kind = KINDS[id]
    factor, unit = UNITS[kind.unit]
    seen = not math.isnan(now.value)
    was = f"the baseline's {kind.shown(told['value'])}{_over(told['calls'])}"
    is_now = f"{kind.shown(now.value)}{_over([now.calls])}" if seen else f"not taken ({now.why})"
    evidence = (
        f"{told['title']}: {is_now} against {was}; bound by {told['noise']}; seen by {told['witness']}."
    )
    return Finding(
        float(f"{now.value * factor:.6g}") if seen else None,
        unit or "calls",
        evidence[0].upper() + evidence[1:],
        {id: now.value},
        id,
        told["basis"],
    )


def _over(calls: list[int]) -> str:
    return f" (over {min(calls):,} calls)" if any(calls) else ""

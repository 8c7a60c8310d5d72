"""What one run of `make tune` came to: whom it served, how much room the instance had, which bounds broke.

    served   share of the judged users' calls that succeeded, refusals that the scenario expects aside (the
             point `service`); of an attack on everybody, that of the users who are not its subject (P0.4)
    room     1 less the most memory of an origin, as a share of what kills it; 0 where one was killed

A run that is invalid or inconclusive is no outcome, nor is one that broke a bound while this machine had no
CPU left, unless a protection's refusals or a kill explain it: that is not the target's doing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from msgspec import Struct

from telemetry.run_folder import verdict_file
from verdicts.explain import first_limit
from verdicts.judge.judge import Judgement, judge
from verdicts.measure.target import goroutines, origins
from verdicts.run.reading import Run, RunFolderError, load

Length = Literal["short", "full"]
SERVICE = "service"
OTHERS = "P0.4"
MEMORY = "mcpist_memory_bytes"


class TuningRun(Struct, frozen=True, kw_only=True):
    """One run: which attack at which setting, and what it came to. `values`: by limit; off: not there.

    `repeat` counts runs of the same attack, setting and length from 0. `set`: its name, "" for none.
    `mau`: the size whose load it is, 0 for the scenario's own; `instance`: so many times a nano.
    `limit`: what gave way first where a bound broke (`verdicts.explain.first_limit`), "" where none did.
    """

    attack: str
    values: dict[str, float]
    length: Length
    repeat: int = 0
    set: str = ""
    served: float
    room: float
    broken: tuple[str, ...] = ()
    folder: str = ""
    took_s: float = 0.0
    mau: int = 0
    instance: int = 1
    limit: str = ""

    @property
    def held(self) -> bool:
        """Every bound of the scenario was held."""
        return not self.broken


class Figures(Struct, frozen=True, kw_only=True):
    """What was read of a run's folder."""

    served: float
    room: float
    broken: tuple[str, ...]
    limit: str = ""


class NotCountedError(RuntimeError):
    """The run proves nothing: it is no data point. One line."""


def read(folder: Path) -> Figures:
    """The figures of the run in `folder`. Raises NotCountedError."""
    try:
        found = verdict_file.read(folder)
        if found.verdict in ("invalid", "inconclusive"):
            raise NotCountedError(_why(found))
        run = load(folder)
        judged = judge(run)
    except (OSError, ValueError, RunFolderError) as error:
        raise NotCountedError(f"{folder.name} left no verdict: {error}") from None
    if run.load_end < run.duration:
        raise NotCountedError(f"it ended at {run.load_end:.1f} s of {run.duration:g} s")
    broken = _broken(judged)
    if broken and (why := first_limit.gave_way(run, broken)):
        raise NotCountedError(f"{broken[0]}, and this machine gave way: {why}")
    figures = {point.id: point.figures for point in found.points if isinstance(point.figures, dict)}
    limit = first_limit.of(judged) if broken else None
    return Figures(served=_served(figures), room=_room(run), broken=broken, limit=limit.name if limit else "")


def _why(found: verdict_file.VerdictFile) -> str:
    reasons = "; ".join(found.invalid_because or found.unseen_bounds) or "nothing was held against a bound"
    return f"{found.verdict}: {reasons} {found.starved}".strip()


def _served(figures: Mapping[str, Mapping[str, float | None]]) -> float:
    others = figures.get(OTHERS, {}).get("others_success")
    share = others if others is not None else figures.get(SERVICE, {}).get("success")
    return 0.0 if share is None or math.isnan(share) else float(share)


def _broken(judged: Judgement) -> tuple[str, ...]:
    """The bounds that were not held, in words."""
    return tuple(
        text
        for point in judged.points
        if point.status == "fail"
        for text in (point.broken or (f"{point.id}: {point.evidence}",))
    )


def _room(run: Run) -> float:
    if goroutines.kills(run) > 0:
        return 0.0
    limit = float(run.manifest.settings("nano").get("memory_limit", 0))
    peak = origins.peak(run, MEMORY)
    return 0.0 if not limit or math.isnan(peak) else max(0.0, 1.0 - peak / limit)

"""What one trial of a breakpoint search came to: its `verdicts.json`, and the limit that came first.

`read(folder, rate)` raises NoVerdictError for a run that left none: a failure of ours, never an outcome.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from msgspec import UNSET

from telemetry.run_folder import verdict_file
from telemetry.run_folder.verdict_file import VerdictFile
from verdicts.explain import first_limit
from verdicts.judge.judge import judge
from verdicts.measure.target import cpu, origins, real_nano
from verdicts.run.reading import Run, RunFolderError, load

MODELLED_CPU: Final = "mcpist_nano_cpu_seconds_total"


class NoVerdictError(RuntimeError):
    """The run left no verdict; one line."""


@dataclass(frozen=True)
class TrialOutcome:
    """One trial at `rate` (attackers' req/s). Figures are None where the target did not tell them.

    `in_flight`: the most calls at once at the origin, or at the callers where it does not tell. `success`:
    % of judged users' calls, of the tool that fared worst. `limit`, `bound`, `why`: those of
    `first_limit.Limit`, "" if passed. `cores`: what the load and the stack used together. `calls_limit`: how
    many calls the instance could have in flight; `nano_cpu`: the share of its CPU that was asked for.
    """

    rate: float
    verdict: str
    limit: str = ""
    bound: str = ""
    why: str = ""
    folder: str = ""
    in_flight: int | float | None = None
    goroutines: int | float | None = None
    memory_mib: float | None = None
    success: float | None = None
    cores: float | None = None
    calls_limit: int | None = None
    nano_cpu: float | None = None

    @property
    def passed(self) -> bool:
        """Every bound held."""
        return self.verdict == "pass"

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def read(folder: Path, rate: float) -> TrialOutcome:
    """The outcome of the run in `folder`. Raises NoVerdictError."""
    try:
        found = verdict_file.read(folder)
        run = load(folder)
        limit = first_limit.of(judge(run))
    except (OSError, ValueError, RunFolderError) as error:
        raise NoVerdictError(f"{folder.name} left no verdict: {error}") from None
    points = {point.id: point.value for point in found.points}
    name, bound, why = limit or ("", "", "")
    return TrialOutcome(
        rate=rate,
        verdict=found.verdict,
        limit=name,
        bound=bound,
        why=why,
        folder=folder.name,
        in_flight=_number(points, "P0.1") or found.peak_in_flight,
        goroutines=_number(points, "P0.3"),
        memory_mib=_number(points, "P0.2"),
        success=_number(points, "P0.3.innocents"),
        cores=first_limit.cores(run),
        calls_limit=_calls_limit(found),
        nano_cpu=_nano_cpu(run),
    )


def _calls_limit(found: VerdictFile) -> int | None:
    """Whatever the number of users; None where the run does not tell."""
    told = next((point.figures for point in found.points if point.id == "P0.1.limit"), UNSET)
    fixed = None if told is UNSET else told.get("fixed")
    return None if fixed is None else int(fixed)


def _nano_cpu(run: Run) -> float | None:
    """At the busiest origin while load was sent, by its cgroup or the model; None where neither told."""
    means = [one.cpu_mean for one in real_nano.all_of(run)]
    if not means:
        counters = (run.target.series(source, MODELLED_CPU) for source in origins.sources(run))
        means = [cpu.mean(run, *counter) for counter in counters]
    used = max((one for one in means if not math.isnan(one)), default=None)
    return None if used is None else used / float(run.manifest.settings("nano").get("cpu_share", 0.1))


def _number(points: Mapping[str, Any], id: str) -> Any:
    value = points.get(id)
    return value if isinstance(value, int | float) else None

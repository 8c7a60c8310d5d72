"""Which points of a scenario a target can answer, before any load: by asking the points themselves.

A run is made up in memory, with the scenario's own schedule, every call answered as the target answered when
it was asked, and the metrics that were found on it, rising. A point that says "not observed" of it would say
so of the real run. Its numbers mean nothing and go nowhere: only whether there would be one, or why not.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from run.checks.talk import RequestResult
from scenarios.schema import Scenario
from targets.effects import NOT_LISTED
from targets.schema import Target
from telemetry.probing.target_log import Scrapes, TargetLog
from telemetry.recording.sample import REASON_CODE, REASONS, SAMPLE, Outcome
from telemetry.run_folder.end import COMPLETED, RunEnd
from telemetry.run_folder.lines import Event
from telemetry.run_folder.machine import machine
from telemetry.run_folder.manifest import SCHEMA_VERSION, Manifest, RunAccount
from users.accounts.accounts import Account, make_accounts
from users.engine import job
from verdicts.points.point import Finding
from verdicts.points.registry import ASKED, POINTS
from verdicts.run.run import Run
from verdicts.run.samples import Samples

MAX_CALLS: Final = 5000
MAX_SCRAPES: Final = 100
ANSWERED: Final = 0.02  # seconds
Found = Mapping[str, Mapping[str, float]]
"""Source → series → value, as one page of metrics gave them."""


class Answerable(NamedTuple):
    """One answer of a point; `why` is "" where it would have a number."""

    id: str
    question: str
    why: str


def answers(
    scenario: Scenario,
    target: Target,
    found: Found,
    tools: Mapping[str, RequestResult] | None = None,
    protocol: str = "",
) -> Iterator[Answerable]:
    """Every answer of the scenario's points on this target.

    `tools`: label → how a call of it went; `protocol`: the revision that it speaks, "": the scenario's own.
    """
    run = made_up(scenario, target, found, tools or {}, protocol)
    for id in scenario.points:
        question = ASKED[id].en
        told = POINTS[id].find(run)
        for one in [told] if isinstance(told, Finding) else told:
            name = f"{id}.{one.part}" if one.part else id
            yield Answerable(name, question, "" if one.seen else one.evidence)


def made_up(
    scenario: Scenario, target: Target, found: Found, tools: Mapping[str, RequestResult], protocol: str = ""
) -> Run:
    """The run as it would be read back from its folder."""
    accounts = make_accounts(scenario, target, scenario.seed)
    samples = _samples(scenario, tools)
    return Run(
        folder=Path("nowhere"),
        manifest=_manifest(scenario, target, accounts, tools, protocol),
        workers=("local",),
        samples=Samples([samples]),
        worker=np.zeros(len(samples), dtype=np.int64),
        ledgers={"local": ()},
        instances={"local": ("",)},
        target=TargetLog({source: _scrapes(values, scenario.duration) for source, values in found.items()}),
        events=tuple(_events(scenario)),
        effects=_effects(target, len(samples)),
        end=RunEnd(t_end=scenario.duration, stop_reason=COMPLETED),
    )


def _samples(scenario: Scenario, tools: Mapping[str, RequestResult]) -> NDArray[np.void]:
    schedule = job.schedule(scenario)
    kept = slice(0, min(len(schedule), MAX_CALLS))
    samples = np.zeros(kept.stop, SAMPLE)
    samples["index"] = np.arange(kept.stop)
    samples["planned"] = samples["sent"] = schedule.planned[kept]
    samples["done"] = samples["sent"] + ANSWERED
    samples["account"], samples["group"] = schedule.account[kept], schedule.group[kept]
    samples["limit"] = samples["remaining"] = -1
    samples["reset"] = samples["retry_after"] = samples["upstream_s"] = np.nan
    forged = [n for n, group in enumerate(scenario.groups) if group.persona.name == "forger"]
    bad = np.isin(samples["group"], forged)
    samples["status"] = np.where(bad, 401, 200)
    samples["outcome"] = np.where(bad, Outcome.FAILED, Outcome.OK)
    samples["reason"] = np.where(bad, REASON_CODE["invalid_token"], REASON_CODE[""])
    for number, behaviour in enumerate(job.group_behaviours(scenario)):
        mine = samples["group"] == number
        samples["tool"][mine] = behaviour.operations[0].code
        answered = tools.get(behaviour.operations[0].label)
        if answered is not None and answered.status:
            samples["done"][mine] = samples["sent"][mine] + answered.took_s
            for name, value in answered.limits.items():
                samples[name][mine] = value
    return samples


def _manifest(
    scenario: Scenario,
    target: Target,
    accounts: list[Account],
    tools: Mapping[str, RequestResult],
    protocol: str,
) -> Manifest:
    groups, one_user = [group.name for group in scenario.groups], target.shared_credential
    return Manifest(
        schema_version=SCHEMA_VERSION, run="answerability", version="", scenario=scenario.dump(),
        target=target.public(), bundled=False, protocol=protocol, protections=(), seed=scenario.seed,
        time_scale=scenario.time_scale, start_wall=0.0, duration_s=scenario.duration, groups=tuple(groups),
        tools=tuple(job.tool_table(scenario)), quiet=_quiet(tools), reasons=REASONS, machine=machine(),
        accounts=tuple(
            RunAccount(
                id=one.id, ip=one.ip, tier=one.tier, group=groups[one.group], user=one_user
            )
            for one in accounts
        ),
    )  # fmt: skip


def _effects(target: Target, arrivals: int) -> dict[str, Any]:
    """Each of them done once, where the target lists that."""
    if target.effects is None:
        return {"why": NOT_LISTED}
    return {"done": {str(arrival): 1 for arrival in range(arrivals)}}


def _quiet(tools: Mapping[str, RequestResult]) -> dict[str, float]:
    """What a run would measure before load."""
    silent = (one for one in tools.items() if math.isnan(one[1].limits["upstream_s"]))
    return {label: one.took_s for label, one in silent if not one.reason}


def _scrapes(values: Mapping[str, float], duration: float) -> Scrapes:
    t = np.linspace(-1.0, duration + 1, min(MAX_SCRAPES, int(duration) + 3))
    rise = np.arange(len(t), dtype=np.float64)
    return Scrapes(t, {key: value + rise for key, value in values.items()}, np.empty(0), np.empty(0))


def _events(scenario: Scenario) -> Iterator[Event]:
    for fault in scenario.faults:
        state = {"state": "not possible on this target", "target": fault.target}
        yield Event(fault.at, "fault", fault.fault, {**state, **fault.params})

"""What the history keeps of one run: whose series it belongs to, what was attacked, its figures."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from telemetry.run_folder.machine import LoadMachine
from verdicts.compare import same_attack
from verdicts.compare.change_points import Scale

Better = Literal["lower", "higher", ""]
BESIDE: Final = ("stack", "kv")  # what else makes another attack
GIB: Final = 2**30


class SeriesKey(NamedTuple):
    """Runs with the same key are one series. `attack` is in words, with a digest of what it is."""

    scenario: str
    attack: str
    protections: str
    target: str
    machine: str

    @classmethod
    def of(
        cls,
        scenario: Mapping[str, Any],
        protections: tuple[str, ...],
        target: str,
        machine: LoadMachine,
    ) -> SeriesKey:
        """Of a scenario as `run.json` holds it."""
        told = attack_in_words(scenario)
        return cls(scenario["name"], told, ", ".join(protections) or "none", target, machine_class(machine))


class RunFigure(NamedTuple):
    """One number of a run, in `unit`; `better` is "" where no way is."""

    id: str
    value: float
    unit: str
    better: Better
    basis: str = "measured"
    witness: str = ""
    calls: int = 0

    @property
    def scale(self) -> Scale:
        """How `verdicts.compare.change_points` looks at it."""
        return "share" if self.unit == "share" else "ratio"


@dataclass(frozen=True)
class HistoryRun:
    """One run. `run` is its folder's name, `started` Unix seconds; `commit` of what was attacked, or ""."""

    run: str
    started: float
    key: SeriesKey
    version: str
    commit: str
    verdict: str
    slow_tools: tuple[str, ...] = ()
    figures: tuple[RunFigure, ...] = ()

    @property
    def of(self) -> str:
        """What was attacked, for the eye: its commit, or else the suite's version."""
        return self.commit or f"version {self.version}"


def machine_class(machine: LoadMachine) -> str:
    """Machines that are alike: processor, cores, memory in whole GiB."""
    cpu = machine.cpu or "unknown processor"
    return f"{cpu}, {machine.cores} cores, {round(machine.memory_bytes / GIB)} GiB"


def attack_in_words(scenario: Mapping[str, Any]) -> str:
    """`60 s, 100 × 5 req/s (1f2e3d4c)`: two that differ in anything have another digest."""
    groups = scenario.get("groups", ())
    beside = {key: scenario.get(key) for key in BESIDE}
    text = json.dumps([same_attack.load(scenario), beside], sort_keys=True, default=str)
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    users = " + ".join(f"{group['accounts']['count']} × {group['rate']:g} req/s" for group in groups)
    return f"{scenario['duration']:g} s, {users} ({digest})"

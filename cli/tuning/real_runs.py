"""Runs that a search wants, made for real: a scenario with the setting in it, on a stack reset before.

The scenario is a file of its own beside the runs, so that anyone can run it again: it extends the attack and
says nothing but the limits. A run that proves nothing is made once more; then there is no data point.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from cli.launch import made_scenario
from cli.launch.attacks import Attacks
from cli.tuning.wanted import Wanted
from common.errors import ConfigError
from common.merge import merged
from run.request import RunRequest
from scenarios import growth_table
from scenarios.tuning_table import named, protect, stack
from verdicts.tuning.outcome import NotCountedError, TuningRun, read
from verdicts.tuning.tuning_file import AsideRun

ATTEMPTS: Final = 2
Say = Callable[[str], None]


class RealRuns:
    """Makes them, their folders in `folder`; `aside` are those that prove nothing."""

    def __init__(self, attacks: Attacks, folder: Path, options: argparse.Namespace, say: Say) -> None:
        self.aside: list[AsideRun] = []
        self._attacks, self._folder, self._options, self._say = attacks, folder, options, say

    @property
    def stopped(self) -> bool:
        """Somebody wants the end."""
        return self._attacks.stopped

    def __call__(self, wanted: Wanted) -> TuningRun | None:
        """One run; None where it was stopped, or none of its attempts counts."""
        for _ in range(ATTEMPTS):
            name = f"{wanted.attack.name}-t{self._number():03d}"
            out, began = self._folder / name, time.monotonic()
            try:
                self._run(wanted, name, out)
                if self.stopped:
                    return None
                found = read(out)
            except (NotCountedError, ConfigError) as error:
                self.aside.append(AsideRun(folder=name, why=str(error)))
                self._say(f"{name} proves nothing: {error}")
                continue
            return TuningRun(
                attack=wanted.attack.name, values=dict(wanted.values), length=wanted.length,
                repeat=wanted.repeat, set=wanted.set, served=found.served, room=found.room,
                broken=found.broken, folder=name, took_s=round(time.monotonic() - began, 1),
                mau=wanted.mau, instance=wanted.instance, limit=found.limit,
            )  # fmt: skip
        return None

    def _run(self, wanted: Wanted, name: str, out: Path) -> None:
        file = made_scenario.write(self._folder, name, scenario_tree(wanted))
        request = run_request(self._options, wanted, file, out)
        self._attacks.run(request.check(), log=out.with_suffix(".log"))

    def _number(self) -> int:
        return 1 + len(list(self._folder.glob("*-t[0-9]*.log")))


def scenario_tree(wanted: Wanted) -> dict[str, Any]:
    """The attack with the setting's limits, as a scenario's file has it; of a size, with its accounts."""
    sized = growth_table.tree(wanted.attack, wanted.mau, wanted.instance) if wanted.mau else {}
    return merged({"extends": wanted.attack.name, "stack": stack(wanted.values)}, sized)


def run_request(options: argparse.Namespace, wanted: Wanted, scenario: str, out: Path) -> RunRequest:
    """What one run asks for."""
    attack = wanted.attack
    protections = named(wanted.set)[1] if wanted.set else protect(wanted.values, attack.without)
    changes = attack.short if wanted.length == "short" else {}
    given = {"scenario": scenario, "protect": protections, "out": str(out), **changes}
    return RunRequest.passed_on("tune", options, **given)

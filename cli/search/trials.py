"""Trials of a breakpoint search: the scenario at one rate, each a whole run of `bin/attack`.

The rate is the attackers' (of all groups, where none is marked): req/s together. Each attacker sends at most
what the scenario says, so a higher rate is more attackers: 203 req/s of 5 each are 41 accounts at 4.95.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass
from pathlib import Path

from cli.launch.attacks import Attacks
from run.request import RunRequest
from scenarios.schema import Scenario
from verdicts.breakpoint import early_stop, trial
from verdicts.run.reading import RunFolderError, load


@dataclass(frozen=True)
class Trials:
    """Makes trials, their folders in `folder`; `options` are those of `bin/breakpoint`."""

    attacks: Attacks
    folder: Path
    options: argparse.Namespace
    scenario: Scenario

    def __call__(self, protect: str, rate: float) -> trial.TrialOutcome | None:
        """One trial; None if it was stopped. Raises NoVerdictError."""
        folder = self._new_folder(protect, rate)
        code = self.attacks.run(
            trial_request(self.options, self.scenario, protect, rate, folder).check(),
            log=folder.with_suffix(".log"),
            over=lambda: _over(folder),
        )
        if self.attacks.stopped:
            return None
        if code == 2:
            raise trial.NoVerdictError(f"{folder.name}: exit code 2, see {folder.with_suffix('.log').name}")
        return trial.read(folder, rate)

    def _new_folder(self, protect: str, rate: float) -> Path:
        number = 1 + len(list(self.folder.glob("[0-9]*.log")))
        name = protect.replace(",", "+") or "none"
        return self.folder / f"{number:03d}-{name}-{rate:.4g}".replace(".", "_")


def attackers(scenario: Scenario, rate: float) -> tuple[int, float]:
    """(accounts of each attacking group, req/s of each account) that make `rate` together."""
    groups = [group for group in scenario.groups if group.attack] or list(scenario.groups)
    highest = max(group.rate for group in groups)
    accounts = max(1, math.ceil(round(rate / len(groups) / highest, 9)))
    return accounts, rate / len(groups) / accounts


def own_rate(scenario: Scenario) -> float:
    """The attackers' rate as the scenario has it, req/s."""
    groups = [group for group in scenario.groups if group.attack] or list(scenario.groups)
    return sum(group.rate * group.accounts.count for group in groups)


def trial_request(
    options: argparse.Namespace, scenario: Scenario, protect: str, rate: float, folder: Path
) -> RunRequest:
    """What one trial asks for."""
    accounts, each = attackers(scenario, rate)
    load = {"protect": protect, "accounts": str(accounts), "rate": repr(each)}
    given = {"scenario": options.scenario, "out": str(folder), **load}
    return RunRequest.passed_on("breakpoint", options, **given)


def check(options: argparse.Namespace, scenario: Scenario, protect: str, rate: float) -> None:
    """A trial at `rate` could be run. Raises ConfigError or GuardError."""
    folder = Path(options.out or "results") / "trial-that-is-not"
    trial_request(options, scenario, protect, rate, folder).check()


def _over(folder: Path) -> bool:
    """The run in `folder`, which is under way, has failed already; False while it cannot be read."""
    try:
        return bool(early_stop.reason(load(folder)))
    except (RunFolderError, OSError, ValueError, KeyError):
        return False

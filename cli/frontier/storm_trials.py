"""Trials of a search for the frontier: whole runs of `bin/attack` that end when they are back for good."""

from __future__ import annotations

import time
from dataclasses import dataclass

from cli.frontier import storms
from cli.frontier.request import FrontierRequest
from cli.frontier.storms import StormPolicy
from cli.launch import made_scenario
from cli.launch.attacks import Attacks
from common import exit_codes
from run.request import RunRequest
from shapes.frontier.search import StormPoint
from verdicts.breakpoint.trial import NoVerdictError
from verdicts.metastable import storm_trial
from verdicts.metastable.metastable_file import StormTrial


@dataclass(frozen=True)
class StormTrials:
    """Makes them, their folders in the search's own."""

    attacks: Attacks
    request: FrontierRequest

    def __call__(self, policy: StormPolicy, point: StormPoint) -> StormTrial | None:
        """One trial; None if it was stopped. Raises NoVerdictError."""
        folder = self.request.folder
        name = f"storm-{1 + len(list(folder.glob('storm-[0-9]*.log'))):03d}"
        out, began = folder / name, time.monotonic()
        code = self.attacks.run(
            self._request(policy, point, name).check(),
            log=out.with_suffix(".log"),
            over=lambda: storm_trial.over(out),
        )
        if self.attacks.stopped:
            return None
        if code == exit_codes.USAGE:
            raise NoVerdictError(f"{name}: exit code {code}, see {name}.log")
        return storm_trial.read(out, point, time.monotonic() - began)

    def _request(self, policy: StormPolicy, point: StormPoint, name: str) -> RunRequest:
        asked = self.request
        tree = storms.tree(asked.scenario, name, policy.agents, point, asked.capacity, asked.scale)
        file = made_scenario.write(asked.folder, name, tree)
        out = str(asked.folder / name)
        return RunRequest.passed_on(
            "metastable", asked.options, scenario=file, protect=policy.protect, out=out, duration_scale=None
        )

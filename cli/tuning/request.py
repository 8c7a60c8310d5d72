"""What `bin/tune` was asked for, checked before anything starts."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from cli.launch import carried_on
from cli.tuning.budget import spend
from cli.tuning.real_runs import run_request
from cli.tuning.search import LAST
from cli.tuning.wanted import Wanted
from common.durations import ALLOWED, seconds
from common.errors import ConfigError
from run.folders import stamped
from scenarios.option import SOURCE, whole
from scenarios.options import OPTIONS
from scenarios.tuning_table import (
    ATTACKS,
    CONFIRMED,
    LIMITS,
    Setting,
    TunedLimit,
    TuningAttack,
    named,
)
from targets import load as targets
from verdicts.tuning import stored, tuning_file
from verdicts.tuning.tuning_file import GrownSize, TuningFile

LEAST: Final = 120.0  # seconds: less is not one run of each attack
SEEDS: Final = 2**31


@dataclass(frozen=True)
class TuneRequest:
    """Checked. `before`: the search that is carried on.

    `sizes`: those of growth, none where that is not asked for; `left_out`: attack → why it cannot be run.
    """

    options: argparse.Namespace
    folder: Path
    limits: tuple[TunedLimit, ...]
    budget: float
    seed: int
    before: TuningFile | None
    left_out: Mapping[str, str] = field(default_factory=dict)
    sizes: tuple[int, ...] = ()

    @property
    def attacks(self) -> tuple[TuningAttack, ...]:
        """Those that can be run."""
        return tuple(attack for attack in ATTACKS if attack.name not in self.left_out)

    @property
    def shares(self) -> Mapping[str, int]:
        """Block → how many shortened runs its settings may take.

        A search that is carried on before its end keeps what it began with: more budget is for what it did
        not reach.
        """
        before = self.before
        whole = before is not None and not before.ended and before.stages[-1:] == (LAST,)
        if before is not None and before.spend and not whole:
            return before.spend
        return spend(self.budget, self.limits, self.attacks)

    @property
    def held(self) -> Setting:
        """What growth begins with: the best of the search in the folder, or the plan's values."""
        return self.before.best if self.before else {limit.name: limit.plan for limit in self.limits}

    @property
    def known(self) -> tuple[GrownSize, ...]:
        """Sizes that were answered with the same set."""
        found = self.before.growth if self.before else None
        return found.sizes if found is not None and found.held == self.held else ()


def read(options: argparse.Namespace) -> TuneRequest:
    """Check everything. Raises ConfigError or GuardError."""
    if not targets.load(options.target).bundled:
        raise ConfigError(SOURCE, "--target", "a target's limits cannot be set from here, allowed: bundled")
    folder = Path(options.out or stamped("tune")).absolute()
    seed = _seed(options.seed)
    asked = {"seed": seed, "stack": options.stack or "", "nano": options.nano or ""}
    before = carried_on.before(folder, tuning_file.FILE, stored.read, asked)
    left_out = _left_out(options, folder)
    found = TuneRequest(options, folder, LIMITS, _budget(options.budget), seed, before, left_out)
    if not options.growth:
        return found
    asked_sizes = {*OPTIONS["growth"].read(options.growth), *(one.mau for one in found.known)}
    return replace(found, sizes=tuple(sorted(asked_sizes)))


def _left_out(options: argparse.Namespace, folder: Path) -> dict[str, str]:
    """Attacks of one run that these parts do not know. Raises ConfigError for any other that is refused."""
    found: dict[str, str] = {}
    for attack in ATTACKS:
        wanted = Wanted(attack, named("plan")[0], "full")
        try:
            run_request(options, wanted, attack.name, folder / "run-that-is-not").check()
        except ConfigError as error:
            if attack.runs >= CONFIRMED or not _real(options):
                raise
            found[attack.name] = str(error)
    return found


def _real(options: argparse.Namespace) -> bool:
    return "real" in (options.stack or "")


def _seed(text: str | None) -> int:
    try:
        return int(whole(0, 999_999)(text or "1"))
    except ValueError as error:
        raise ConfigError(SOURCE, "--seed", str(error)) from None


def _budget(text: str) -> float:
    try:
        value = seconds(text)
    except ValueError as error:
        raise ConfigError(SOURCE, "--budget", f"{text!r:.40}, {error}") from None
    if value < LEAST:
        raise ConfigError(SOURCE, "--budget", f"{text!r:.40}, allowed: {ALLOWED}, {LEAST:g} s at least")
    return value

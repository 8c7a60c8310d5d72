"""What `bin/tune` was asked for, checked before anything starts."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cli.launch import carried_on
from cli.tuning.real_runs import run_request
from cli.tuning.wanted import Wanted
from common.durations import ALLOWED, seconds
from common.errors import ConfigError
from run.folders import stamped
from scenarios.option import SOURCE, whole
from scenarios.tuning_table import ATTACKS, named
from targets import load as targets
from verdicts.tuning import tuning_file
from verdicts.tuning.tuning_file import TuningFile

LEAST: Final = 120.0  # seconds: less is not one run of each attack
SEEDS: Final = 2**31


@dataclass(frozen=True)
class TuneRequest:
    """Checked. `before`: the search that is carried on."""

    options: argparse.Namespace
    folder: Path
    budget: float
    seed: int
    before: TuningFile | None


def read(options: argparse.Namespace) -> TuneRequest:
    """Check everything. Raises ConfigError or GuardError."""
    if not targets.load(options.target).bundled:
        raise ConfigError(SOURCE, "--target", "a target's limits cannot be set from here, allowed: bundled")
    folder = Path(options.out or stamped("tune")).absolute()
    seed = _seed(options.seed)
    asked = {"seed": seed, "stack": options.stack or "", "nano": options.nano or ""}
    before = carried_on.before(folder, tuning_file.FILE, tuning_file.read, asked)
    values = named("plan")[0]
    for attack in ATTACKS:
        run_request(options, Wanted(attack, values, "full"), attack.name, folder / "run-that-is-not").check()
    return TuneRequest(options, folder, _budget(options.budget), seed, before)


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

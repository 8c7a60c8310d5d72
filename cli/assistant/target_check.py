"""`check-target` in a process of its own: its table, or one line on why there is none."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Final

from cli.assistant.answers import TargetCheck
from common import exit_codes
from common.errors import ConfigError
from common.paths import ROOT

WITHIN: Final = 120.0  # seconds
TOLD: Final = (exit_codes.PASS, exit_codes.FAIL)  # with its table


def check(target: str, scenario: str) -> TargetCheck:
    """What it says of a target file. Raises ConfigError where it says nothing within `WITHIN`."""
    command = [sys.executable, "-m", "cli", "check-target", target, f"--scenario={scenario}"]
    try:
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=WITHIN, stdin=subprocess.DEVNULL,
            check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        text = f"is not over after {WITHIN:g} s, allowed: a target that answers sooner"
        raise ConfigError("check", "", text) from None
    if done.returncode not in TOLD:
        raise ConfigError("check", "", done.stderr.strip() or f"exit code {done.returncode}")
    return TargetCheck(works=not done.returncode, exit_code=done.returncode, lines=done.stdout.splitlines())

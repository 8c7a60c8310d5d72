"""The last phase: the verdict files, derived from the run folder alone, in a process of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final, NamedTuple

from common import exit_codes
from common.paths import ROOT
from common.secrets.environment import minimal
from run.folders import link_latest
from run.workers.priority import give_priority_back
from verdicts.history import store

VERDICTS: Final = frozenset((0, 1, 3))  # exit codes that say how the run went; another is a failure of ours


class Judged(NamedTuple):
    """The run's exit code, and what the terminal says of it."""

    exit_code: int
    summary: str


def judge(folder: Path) -> Judged:
    """Write the verdict and its report. The load is over, so this gives way to the loads of others."""
    give_priority_back()
    link_latest(folder)
    done = subprocess.run(
        [sys.executable, "-m", "verdicts", str(folder), f"--history={store.place()}"],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
        process_group=0,  # a terminal's Ctrl-C is not for it
        env=minimal("LANG_REPORT", "FORCE_COLOR", "GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "VERBOSE"),
    )
    code = done.returncode if done.returncode in VERDICTS else exit_codes.OURS
    return Judged(code, done.stdout + done.stderr)

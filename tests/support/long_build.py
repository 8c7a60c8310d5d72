"""A program that takes minutes to build: by a command of ours, where the compilers that it wants are at hand.

Something else stands for it where they are not: its tests are skipped there, also where none may be.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from common.paths import ROOT
from fakes.build import real_parts, tools
from fakes.build.tools import Version


class LongBuildError(RuntimeError):
    """It was not built, as one line."""


@dataclass(frozen=True, slots=True)
class LongBuild:
    """`python -m module` makes `program` of the Go module in `sources`; `instead` stands for it elsewhere.

    `compilers`: what it calls, each with the oldest version that does. `minutes`: what it takes on two cores;
    `limit`: seconds after which it is ended.
    """

    module: str
    sources: Path
    program: Path
    compilers: Mapping[str, Version]
    instead: str
    minutes: int
    limit: float

    def is_current(self) -> bool:
        """Whether it is there, of these sources."""
        return real_parts.is_built(self.sources, self.program)

    def lacking(self, path: str) -> str:
        """The compilers that are not on `path`, or too old there: "cargo 1.72"; "" where all are at hand."""
        found = {name: shutil.which(name, path=path) for name in self.compilers}
        wanted = self.compilers.items()
        short = [(name, oldest) for name, oldest in wanted if not _is_at_least(found[name], oldest)]
        return ", ".join(f"{name} {oldest[0]}.{oldest[1]}" if any(oldest) else name for name, oldest in short)

    def build(self, environment: Mapping[str, str]) -> None:
        """Build it, with all that it starts ended after `limit`. Raises LongBuildError, OSError."""
        process = subprocess.Popen(
            [sys.executable, "-m", self.module], cwd=ROOT, env=dict(environment), stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        try:
            _, said = process.communicate(timeout=self.limit)
        except BaseException as error:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            if isinstance(error, subprocess.TimeoutExpired):
                raise LongBuildError(f"not built within {self.limit / 60:.0f} min") from None
            raise
        if process.returncode:
            raise LongBuildError((said.strip().splitlines() or [f"exit code {process.returncode}"])[-1])


def _is_at_least(program: str | None, oldest: Version) -> bool:
    """Whether it is there, and new enough."""
    if program is None:
        return False
    return not any(oldest) or tools.is_at_least([program, "--version"], oldest, os.environ.get("PATH", ""))

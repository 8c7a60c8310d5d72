"""A table with a line for each of several attacks, as Markdown: one that is there is not run again.

    bin/resilience COMMAND                    # runs them all
    bin/resilience COMMAND --only WORD …      # those whose names contain one of the words
    bin/resilience COMMAND --read RUN …       # only the table, from runs that are there

Exit code: 0 when every run is valid, whatever its verdict (what fails is a finding); 2 bad usage; 3 when a
run was invalid or could not start.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cli.launch.parser import Parser, forget_environment
from common import exit_codes
from common.errors import ConfigError, one_line
from common.paths import ROOT, is_folder
from run.folders import check_out
from scenarios.option import SOURCE
from scenarios.overrides import Overrides

VALID: Final = ("pass", "fail")


@dataclass(frozen=True)
class RunTable:
    """`names` are the runs whose names have one of the words (all, without any); `attack` makes one into a
    folder, with words of `bin/attack`; `line` gives a run's cells, its verdict last, or raises OSError or
    ValueError."""

    command: str
    description: str
    results: Path
    head: Sequence[str]
    names: Callable[[Sequence[str]], list[str]]
    attack: Callable[..., None]
    line: Callable[[Path], list[str]]

    def main(self, arguments: Sequence[str] | None) -> int:
        """Run and print; the exit code. Raises ConfigError."""
        options = self._parser().parse_args(arguments)
        words = [f"--duration-scale={options.duration_scale}"] if options.duration_scale else []
        Overrides.read({"duration_scale": options.duration_scale})
        folders = options.read or [options.out / name for name in self.names(options.only)]
        if not folders:
            allowed = f"allowed: parts of {', '.join(self.names(()))}"
            raise ConfigError(SOURCE, "--only", f"{' '.join(options.only)!r:.40}, {allowed}")
        if not options.read:
            self._make(options.out, folders, words)
        try:
            lines = [self.line(folder) for folder in folders]
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:  # of whatever shape
            text = one_line(f"{self.command}: no verdicts: {type(error).__name__}, {error}")
            print(f"{text}, allowed: the folders of its runs", file=sys.stderr)
            return exit_codes.USAGE if options.read else exit_codes.OURS
        print(markdown(self.head, lines))
        return exit_codes.PASS if all(cells[-1] in VALID for cells in lines) else exit_codes.OURS

    def _make(self, out: Path, folders: Sequence[Path], words: Sequence[str]) -> None:
        """Those that are not there. Raises ConfigError before the first one, where none can be put there."""
        if not is_folder(out):
            check_out(str(out))
        for folder in folders:
            if not (folder / "verdicts.json").exists():
                self.attack(folder.name, folder, *words)

    def _parser(self) -> Parser:
        made = Parser(prog=f"bin/resilience {self.command}", description=self.description)
        made.add_argument("--only", nargs="+", default=[], metavar="WORD", help="those that contain a word")
        made.add_argument("--out", type=Path, default=self.results, help="a folder for the runs")
        made.add_argument("--read", nargs="+", type=Path, metavar="RUN", help="no runs: read these")
        made.add_argument("--duration-scale", metavar="F", help="6: a sixth of the time")
        return made


def attack(scenario: str, out: Path, *words: str) -> None:
    """One run of `bin/attack`; its output goes on to standard error."""
    forget_environment()
    command = [sys.executable, "-m", "cli", "attack", scenario, "--out", str(out), *words]
    subprocess.run(command, cwd=ROOT, stdout=sys.stderr, check=False)


def markdown(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A table of a Markdown page."""
    rows = [head, ("---",) * len(head), *lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)

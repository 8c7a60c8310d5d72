"""A table with a line for each of several attacks, as Markdown: a valid one that is there is not run again.

    bin/resilience COMMAND                    # runs them all
    bin/resilience COMMAND --only WORD …      # those whose names contain one of the words
    bin/resilience COMMAND --read RUN …       # only the table, from runs that are there

A signal, or `make stop`, ends the attack under way, which still writes its report, and the table with it; the
same command goes on. What the attacks print, and runs that proved nothing, are in `.work` beside them.

Exit code: 0 when every run is valid, whatever its verdict (what fails is a finding); 2 bad usage; 3 when a
run was invalid or could not start, or the table was stopped.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cli.launch.attacks import Attacks
from cli.launch.parser import Parser
from common import ending, exit_codes
from common.errors import ConfigError, one_line
from common.paths import is_folder
from run.folders import check_out, check_unused, is_empty
from run.request import RunRequest
from scenarios.option import SOURCE
from scenarios.overrides import Overrides

VALID: Final = ("pass", "fail")
WORK: Final = ".work"  # hidden: `--read results/…/*` names runs alone
UNREADABLE: Final = (OSError, ValueError, KeyError, TypeError, AttributeError)  # verdicts of whatever shape


@dataclass(frozen=True)
class RunTable:
    """`names` are the runs whose names have one of the words (all, without any); `scenario` is what one of
    them attacks with, made in the folder of the runs where it is none of the library; `line` gives a run's
    cells, its verdict last, or raises OSError or ValueError."""

    command: str
    description: str
    results: Path
    head: Sequence[str]
    names: Callable[[Sequence[str]], list[str]]
    scenario: Callable[[str, Path], str]
    line: Callable[[Path], list[str]]

    def main(self, arguments: Sequence[str] | None) -> int:
        """Run and print; the exit code. Raises ConfigError."""
        options = self._parser().parse_args(arguments)
        Overrides.read({"duration_scale": options.duration_scale})
        folders = options.read or [options.out / name for name in self.names(options.only)]
        if not folders:
            allowed = f"allowed: parts of {', '.join(self.names(()))}"
            raise ConfigError(SOURCE, "--only", f"{' '.join(options.only)!r:.40}, {allowed}")
        whole = bool(options.read) or self._make(options.out, folders, options.duration_scale)
        if not whole:
            folders = [folder for folder in folders if self._verdict(folder)]
        try:
            lines = [self.line(folder) for folder in folders]
        except UNREADABLE as error:
            text = one_line(f"{self.command}: no verdicts: {type(error).__name__}, {error}")
            print(f"{text}, allowed: the folders of its runs", file=sys.stderr)
            return exit_codes.USAGE if options.read else exit_codes.OURS
        print(markdown(self.head, lines))
        valid = whole and all(cells[-1] in VALID for cells in lines)
        return exit_codes.PASS if valid else exit_codes.OURS

    def _make(self, out: Path, folders: Sequence[Path], duration_scale: str | None) -> bool:
        """Those of which no valid run is there; False where somebody stopped it.

        Raises ConfigError before the first one, where none can be put there.
        """
        out = out.absolute()
        if not is_folder(out):
            check_out(str(out))
        work = out / WORK
        check_unused(work)
        work.mkdir(parents=True, exist_ok=True)
        with Attacks(work, self._say) as attacks:
            for name in [folder.name for folder in folders if self._verdict(folder) not in VALID]:
                if attacks.stopped:
                    return False
                _make_room(out / name, work)
                self._say(f"{name} …")
                scenario = self.scenario(name, out)
                request = RunRequest(scenario, duration_scale=duration_scale, out=str(out / name))
                attacks.run(request.check(), log=work / f"{name}.log")
            return not attacks.stopped

    def _verdict(self, folder: Path) -> str:
        """What became of a run; "" where it left none."""
        try:
            return self.line(folder)[-1]
        except UNREADABLE:
            return ""

    def _say(self, text: str) -> None:
        """On standard error: the table alone is output."""
        ending.say(f"{self.command}: {text}\n", sys.stderr)

    def _parser(self) -> Parser:
        made = Parser(prog=f"bin/resilience {self.command}", description=self.description)
        made.add_argument("--only", nargs="+", default=[], metavar="WORD", help="those that contain a word")
        made.add_argument("--out", type=Path, default=self.results, help="a folder for the runs")
        made.add_argument("--read", nargs="+", type=Path, metavar="RUN", help="no runs: read these")
        made.add_argument("--duration-scale", metavar="F", help="6: a sixth of the time")
        return made


def _make_room(folder: Path, work: Path) -> None:
    """What broke off, or proved nothing, is put by."""
    if is_folder(folder) and not is_empty(folder):
        folder.rename(work / f"{folder.name}.{1 + len(list(work.glob(f'{folder.name}.[0-9]*')))}")


def markdown(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A table of a Markdown page."""
    rows = [head, ("---",) * len(head), *lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)

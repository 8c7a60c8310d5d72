"""`make mutants`: changes the pure parts one by one, and counts the changes that their unit tests notice.

    python -m tests.mutation [--file shapes/search.py] [--jobs 2]

The changes are mutmut's (`mutants.py`), the files and the tests that belong to each are in `scope.py`. What
is not noticed is left in `.cache/survivors.diff`. docs/testing.md has the score and what survives.

Exit code: 0 the score is `LEAST` or more, 1 it is less, or tests fail without a mutant.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import Final

from common.paths import ROOT
from tests.mutation.mutants import mutants
from tests.mutation.scope import SCOPE
from tests.mutation.score import FileScore, score, table, total
from tests.mutation.trial import FailingTestsError, outcomes

LEAST: Final = 0.85
SURVIVORS: Final = ROOT / ".cache" / "survivors.diff"


def main(argv: list[str] | None = None) -> int:
    """Run; give the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", allow_abbrev=False)
    parser.add_argument("--file", choices=list(SCOPE), action="append", help="these alone")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args(argv)
    files: list[FileScore] = []
    SURVIVORS.unlink(missing_ok=True)
    for path in options.file or SCOPE:
        try:
            files.append(_file(path, options.jobs))
        except FailingTestsError as error:
            print(error, file=sys.stderr)
            return 1
        print(f"{path}: {files[-1].share:.1%} of {files[-1].mutants:,}", file=sys.stderr, flush=True)
    print(table(files))
    print(f"what survived: {SURVIVORS.relative_to(ROOT)}")
    return 0 if total(files).share >= LEAST else 1


def _file(path: str, jobs: int) -> FileScore:
    made = mutants(path)
    found = outcomes(made, SCOPE[path], jobs)
    with SURVIVORS.open("a") as out:
        for mutant, outcome in zip(made, found, strict=True):
            if outcome != "killed":
                print(f"# {mutant.name}: {outcome}\n{mutant.difference}\n", file=out)
    return score(path, found)


if __name__ == "__main__":
    sys.exit(main())

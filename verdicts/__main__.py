"""Derives everything from a run folder again, and says the verdict.

    python -m verdicts RUN [--quiet] [--history FOLDER]

writes RUN/verdicts.json, report.html, junit.xml and summary.md; for the folder of a plan those of all its
runs, and plan.html, plan.md, junit.xml; for that of a comparison compare.json and compare.html (0: compared);
for that of a search for limits tune.html and tune.md, of one for metastable states metastable.html (0:
derived).
With --history, as the run itself calls it, a valid run is appended to the history there, once; where that
fails it is a line on standard error.
Exit codes: 0 pass, 1 fail, 2 no run there, 3 the run is invalid or could not be judged.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from common import exit_codes
from common.errors import failure
from common.paths import is_folder
from verdicts.compare import wording as comparison
from verdicts.history import record
from verdicts.metastable import metastable_file
from verdicts.output import compare_files
from verdicts.output.files import derive
from verdicts.plan import plan_file
from verdicts.run.reading import RunFolderError
from verdicts.tuning import tuning_file


def main(argv: list[str] | None = None) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="python -m verdicts", description="Judge a stored run again.")
    parser.add_argument("run", type=Path, help="results/<run>")
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
    parser.add_argument("--history", type=Path, help="append a valid run to the history in this folder")
    options = parser.parse_args(argv)
    try:
        return _derived(options.run, options.history, quiet=options.quiet)
    except RunFolderError as error:
        print(error, file=sys.stderr)
        return exit_codes.USAGE
    except Exception as error:  # ours, never the target's: 1 would say that a verdict failed
        print(failure(error), file=sys.stderr)
        return exit_codes.OURS


def _derived(folder: Path, history: Path | None, *, quiet: bool) -> int:
    """By the file that tells what the folder is of."""
    if not is_folder(folder):
        raise RunFolderError(f"{folder}: not a folder, allowed: results/<run>")
    if (folder / compare_files.FILE).exists():
        return _comparison(folder, quiet=quiet)
    if (folder / tuning_file.FILE).exists():
        return _limits(folder, quiet=quiet)
    if (folder / metastable_file.FILE).exists():
        return _frontier(folder, quiet=quiet)
    if (folder / plan_file.FILE).exists():
        return _plan(folder, quiet=quiet)
    return _run(folder, history, quiet=quiet)


def _plan(folder: Path, *, quiet: bool) -> int:
    from verdicts.plan import files  # its rules are read for a plan alone: a run is judged more often

    return files.derive(folder, quiet=quiet)


def _run(folder: Path, history: Path | None, *, quiet: bool) -> int:
    judged = derive(folder, quiet=quiet)
    if history is not None and (warning := record.record(judged, history)):
        print(warning, file=sys.stderr)
    return judged.exit_code


def _comparison(folder: Path, *, quiet: bool) -> int:
    told = compare_files.stored_document(folder)
    if told["verdict"] == "invalid":
        print(f"INVALID: {told['sentence']}")
        return exit_codes.OURS
    found = compare_files.derive(folder, told)
    if not quiet:
        print("\n".join(comparison.summary(found, folder)))
    return exit_codes.PASS


def _limits(folder: Path, *, quiet: bool) -> int:
    from verdicts.tuning import files, stored, wording

    answer = files.pages(folder, stored.read(folder))
    if not quiet:
        print("\n".join(wording.summary(answer, folder)))
    return exit_codes.PASS


def _frontier(folder: Path, *, quiet: bool) -> int:
    from verdicts.metastable import answer, files, wording

    found = metastable_file.read(folder)
    files.page_anew(folder, found)
    if not quiet:
        print("\n".join(wording.summary(found, answer.answers(found), folder)))
    return exit_codes.PASS


if __name__ == "__main__":
    sys.exit(main())

"""The files that are derived from a run folder: verdicts.json, report.html, junit.xml.

LANG_REPORT=ja: the report is in Japanese, but for what points say as evidence.
"""

from __future__ import annotations

import json
from pathlib import Path

from common.atomic_write import write_whole
from verdicts.judge.judge import Judgement, judge
from verdicts.language.words import chosen
from verdicts.output import document, junit, terminal
from verdicts.report.page import render
from verdicts.run.reading import load


def derive(folder: Path, *, quiet: bool = False) -> Judgement:
    """Write the files, print the summary, give the judgement. Raises RunFolderError."""
    judged = judge(load(folder))
    found = document.build(judged)
    write_whole(
        folder / "verdicts.json", json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    )
    junit.write(judged, folder / "junit.xml")
    write_whole(folder / "report.html", render(judged, found, chosen()))
    if not quiet:
        terminal.show(judged, folder)
    return judged

"""What is derived from a run folder: verdicts.json, report.html, junit.xml, summary.md, in that order.

One that cannot be written, on a full disk, costs neither the others nor the summary at the terminal.

LANG_REPORT=ja: the report is in Japanese, but for what points say as evidence.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from common.files.atomic_write import write_whole
from verdicts.judge.judge import Judgement, judge
from verdicts.language.words import chosen
from verdicts.output import document, junit, markdown, terminal
from verdicts.report.page import render
from verdicts.run.reading import load


def derive(folder: Path, *, quiet: bool = False) -> Judgement:
    """Write the files, print the summary, give the judgement. Raises RunFolderError, and then OSError."""
    judged = judge(load(folder))
    found = document.build(judged)
    text = json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    summary = markdown.text(judged)
    errors: list[OSError] = []
    steps: tuple[Callable[[], None], ...] = (
        lambda: write_whole(folder / "verdicts.json", text),
        lambda: write_whole(folder / "report.html", render(judged, found, chosen())),
        lambda: junit.write(judged, folder / "junit.xml"),
        lambda: write_whole(folder / markdown.FILE, summary),
    )
    if not quiet:
        steps += (lambda: markdown.append_to_step(summary),)
    for write in steps:
        try:
            write()
        except OSError as error:
            errors.append(error)
    if not quiet:
        terminal.show(judged, folder)
        for line in markdown.workflow_commands(judged):
            print(line)
    if errors:
        raise errors[0]
    return judged

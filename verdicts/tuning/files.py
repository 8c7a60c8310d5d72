"""The files of a search for limits: `tune.json`, and `tune.html` and `tune.md`, which are derived from it."""

from __future__ import annotations

from pathlib import Path

from common.files.atomic_write import write_whole
from verdicts.language.words import chosen
from verdicts.tuning import page, tuning_file
from verdicts.tuning.answer import Answer
from verdicts.tuning.tuning_file import PAGE, TEXT, TuningFile


def write(folder: Path, found: TuningFile) -> None:
    """All three into `folder`, which is there, in the language that is asked for."""
    tuning_file.write(folder, found)
    pages(folder, found)


def pages(folder: Path, found: TuningFile) -> Answer:
    """Both pages anew; the answer that stands on them."""
    answer, language = Answer.of(found), chosen()
    write_whole(folder / PAGE, page.html(answer, language))
    write_whole(folder / TEXT, page.markdown(answer, language))
    return answer

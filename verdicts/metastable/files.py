"""The files of a search for the frontier: `metastable.json`, and the page that is derived from it."""

from __future__ import annotations

from pathlib import Path

from common.files.atomic_write import write_whole
from verdicts.language.words import chosen
from verdicts.metastable import metastable_file, page
from verdicts.metastable.metastable_file import PAGE, MetastableFile


def write(folder: Path, found: MetastableFile) -> None:
    """Both into `folder`, which is there, in the language that is asked for."""
    metastable_file.write(folder, found)
    page_anew(folder, found)


def page_anew(folder: Path, found: MetastableFile) -> None:
    """The page alone."""
    write_whole(folder / PAGE, page.html(found, chosen()))

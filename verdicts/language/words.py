"""Words of the pages in English and Japanese.

`Say("ja")("{n} runs", n=3)`: the English text is the key of words.ja.toml. One that is not there stays
English, so that no report is lost for a word; a test reads templates and code and finds it. What points say
as evidence is English.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Final

from verdicts.language.catalogue import LANGUAGES, japanese


def chosen() -> str:
    """The language that LANG_REPORT asks for; English for anything that is not known."""
    asked = os.environ.get("LANG_REPORT", "en")
    return asked if asked in LANGUAGES else "en"


class Say:
    """Texts of one language."""

    def __init__(self, language: str = "en") -> None:
        self.language = language

    def __call__(self, text: str, **values: object) -> str:
        """The text with its values; in English where Japanese has no word for it."""
        return (japanese().get(text, text) if self.language == "ja" else text).format_map(values)

    def join(self, sentences: Iterable[str | None]) -> str:
        """Sentences one after the other, without those that are empty; Japanese puts no space between."""
        return ("" if self.language == "ja" else " ").join(filter(None, sentences))


ENGLISH: Final = Say()

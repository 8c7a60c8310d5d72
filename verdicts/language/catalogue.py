"""The texts of this room's data files, read once.

    words.ja.toml         the pages' words in Japanese, by their English
    values.ja.toml        findings' values that are words, by a regular expression
    claims.<language>.toml  what the plan says of itself, held against arithmetic
    advice.<language>.toml  what the plan tells the operator, by rule; its milestones

A text that is missing is a KeyError: tests hold the languages' files against each other and against the code.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

LANGUAGES: Final = ("en", "ja")
HERE: Final = Path(__file__).resolve().parent


class AdviceTexts(NamedTuple):
    """`when` and `by`: milestone → words; `rules`: rule's key → `rule`, `advice` and, for some, `also`."""

    when: Mapping[str, str]
    by: Mapping[str, str]
    rules: Mapping[str, Mapping[str, str]]


@cache
def japanese() -> Mapping[str, str]:
    """A page's English → its Japanese."""
    return _read("words.ja.toml")


@cache
def values() -> Mapping[str, str]:
    """A regular expression of a value that is words → its Japanese."""
    return _read("values.ja.toml")


@cache
def advice(language: str) -> AdviceTexts:
    """The plan's texts in one of LANGUAGES."""
    found = _read(f"advice.{language}.toml")
    return AdviceTexts(found.pop("when"), found.pop("by"), found)


@cache
def claims(language: str) -> Mapping[str, Mapping[str, str]]:
    """What the plan says of itself: claim's key → `plan`, `computed` and, for some, `measured`."""
    return _read(f"claims.{language}.toml")


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((HERE / name).read_text("utf-8"))

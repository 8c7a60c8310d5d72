"""How pages are rendered: strict Jinja, styles and scripts as assets, words in the page's language.

    page = environment("ja").get_template("page.html").render(…)

In templates `_("{n} runs", n=3)` is a text of words.ja.toml, `unit(…)` a point's unit; `|figure` shows the
value of a point and `|bound` a threshold, `gap(unit)` stands between value and unit, `|word` is a text
without gaps.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemBytecodeCache, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from common.files.derived import derived_folder
from verdicts.language.catalogue import japanese
from verdicts.language.quantities import against, localized
from verdicts.language.units import gap, said, translated
from verdicts.language.words import Say
from verdicts.points.registry import UNITS

TEMPLATES: Final = Path(__file__).resolve().parent / "templates"


def environment(language: str, *, html: bool = True) -> Environment:
    """Templates in `language` (en, ja); `html` false: plain text, nothing is escaped."""
    compiled = derived_folder("templates")
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        bytecode_cache=FileSystemBytecodeCache(str(compiled)) if compiled else None,
        autoescape=html,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {
        "asset": lambda name: Markup((TEMPLATES / name).read_text("utf-8")),
        "language": language,
        "_": Say(language),
        "unit": lambda unit: translated(unit, UNITS) if language == "ja" else unit,
        "gap": lambda unit: gap(unit, language),
    }
    made.filters |= {
        "figure": lambda point: said(
            figure(*(made.getattr(point, key) for key in ("value", "status", "threshold"))), language
        ),
        "bound": lambda threshold: localized(bound(threshold), language),
        "word": lambda text: japanese().get(text, text) if language == "ja" else text,
        "cell": cell,
    }
    return made


def figure(value: Any, status: str, threshold: str) -> str:
    """A point's value for the eye: thousands apart, no empty decimals; a failed one never as its bound."""
    if not isinstance(value, int | float):
        return str(value)
    text = f"{value:.4g}" if isinstance(value, float) and abs(value) < 1000 else f"{value:,.0f}"
    return against(text, value, threshold) if status == "fail" and isinstance(value, float) else text


def bound(threshold: str) -> str:
    """A threshold with the signs that people read."""
    return threshold.replace("<=", "≤").replace(">=", "≥")


def cell(text: str) -> str:
    """A text that may stand in a cell of a Markdown table."""
    return " ".join(text.replace("|", "\\|").split())


def embedded(value: Any) -> Markup:
    """JSON that may stand inside a script element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Markup(text.replace("<", "\\u003c").replace("\u2028", "\\u2028"))

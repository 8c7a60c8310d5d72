"""The part on growth of `tune.html` and `tune.md`: its figure, limit by size, size by size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from verdicts.language.words import Say
from verdicts.tuning import growth_wording
from verdicts.tuning.growth_answer import GrowthAnswer, SizeAnswer
from verdicts.tuning.trial import SettingTrial
from verdicts.tuning.wording import shown

PLOT: Final = "growth"


def values(answer: GrowthAnswer, say: Say) -> Mapping[str, Any]:
    """What the templates have of it."""
    return {
        "sentence": growth_wording.summary_sentence(answer, say),
        "sizes": [_size(one, say) for one in answer.sizes],
        "limits": [_limit(answer, place, say) for place in range(len(answer.limits))],
        "aside": answer.growth.aside,
    }


def sure(answer: GrowthAnswer) -> str:
    """The verdict that the page's headline shows."""
    return "fail" if answer.failing else "pass" if answer.whole else "invalid"


def _limit(answer: GrowthAnswer, place: int, say: Say) -> dict[str, Any]:
    limit = answer.limits[place]
    cells = answer.cells(limit)
    return {
        "name": limit.name,
        "held": shown(limit, answer.growth.held[limit.name], say),
        "cells": [growth_wording.cell(limit, one, say) for one in cells],
        "sentence": growth_wording.sentence(answer, limit, say),
        "runs": list(dict.fromkeys(run.folder for one in cells for run in one.runs)),
    }


def _size(one: SizeAnswer, say: Say) -> dict[str, Any]:
    return {
        "mau": f"{one.mau:,}",
        "load": one.load,
        "instance": f"× {one.grown.instance}" if one.known else "–",
        "held": _served(one.held),
        "own": _served(one.own) if one.known else "–",
        "holds": one.known and one.holds,
        "known": one.known,
        "unanswered": growth_wording.unanswered(one, say) or "–",
        "broken": one.held.broken if one.held else (),
    }


def _served(made: SettingTrial | None) -> str:
    return "–" if made is None else f"{(1 - made.lost) * 100:.2f} %"


def spec(answer: GrowthAnswer, say: Say) -> dict[str, Any]:
    """plotly's figure: what is served by size, with the held set and with what it needs; filled: it held."""
    traces = [
        _trace(say("the set as it is"), "c1", "square", [(one, one.held) for one in answer.sizes], say),
        _trace(
            say("with what the size needs"),
            "good-2",
            "star",
            [(one, one.own if one.known else None) for one in answer.sizes],
            say,
        ),
    ]
    layout = {
        "height": 380,
        "hovermode": "closest",
        "xaxis": {"title": {"text": say("monthly active users")}, "type": "category"},
        "yaxis": {"title": {"text": say("innocents and ordinary work served, %")}},
        "margin": {"b": 92},
    }
    return {"data": traces, "layout": layout}


def _trace(
    name: str, color: str, symbol: str, points: list[tuple[SizeAnswer, SettingTrial | None]], say: Say
) -> dict[str, Any]:
    told = [(one, made) for one, made in points if made is not None]
    return {
        "type": "scatter", "mode": "lines+markers", "name": name,
        "x": [f"{one.mau:,}" for one, _ in told],
        "y": [round((1 - made.lost) * 100, 3) for _, made in told],
        "text": [_hover(one, made, say) for one, made in told],
        "hovertemplate": "%{text}<br>%{y:.2f} %<extra></extra>",
        "line": {"color": f"var(--{color})", "width": 2},
        "marker": {
            "color": f"var(--{color})", "size": 12,
            "symbol": [symbol if made.holds else f"{symbol}-open" for _, made in told],
        },
    }  # fmt: skip


def _hover(one: SizeAnswer, made: SettingTrial, say: Say) -> str:
    broken = next((f"{run.attack}: {run.broken[0]}" for run in made.broken), say("every bound held"))
    return f"{one.mau:,} MAU: {broken}"

"""The files of a comparison: compare.json (versioned) and compare.html (`verdicts.report.compare_page`)."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from common.files.atomic_write import write_whole
from telemetry.run_folder.reading import json_object
from verdicts.compare import figures, wording
from verdicts.compare.comparison import ComparedFigure, Comparison, Side, compare
from verdicts.report import compare_page
from verdicts.run.reading import RunFolderError, load

SCHEMA_VERSION: Final = 1
FILE: Final = "compare.json"
ALLOWED: Final = "allowed: what bin/compare wrote"
Repeat = tuple[str, str]
"""(where the invalid run is, why it is invalid)."""


def write(folder: Path, found: Comparison, command: str, repeated: Sequence[Repeat] = ()) -> None:
    """Write both files into `folder`, which is there; `command` makes the comparison again."""
    _json(folder, {**document(found, folder, repeated), "command": command})
    write_whole(folder / "compare.html", compare_page.render(found, folder, repeated, command))


def stored_document(folder: Path) -> dict[str, Any]:
    """compare.json as it is. Raises RunFolderError for one that cannot be read."""
    told = json_object(folder / FILE)
    if told.get("schema_version") != SCHEMA_VERSION:
        version = told.get("schema_version")
        raise RunFolderError(f"{folder / FILE}: schema_version: {version!r}, allowed: {SCHEMA_VERSION}")
    for key in ("verdict", "sentence"):
        if not isinstance(told.get(key), str):
            raise RunFolderError(f"{folder / FILE}: {key}: is missing or wrong, {ALLOWED}")
    return told


def derive(folder: Path, told: Mapping[str, Any]) -> Comparison:
    """Write both files anew, from the runs that compare.json, `told`, names. Raises RunFolderError."""
    try:
        named = [(told[name]["what"], [folder / run for run in told[name]["runs"]]) for name in "ab"]
        interleaved, command = bool(told["interleaved"]), str(told["command"])
        repeated = [(one["run"], one["why"]) for one in told["repeated"]]
    except (KeyError, TypeError) as error:
        raise RunFolderError(f"{folder / FILE}: {type(error).__name__}: {error}, {ALLOWED}") from None
    a, b = (Side(name, what, tuple(map(load, runs))) for name, (what, runs) in zip("AB", named, strict=True))
    found = compare(a, b, interleaved=interleaved)
    write(folder, found, command, repeated)
    return found


def write_invalid(folder: Path, why: str, repeated: Sequence[Repeat]) -> None:
    """Write compare.json of a comparison that came to nothing."""
    _json(folder, {**_head("invalid"), "sentence": why, "repeated": _repeats(repeated)})


def document(found: Comparison, folder: Path, repeated: Sequence[Repeat] = ()) -> dict[str, Any]:
    """compare.json as plain data. Values are in the unit that stands with them, shares in percent."""
    first = found.a.runs[0]
    return {
        **_head("compared" if found.called else "no call"),
        "sentence": found.sentence,
        "scenario": first.scenario["name"],
        "duration_s": first.duration,
        "seed": first.manifest.seed,
        "time_scale": first.manifest.time_scale,
        "subject": first.subject,
        "interleaved": found.interleaved,
        "a": _side(found.a, folder),
        "b": _side(found.b, folder),
        "differs": list(found.differs),
        "slow_tools": sorted(found.slow),
        "figures": [_row(row) for row in found.rows],
        "notes": list(found.notes),
        "repeated": _repeats(repeated),
    }


def _json(folder: Path, value: Mapping[str, Any]) -> None:
    text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False)
    write_whole(folder / FILE, text + "\n")


def _head(verdict: str) -> dict[str, Any]:
    written = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return {"schema_version": SCHEMA_VERSION, "written": written, "verdict": verdict}


def _repeats(repeated: Sequence[Repeat]) -> list[dict[str, str]]:
    return [{"run": run, "why": why} for run, why in repeated]


def _side(side: Side, folder: Path) -> dict[str, Any]:
    protections = list(side.runs[0].manifest.protections)
    names = [os.path.relpath(run.folder, folder) for run in side.runs]
    return {"what": side.what, "protections": protections, "runs": names}


def _row(row: ComparedFigure) -> dict[str, Any]:
    factor, unit = figures.UNITS[row.kind.unit]
    found = row.difference
    plain: dict[str, Any] = {
        "id": row.kind.id,
        "title": row.title,
        "unit": unit,
        "better": row.kind.better,
        "about": "load" if row.kind.own else "target",
        "basis": row.witness.basis,
        "witness": row.witness.said,
        "a": [_scaled(one.value, factor) for one in row.a],
        "b": [_scaled(one.value, factor) for one in row.b],
        "calls": {"a": [one.calls for one in row.a], "b": [one.calls for one in row.b]},
        "floor": {"relative": row.kind.floor_relative, "absolute": _scaled(row.floor, factor)},
        "call": row.call,
        "why": row.why,
        "words": dict(zip(wording.HEAD, wording.cells(row), strict=True)),
    }
    if found is not None:
        plain |= {
            "mean": {"a": _scaled(found.a, factor), "b": _scaled(found.b, factor)},
            "difference": _scaled(found.difference, factor),
            "interval": [_scaled(bound, factor) for bound in found.interval],
            "relative": found.relative,
            "relative_interval": list(found.relative_interval) if found.relative_interval else None,
            "level": found.level,
            "p": found.p,
        }
    return plain


def _scaled(value: float, factor: float) -> float | None:
    return None if math.isnan(value) else round(value * factor, 9)

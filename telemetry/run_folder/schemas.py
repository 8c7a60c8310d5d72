"""The JSON Schema of each file of a run folder, made from its struct: `make schemas` writes docs/schema/.

For a `.jsonl` file it is the schema of one line.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import msgspec

from common.files.atomic_write import write_whole
from common.paths import ROOT
from telemetry.run_folder.end import RunEnd
from telemetry.run_folder.lines import ErrorText, Event, ForeignAnswer, LedgerLine, Scrape
from telemetry.run_folder.manifest import Manifest
from telemetry.run_folder.series import Series
from telemetry.run_folder.verdict_file import VerdictFile

FOLDER: Final = ROOT / "docs" / "schema"
FILES: Final[dict[str, Any]] = {
    "run": Manifest,
    "end": RunEnd,
    "ledger": LedgerLine,
    "events": Event,
    "errors": ErrorText,
    "foreign": ForeignAnswer,
    "target": Scrape,
    "instances": str,
    "verdicts": VerdictFile,
    "series": Series,
}


def text(name: str) -> str:
    """The schema of the file of that name, as it stands in docs/schema/."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **msgspec.json.schema(FILES[name])}
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def write(folder: Path = FOLDER) -> None:
    """Write them all."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        write_whole(folder / f"{name}.json", text(name))


if __name__ == "__main__":
    write()

"""Which tool wrote a file is seen in the file itself; what none of them wrote is refused in one line."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from common.errors import ConfigError, short
from verdicts.audit import k6, locust_csv, oha, vegeta
from verdicts.audit.other_run import OtherRun

ALLOWED: Final = (
    "k6's summary (--summary-export, handleSummary) or --out json, vegeta report -type=json, vegeta encode, "
    "Locust's NAME_stats.csv, oha --output-format json"
)
MOST_BYTES: Final = 1 << 30
MOST_COUNTED: Final = 10**15
# A key that one tool's document has and no other's.
DOCUMENTS: Final[dict[str, Callable[[Any], OtherRun]]] = {
    "metrics": k6.summary,
    "status_codes": vegeta.report,
    "statusCodeDistribution": oha.report,
}
LINES: Final[dict[str, Callable[[Iterable[bytes]], OtherRun]]] = {
    "metric": k6.points,
    "seq": vegeta.results,
}


def read(file: Path) -> OtherRun:
    """What it says. Raises ConfigError."""
    try:
        with file.open("rb") as stream:
            body = stream.read(MOST_BYTES + 1)
    except OSError as error:
        raise ConfigError(file, "", f"cannot be read: {error.strerror}, allowed: {ALLOWED}") from None
    if len(body) > MOST_BYTES:
        raise ConfigError(file, "", f"has over {MOST_BYTES:,} bytes, allowed: the tool's summary")
    try:
        found = _json(file, body) if body.lstrip()[:1] == b"{" else _csv(file, body)
    except ConfigError:
        raise
    except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError) as error:
        raise ConfigError(file, "", f"{error}, allowed: {ALLOWED}") from None
    for count in (found.sent, found.unproved, found.dropped, found.begun):
        if not 0 <= count <= MOST_COUNTED:
            raise ConfigError(file, "", f"counts {short(count)}, allowed: 0 to {MOST_COUNTED:,}")
    return found


def _json(file: Path, body: bytes) -> OtherRun:
    first = body.lstrip().split(b"\n", 1)[0]
    try:
        head = msgspec.json.decode(first, type=dict[str, Any])
    except msgspec.DecodeError:  # a document over several lines
        head = {}
    for key, of in LINES.items():
        if key in head:
            return of(_lines(body))
    document = msgspec.json.decode(body, type=dict[str, Any])
    for key, read_document in DOCUMENTS.items():
        if key in document:
            return read_document(document)
    raise ConfigError(file, "", f"is JSON of no tool that is known, allowed: {ALLOWED}")


def _lines(body: bytes) -> Iterator[bytes]:
    return (line for line in body.splitlines() if line.strip())


def _csv(file: Path, body: bytes) -> OtherRun:
    try:
        rows = list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline="")))
    except (UnicodeDecodeError, csv.Error):
        rows = []
    if not rows or not locust_csv.is_stats(rows[0]):
        raise ConfigError(file, "", f"is of no tool that is known, allowed: {ALLOWED}")
    return locust_csv.stats(file, rows)

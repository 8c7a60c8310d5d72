"""vegeta: `vegeta report -type=json`, and the results themselves as `vegeta encode` writes them (JSON).

Neither holds the rate that was asked for: the report's `rate` is the one that was reached.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

import msgspec
import numpy as np

from verdicts.audit.other_run import OtherRun

UNANSWERED: Final = 0  # vegeta's status of a request that got no answer
CLOSED: Final = "with all of -max-workers waiting for answers it sends no more"


class VegetaReport(msgspec.Struct):
    """`duration`: nanoseconds from the first to the last that left."""

    requests: int
    duration: int
    status_codes: dict[str, int]


def report(found: Any) -> OtherRun:
    """Of the parsed file. Raises msgspec.ValidationError."""
    told = msgspec.convert(found, VegetaReport)
    unanswered = told.status_codes.get(str(UNANSWERED), 0)
    return OtherRun("vegeta's report", told.requests, unanswered, length_s=told.duration / 1e9, closed=CLOSED)


class VegetaResult(msgspec.Struct):
    """One request; `timestamp` is when it left."""

    seq: int
    code: int
    timestamp: datetime


def results(lines: Iterable[bytes]) -> OtherRun:
    """Of `vegeta encode`. Raises msgspec.MsgspecError at a line that is none of vegeta's."""
    found = list(map(msgspec.json.Decoder(VegetaResult).decode, lines))
    starts = np.sort(np.asarray([one.timestamp.timestamp() for one in found], np.float64))
    return OtherRun(
        "vegeta's results",
        len(found),
        sum(one.code == UNANSWERED for one in found),
        length_s=float(np.ptp(starts)) if found else None,
        starts=starts,
        closed=CLOSED,
    )

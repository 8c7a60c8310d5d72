"""oha: `--output-format json`. It does not hold the rate (-q) that was asked for."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from verdicts.audit.other_run import OtherRun

CLOSED: Final = "with all of its connections (-c) waiting for answers it sends no more"


class OhaReport(msgspec.Struct, rename="camel"):
    """Answers by status; `error_distribution`: requests without one, those cut off at the end among them."""

    status_code_distribution: dict[str, int]
    error_distribution: dict[str, int]


def report(found: Any) -> OtherRun:
    """Of the parsed file. Raises msgspec.ValidationError."""
    told = msgspec.convert(found, OhaReport)
    unanswered = sum(told.error_distribution.values())
    answered = sum(told.status_code_distribution.values())
    return OtherRun("oha's report", answered + unanswered, unanswered, closed=CLOSED)

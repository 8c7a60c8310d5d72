"""P1.8: the error rate. Errors over sent calls of the judged groups; refusals stand apart."""

from __future__ import annotations

from collections.abc import Mapping

from verdicts.measure.calls import outcomes
from verdicts.measure.calls.outcomes import Outcomes
from verdicts.points.point import AT_500_MAU, Finding, point
from verdicts.run.reading import Run


@point(
    "P1.8",
    en="What is the error rate?",
    ja="エラー率はいくらか",
    scenario="burst",
    when=AT_500_MAU,
    figures={"errors": "share", "5xx": "share", "refusals": "share"},
    units={
        "% errors": "% エラー",
    },
)
def error_rate(run: Run) -> Finding:
    """Share of errors; the operator's alert is on the share of 5xx answers."""
    found = outcomes.of(run, run.sent & run.judged)
    share = found.share(found.error_count)
    return Finding(
        round(share * 100, 4) if found.sent else None,
        "% errors",
        _evidence(found),
        figures={
            "errors": share,
            "5xx": found.share(found.status_5xx),
            "refusals": found.share(found.refusal_count),
        },
        rows=tuple(_rows(found)),
    )


def _evidence(found: Outcomes) -> str:
    if not found.sent:
        return "No call was sent."
    return (
        f"{found.error_count:,} errors of {found.sent:,} sent{_list(found.errors)}; "
        f"5xx answers {found.status_5xx:,} ({found.share(found.status_5xx):.2%}); "
        f"refused by a protection, counted apart: {found.refusal_count:,}{_list(found.refusals)}."
    )


def _list(counts: Mapping[str, int]) -> str:
    return f" ({', '.join(f'{reason} {count:,}' for reason, count in counts.items())})" if counts else ""


def _rows(found: Outcomes) -> list[dict[str, float | int | str | None]]:
    kinds = (("error", found.errors), ("refusal", found.refusals))
    return [
        {"kind": kind, "reason": reason, "calls": count, "% of sent": round(found.share(count) * 100, 4)}
        for kind, counts in kinds
        for reason, count in counts.items()
    ]

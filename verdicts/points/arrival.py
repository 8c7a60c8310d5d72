"""Did the attack arrive: what was planned against what was sent, on time. Every run answers it."""

from __future__ import annotations

from verdicts.measure.arrivals import ledger, target_count
from verdicts.measure.calls.percentiles import milliseconds
from verdicts.points.point import Finding, point
from verdicts.run.reading import Run


@point(
    "arrival",
    en="Did the attack arrive as planned?",
    ja="攻撃は計画どおりに到達したか",
    figures={"share": "share"},
    units={
        "% of planned sent": "%(計画に対する送信)",
    },
)
def arrival(run: Run) -> Finding:
    """The share of planned arrivals that were sent."""
    book = ledger.of(run)
    total = book.total
    share = total.sent / total.planned if total.planned else float("nan")
    evidence = (
        f"{ledger.equation(total)}. Late (over {milliseconds(ledger.late_after(run)):g} ms): {total.late:,}. "
        f"Start delay {book.delay_told}."
    )
    return Finding(
        100_000 * total.sent // total.planned / 1000 if total.planned else None,  # 100 % is all of it
        "% of planned sent",
        evidence + _counted(run, book),
        figures={"share": share},
    )


def _counted(run: Run, book: ledger.ArrivalLedger) -> str:
    count = target_count.of(run, book)
    if count is None:
        return " The target does not count our calls."
    return f" {count.source} counted {count.counted:,}; sent + extra = {count.out:,}."

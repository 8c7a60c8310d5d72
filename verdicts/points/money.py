"""Money: is every credit accounted for? Exact, in SQL, after every run of the bundled stack."""

from __future__ import annotations

from verdicts.measure.target import money
from verdicts.points.point import Finding, point
from verdicts.run.reading import Run


@point(
    "money",
    en="Is every credit accounted for?",
    ja="クレジットはすべて正しく計上されているか",
    figures={"problems": "", "unfinished": "", "unrecorded": ""},
    units={
        "problems in the books": "件の帳簿の不整合",
    },
)
def safe(run: Run) -> Finding:
    """Problems found in the books; calls that were charged and did not finish are counted beside."""
    books = money.of(run)
    if books is None:
        return Finding.unseen("Nobody looked into the database: the run was cut off, or it gave no answer.")
    facts = books.facts
    counted = (
        f"{facts['transactions']:,} transactions over {facts['written']:,} credits, {facts['consumed']:,} "
        f"consumed; {books.due:,} charges due for successful calls; request ids charged twice "
        f"{facts['repeated']:,}, accounts below zero {facts['negative']:,}. Charged, but no success at the "
        f"client: {books.surplus:,}; charged without a usage row (not finished, or lost with the origin): "
        f"{facts['unfinished']:,}."
    )
    return Finding(
        len(books.problems),
        "problems in the books",
        "; ".join((*books.problems, counted)),
        {
            "problems": len(books.problems),
            "unfinished": books.surplus,
            "unrecorded": facts["unfinished"],
        },
        status="fail" if books.problems else "pass",
    )

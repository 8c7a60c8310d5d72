"""When the plan wants its questions answered, in order, in the page's languages."""

from __future__ import annotations

from typing import Final

from verdicts.plan.rule import Text

# as verdicts.questions has them
WHEN: Final = {
    "before the MVP": Text("before the MVP", "MVP前"),
    "at 100 MAU": Text("at 100 MAU", "100 MAU時点"),
    "at 500 MAU": Text("at 500 MAU", "500 MAU時点"),
    "before 1,000 MAU": Text("before 1,000 MAU", "1,000 MAU前"),
}
BY: Final = {
    "before the MVP": Text("before the MVP", "MVPまでに"),
    "at 100 MAU": Text("before 100 MAU", "100 MAUまでに"),
    "at 500 MAU": Text("before 500 MAU", "500 MAUまでに"),
    "before 1,000 MAU": Text("before 1,000 MAU", "1,000 MAUまでに"),
}

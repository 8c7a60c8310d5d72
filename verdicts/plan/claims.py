"""What the plan says of itself, held against arithmetic and against what this plan's runs measured.

A claim is the plan's words, what follows from its own figures, and a measurement: the numbers of the question
that shows it. Texts are in `verdicts/language/claims.<language>.toml`; where a number is not known the
measurement is left out, and the page says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from verdicts.language import catalogue
from verdicts.language.words import Say
from verdicts.measure.target.goroutines import DEFAULTS
from verdicts.plan.answers import PlanAnswer
from verdicts.plan.numbers import Numbers
from verdicts.plan.rules import BURST, GLOBAL, MEMORY_ALERT, SLOW
from verdicts.points.registry import QUESTIONS

SECONDS_A_DAY: Final = 86_400
WRITES_A_DAY: Final = 1_000  # KV, free plan
REQUESTS_A_DAY: Final = 10  # of a monthly active user, by the plan's own table
TURNS_A_DAY: Final = 0.2 * 2 * 10  # active on a day × sessions × turns (docs/kv-writes.md)
KEYS: Final = 2  # the IP limit's and the burst limit's
PER_USER: Final = 50
STARTER: Final = 60  # req/min
BATCH: Final = 10
USERS: Final = 100
CONNECTIONS: Final = 60


def goroutines(calls: float) -> float:
    """Of the nano model, with so many calls in flight."""
    return DEFAULTS["goroutines_base"] + calls * DEFAULTS["goroutines_per_call"]


def memory(goroutines: float) -> float:
    """Bytes of the nano model with so many goroutines."""
    return DEFAULTS["memory_base"] + goroutines * (DEFAULTS["stack_bytes"] + DEFAULTS["buffer_bytes"])


class Claim(NamedTuple):
    """`work` gives the numbers that follow; `point` is the question whose numbers measure it, "" for none."""

    key: str
    point: str
    work: Callable[[], Mapping[str, float]]


class ClaimText(NamedTuple):
    """One claim in one language; `measured` is "" where no run showed it."""

    plan: str
    computed: str
    measured: str
    point: str


CLAIMS: Final = (
    Claim(
        "writes-a-day",
        "P1.1",
        lambda: {
            **{"a_day": SECONDS_A_DAY, "quota": WRITES_A_DAY, "rate": BURST},
            **{"ends": WRITES_A_DAY, "ends_both": WRITES_A_DAY / KEYS},
        },
    ),
    Claim("ten-times-less", "", lambda: {"most": BURST, "saved": 1 - 1 / BURST}),
    Claim(
        "users-of-the-quota",
        "",
        lambda: {
            **{"quota": WRITES_A_DAY, "users": 100, "tried": 100 * REQUESTS_A_DAY},
            **{"fits": WRITES_A_DAY / (TURNS_A_DAY * KEYS), "wanted": 1000 * TURNS_A_DAY * KEYS},
        },
    ),
    Claim("paid-plan", "P1.8", lambda: {"rate": BURST, "fails": 1 - 1 / BURST}),
    Claim(
        "near-the-limit",
        "P0.2",
        lambda: {"low": memory(1500), "high": memory(5000), "calls": memory(goroutines(1500))},
    ),
    Claim(
        "five-thousand-calls",
        "P0.2",
        lambda: {"count": goroutines(5000), "bytes": memory(goroutines(5000)), "alert": MEMORY_ALERT},
    ),
    Claim("two-users", "P0.3", lambda: {"each": PER_USER, "all": GLOBAL, "fill": GLOBAL / PER_USER}),
    Claim("batch", "", lambda: {"limit": 30, "batch": BATCH, "at_once": 30 / BATCH}),
    Claim("a-minutes-limit", "F1.2", lambda: {"limit": STARTER, "rate": BURST, "lasts": STARTER / BURST}),
    Claim(
        "closed-loop",
        "P0.1",
        lambda: {"users": USERS, "each": SLOW, "closed": USERS / SLOW, "wanted": USERS * BURST},
    ),
    Claim("connections", "P1.9", lambda: {"calls": 5000, "there": CONNECTIONS, "each": 5000 / CONNECTIONS}),
    Claim(
        "p0-in-phase-2",
        "P0.4",
        lambda: {"questions": sum(question.priority == "P0" for question in QUESTIONS.values())},
    ),
)


def texts(answers: Sequence[PlanAnswer], language: str) -> list[ClaimText]:
    """Every claim, in the order of CLAIMS."""
    by_id = {answer.question.id: answer for answer in answers}
    return [_text(claim, by_id.get(claim.point), language) for claim in CLAIMS]


def _text(claim: Claim, answer: PlanAnswer | None, language: str) -> ClaimText:
    found = catalogue.claims(language)[claim.key]
    computed = Numbers(claim.work())
    seen = Numbers({**(answer.numbers() if answer else {}), **{f"c_{k}": v for k, v in computed.items()}})
    basis = Say(language)(answer.basis if answer else "")
    measured = seen.says(found.get("measured", ""), language, basis=basis) or ""
    return ClaimText(
        found["plan"],
        computed.says(found["computed"], language) or "",
        measured,
        claim.point if measured else "",
    )

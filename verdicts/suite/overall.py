"""What several runs say together: did their attacks arrive, did the target hold, what broke first?

Runs are given as their verdicts.json by name; {} for one that left none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from verdicts.explain.first_break import retold
from verdicts.explain.headline import Card
from verdicts.language.quantities import localized
from verdicts.language.words import Say

Runs = Mapping[str, Mapping[str, Any]]


def valid(found: Mapping[str, Any]) -> bool:
    """What the run says of the target may be believed."""
    return bool(found) and not found["invalid_because"]


def cards(runs: Runs, say: Say) -> list[Card]:
    """The three questions, for runs that belong to no plan."""
    return [arrived(runs, say), _held(runs, say), _broke(runs, say)]


def arrived(runs: Runs, say: Say) -> Card:
    """Whether the attacks of all runs arrived."""
    lost = [name for name, found in runs.items() if not valid(found)]
    books = [found["arrivals"] for found in runs.values() if found]
    total = {key: sum(one[key] for one in books) for key in ("planned", "sent", "late", "dropped", "unknown")}
    delay = max((one["start_delay_ms"]["p99"] or 0 for one in books), default=0)
    answer = say("Yes, in all {count} runs", count=len(runs))
    if lost or not runs:
        answer = say("Not in {lost} of {count} runs", lost=len(lost), count=len(runs))
    of = say("{sent} of {planned}", sent=f"{total['sent']:,}", planned=f"{total['planned']:,}")
    figures = [
        (say("sent of planned"), of),
        (say("late · dropped · unknown"), f"{total['late']:,} · {total['dropped']:,} · {total['unknown']:,}"),
        (say("worst start delay p99"), localized(f"{delay:.3g} ms", say.language)),
    ]
    notes = [say("Not counted: {names}.", names=", ".join(lost))] if lost else []
    if crowded := [name for name, found in runs.items() if valid(found) and found.get("starved")]:
        text = (
            "Others filled this machine beside {names}: what the stack was slow at there may be their doing."
        )
        notes.append(say(text, names=", ".join(crowded)))
    return Card(
        say("Did the attacks arrive?"),
        answer,
        "invalid" if lost or not runs else "pass",
        figures,
        say.join(notes),
    )


def _held(runs: Runs, say: Say) -> Card:
    statuses = [point["status"] for found in runs.values() for point in found.get("points", ())[1:]]
    number = {status: statuses.count(status) for status in ("pass", "fail", "info", "invalid")}
    judged = number["pass"] + number["fail"]
    answer = say("Yes, in all {count}", count=judged) if judged else say("Not known")
    if number["fail"]:
        answer = say("Not in {failed} of {count}", failed=number["fail"], count=judged)
    status = "fail" if number["fail"] else "pass" if judged and not number["invalid"] else "invalid"
    names = {
        "pass": "within their bounds",
        "fail": "out of bounds",
        "info": "a figure without a bound",
        "invalid": "no answer",
    }
    return Card(
        say("Did the target hold?"),
        answer,
        status,
        [(say(text), f"{number[one]}") for one, text in names.items()],
    )


def _broke(runs: Runs, say: Say) -> Card:
    told = [(name, str(found.get("broke_first", ""))) for name, found in runs.items() if found]
    broken = [(name, retold(what, say)) for name, what in told if what not in ("", "nothing broke")]
    answer = say("{name}: {what}", name=broken[0][0], what=broken[0][1]) if broken else say("Nothing broke")
    return Card(say("What broke first?"), answer, "fail" if broken else "pass", broken[1:5])

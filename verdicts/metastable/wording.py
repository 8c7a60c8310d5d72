"""The frontier in words, in English and Japanese."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from shapes.frontier.search import LOAD, FrontierLine
from verdicts.language.units import gap
from verdicts.language.words import ENGLISH, Say
from verdicts.metastable.answer import RowAnswer, of_state
from verdicts.metastable.metastable_file import PAGE, MetastableFile


def name(row: RowAnswer) -> str:
    """`naive, today`."""
    return f"{row.row.agents}, {row.row.protect}"


def load(share: float | None, say: Say) -> str:
    """`70 %`; a dash for what was not tried."""
    return "–" if share is None else f"{share * 100:.3g}{gap('%', say.language)}%"


def length(seconds: float | None, say: Say) -> str:
    """`4.6 s`; a dash for what was not tried."""
    return "–" if seconds is None else f"{seconds:.3g}{gap(say('s'), say.language)}{say('s')}"


def place(line: FrontierLine, say: Say) -> str:
    """What a line is searched at."""
    if line.along == LOAD:
        return say("trigger of {length}", length=length(line.at, say))
    return say("load of {load}", load=load(line.at, say))


def ends(line: FrontierLine, say: Say) -> tuple[str, str]:
    """(comes back up to, does not from) along a line."""
    lower, upper = line.found.lower, line.found.upper
    if line.along == LOAD:
        return load(lower, say), load(upper, say)
    return length(lower, say), length(upper, say)


def sentence(line: FrontierLine, say: Say) -> str:
    """One line of a row."""
    at, (lower, upper), found = place(line, say), ends(line, say), line.found
    told = {
        (True, True): say(
            "At a {at} it comes back up to {lower}, and not from {upper} on.", at=at, lower=lower, upper=upper
        ),
        (True, False): say("At a {at} it came back from everything, up to {lower}.", at=at, lower=lower),
        (False, True): say("At a {at} it does not come back even from {upper}.", at=at, upper=upper)
        if found.confirmed
        else say("At a {at} it does not come back from {upper}; less was not tried.", at=at, upper=upper),
        (False, False): say("At a {at} nothing is known.", at=at),
    }[found.lower is not None, found.upper is not None]
    return say.join([told, None if found.confirmed else say("Not confirmed.")])


def headline(rows: Sequence[RowAnswer], say: Say) -> str:
    """Whether there is such a state."""
    if of_state(rows, "some"):
        return say("There are loads and triggers from which it does not come back")
    if rows and len(of_state(rows, "none")) == len(rows):
        return say("It comes back from everything that was tried")
    return say("Nothing is known yet")


def summary_sentence(found: MetastableFile, rows: Sequence[RowAnswer], say: Say) -> str:
    """Who is kept down, who is not, and how much was tried."""
    between = "、" if say.language == "ja" else "; "
    some, none, unknown = (of_state(rows, state) for state in ("some", "none", "unknown"))
    trials = sum(len(row.row.trials) for row in rows)
    return say.join(
        [
            say("Kept down by its own repeats: {names}.", names=between.join(map(name, some)))
            if some else None,
            say(
                "Not up to a load of {load} and a trigger of {length}: {names}.",
                load=load(max(found.loads), say), length=length(max(found.lengths), say),
                names=between.join(map(name, none)),
            ) if none else None,
            say("Not known yet: {names}.", names=between.join(map(name, unknown))) if unknown else None,
            say("{count} trials count.", count=trials),
        ]
    )  # fmt: skip


def notes(rows: Iterable[RowAnswer]) -> list[str]:
    """Why searches ended early, in English: they are runs' own words."""
    return [f"{name(row)}: {row.row.note}" for row in rows if row.row.note]


def summary(found: MetastableFile, rows: Sequence[RowAnswer], folder: Path) -> Iterable[str]:
    """The lines at the end of the command."""
    say = ENGLISH
    yield f"{headline(rows, say)}. {summary_sentence(found, rows, say)}"
    for row in rows:
        told = [sentence(line, say) for line in row.lines]
        yield f"  {name(row)}: " + say.join([*told, f"({row.row.note})" if row.row.note else None])
    yield f"  page: {folder / PAGE}"

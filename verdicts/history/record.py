"""A valid run's own line in the history: once, and never at the cost of the run.

Valid is a run whose attack arrived, that came to its planned end, and whose verdict says something. One whose
bounds others on the machine may have broken (`verdicts.judge.crowded`) tells their doing, and stays out.
Whatever keeps a run out of the history (a full disk, a locked or broken file) is one line and changes nothing
else.
"""

from __future__ import annotations

from pathlib import Path

from common.errors import one_line
from verdicts.history import figures, store
from verdicts.history.entry import HistoryRun, SeriesKey
from verdicts.judge.judge import Judgement
from verdicts.run.reading import Run


def kept(judged: Judgement) -> bool:
    """The run is one that the history keeps."""
    end = judged.run.end
    whole = end is not None and end.completed
    return whole and judged.validity.valid and judged.verdict != "invalid" and not judged.excused


def record(judged: Judgement, folder: Path) -> str:
    """Append the run to the history in `folder`, if it is one to keep; "" or a warning."""
    try:
        if kept(judged):
            store.append(folder, entry(judged))
    except store.HistoryError as error:
        return warning(str(error))
    except Exception as error:  # ours: no verdict is lost for it
        return warning(f"{folder}: {type(error).__name__}: {error}")
    return ""


def warning(why: str) -> str:
    """One line."""
    return f"warning: this run is not in the history: {one_line(why)}"


def entry(judged: Judgement) -> HistoryRun:
    """What the history keeps of it."""
    run = judged.run
    about = run.manifest
    return HistoryRun(
        run=about.run,
        started=float(about.start_wall),
        key=key_of(run),
        version=about.version,
        commit=about.commit,
        verdict=judged.verdict,
        slow_tools=figures.slow_tools(run),
        figures=figures.of(judged),
    )


def key_of(run: Run) -> SeriesKey:
    """The series that a run belongs to."""
    about = run.manifest
    return SeriesKey.of(about.scenario, about.protections, about.target_name, about.machine)

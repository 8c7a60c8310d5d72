"""P1.10: the error when connections run out, word for word: at the database, the origin and the client.

The database's words are those of its own log, and what a connection from outside was told. The origin's
are the codes that it counted. The client's are what failed calls were told, the first of each kind.

An answer is *clear* if it came within `PATIENCE` seconds (a caller's own, however fast a scenario runs) and
was a success, a refusal, or a 503 with `Retry-After`. `unclear` is the share of the judged groups' calls that
got none.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from telemetry.probing.target_log import parse_labels
from telemetry.recording.sample import Outcome
from verdicts.measure.calls import outcomes
from verdicts.measure.target import faults, origins, pooler
from verdicts.points.point import AT_500_MAU, Finding, Value, point
from verdicts.run.reading import Mask, Run

PATIENCE: Final = 10.0  # seconds
CODES: Final = "mcpist_db_errors_total"
DATABASE: Final = ("db_error", "db_pool_timeout")
CLIENT: Final = "client"
NOTHING: Final = "no call failed of it"


@point(
    "P1.10",
    en="What is the error when connections run out, word for word?",
    ja="接続が枯渇したときのエラーは一字一句どうなるか",
    scenario="db-pool",
    when=AT_500_MAU,
    part="origin",
    figures={"unclear": "share"},
)
def exhaustion_error(run: Run) -> Iterator[Finding]:
    """What everybody was told, and how many callers were not told clearly."""
    if missing := pooler.missing(run):
        yield Finding.unseen(missing)
        return
    rows = [*_at_database(run), *_at_origins(run), *_at_clients(run)]
    told = [str(row["words"]) for row in rows if str(row["where"]).startswith(CLIENT)]
    if not told and faults.unmade(run):
        yield Finding.unseen(faults.UNMADE)
        return
    sent = run.sent & run.judged & ~_cut_off(run)
    unclear = int((sent & ~clear(run)).sum())
    share = unclear / int(sent.sum()) if sent.any() else float("nan")
    yield Finding(
        told[0] if told else NOTHING,
        "",
        f"{unclear:,} of {int(sent.sum()):,} calls got no clear answer: neither a success nor a refusal nor "
        f"a 503 with Retry-After within {PATIENCE:g} s.{_literally(run)}",
        {"unclear": share},
        rows=tuple(rows),
    )


def clear(run: Run) -> Mask:
    """Records whose caller was told clearly, in time."""
    samples = run.samples
    took = np.where(run.out, samples["done"] - samples["planned"], np.inf)
    later = run.became(Outcome.FAILED) & (samples["status"] == 503) & ~np.isnan(samples["retry_after"])
    answered: Mask = run.became(Outcome.OK) | outcomes.refused(run) | later
    return answered & (took <= PATIENCE)


def _cut_off(run: Run) -> Mask:
    """Calls that ended with the run before their callers had waited for too long: nobody knows of them."""
    took = run.samples["done"] - run.samples["planned"]
    within: Mask = took <= PATIENCE
    return run.became(Outcome.ABORTED) & within & ~outcomes.given_up(run)


def _literally(run: Run) -> str:
    found = run.connections
    if found is None or found["refusal"] is None:
        return ""
    return f" A connection too many was told: {found['refusal']} (SQLSTATE {found['sqlstate']})."


def _row(where: str, words: str, times: Any, status: Any = None) -> dict[str, Value]:
    return {"where": where, "words": words, "status": status, "times": times}


def _at_database(run: Run) -> Iterator[dict[str, Value]]:
    for words, times in (run.connections or {}).get("log", {}).items():
        yield _row("Postgres (its log)", f"FATAL: {words}", times)


def _at_origins(run: Run) -> Iterator[dict[str, Value]]:
    for source in origins.sources(run):
        for key in run.target.sources[source].values:
            code = parse_labels(key).get("code") if key.startswith(CODES + "{") else None
            times = run.target.total(source, CODES, code=code) if code else 0.0
            if times > 0:
                yield _row(f"{source} (its counter by {_speaker(run, str(code))})", str(code), int(times))


def _at_clients(run: Run) -> Iterator[dict[str, Value]]:
    """Texts of failures by the database, each reason's calls at its first text."""
    counted: set[str] = set()
    for text in sorted(run.texts, key=lambda one: one.t):
        reason = text.reason
        if reason not in DATABASE:
            continue
        times = None if reason in counted else int(outcomes.failed_by(run, (reason,)).sum())
        counted.add(reason)
        who = "the pool" if reason == "db_pool_timeout" else _speaker(run, reason)
        yield _row(f"{CLIENT} (words of {who})", text.words, times, text.status)


def _speaker(run: Run, code: str) -> str:
    """Whose word a code is: the origin's own pool, the pooler before Postgres, or Postgres."""
    if code == "pool_timeout":
        return "the pool"
    return "the pooler" if run.manifest.settings("database").get("mode") == "pooler" else "Postgres"

"""P3.5: does the key-set cache hold, also under key ids that nobody has.

How often a set is fetched because it expired is arithmetic (its age limit); what a flood can do is to make
the edge fetch for a key id that nobody has. Whether a new key is taken up in time is a case of its own: in a
run that rotates the key, the real seconds from its publication until every user who signs with it is served.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from verdicts.measure.calls import outcomes, served_again
from verdicts.measure.limits import forged_tokens, quota
from verdicts.measure.target import faults
from verdicts.points.point import BEFORE_1000_MAU, Finding, point
from verdicts.run.reading import Run

A_FETCH_A_REQUEST = 500  # per 1,000: every other request had to wait for one
FETCHES = "mcpist_jwks_fetches_total"
UNKNOWN = "unknown-kid"
ROTATION = "key-unpublished"
NO_CACHE = "no-cache"  # each call fetches, whatever its key id
CAUSES = ("first", "expired", UNKNOWN, NO_CACHE)


@point(
    "P3.5",
    en="Does the JWKS cache hold, also under unknown key ids?",
    ja="JWKSキャッシュは未知のkidに対しても機能するか",
    scenario="invalid-jwt",
    when=BEFORE_1000_MAU,
    part="edge",
    figures={"fetches": "", "unknown": "", "caused": "", "ttl": "s", "taken_up": "s", "turned_away": ""},
    units={
        "fetches for unknown key ids": "回取得(未知のkidによる)",
        "fetches per 1,000 requests": "回取得(1,000リクエストあたり)",
        "s until a rotated key is taken up": "秒(新しい鍵を受け入れるまで)",
    },
)
def jwks_fetches(run: Run) -> Iterator[Finding]:
    """The rotation, where there was one; fetches of the key set per 1,000 requests, figure `fetches`."""
    yield from _rotation(run)
    yield _fetches(run)


def _rotation(run: Run) -> Iterator[Finding]:
    for fault in run.scenario.get("faults", ()):
        if fault["fault"] != ROTATION or fault.get("until") is None:
            continue
        if faults.unmade(run):
            yield Finding.unseen(faults.UNMADE, "rotation")
            return
        published, scale = float(fault["until"]), run.manifest.time_scale
        refused = run.out & run.judged & outcomes.failed_by(run, ("invalid_token",))
        waits = served_again.seconds(run, published, refused) * scale
        slowest = float(waits.max()) if waits.size else 0.0
        never = int(np.isinf(waits).sum())
        yield Finding(
            "not within the run" if never else round(slowest, 1),
            "" if never else "s until a rotated key is taken up",
            f"{waits.size:,} users signed with the new key and were refused at first, {never:,} to the end; "
            f"{int(refused.sum()):,} calls were refused. Real seconds, after the key was published.",
            {"taken_up": slowest, "turned_away": float(refused.sum())},
            "rotation",
            at_least={"taken_up": served_again.at_least(run, published, refused) * scale},
        )


def _fetches(run: Run) -> Finding:
    own = [event.detail["fetches"] for event in run.events if event.name == "key-set"]
    if own and run.out.any():
        return _from_us(run, int(own[-1]))
    source = quota.source(run)
    fetches = run.target.total(source, FETCHES)
    requests = int(run.out.sum())
    if np.isnan(fetches) or not requests:
        return Finding.unseen(f"The target shows no {FETCHES}.")
    edge = run.manifest.settings("edge")
    counted = {
        cause: float(np.nan_to_num(run.target.total(source, FETCHES, cause=cause))) for cause in CAUSES
    }
    seconds = forged_tokens.span(run, forged_tokens.bad(run))
    rate = fetches / seconds if seconds > 0 else float("nan")
    issuer = run.target.total("supabase", "mcpist_jwks_requests_total")
    per_thousand = fetches / requests * 1000
    unknown = sum(int(one.calls.sum()) for one in forged_tokens.kinds(run) if one.name == UNKNOWN)
    caused = counted[UNKNOWN] + min(float(unknown), counted[NO_CACHE])
    figures = {"fetches": per_thousand, "unknown": float(unknown), "caused": caused}
    ttl = edge.get("jwks_ttl")
    if ttl is not None:
        figures["ttl"] = float(ttl) * run.manifest.time_scale
    return Finding(
        int(caused) if unknown else round(per_thousand, 3),
        "fetches for unknown key ids" if unknown else "fetches per 1,000 requests",
        f"{unknown:,} requests carried a key id that nobody has, {caused:,.0f} of them made the edge fetch. "
        f"In all {fetches:,.0f} fetches of the set{_mode(edge)} for {requests:,} calls "
        f"({rate:.2f} a second of the flood){_by_issuer(issuer)}.",
        figures=figures,
        rows=tuple({"cause": cause, "fetches": int(count)} for cause, count in counted.items() if count),
    )


def _mode(edge: Mapping[str, Any]) -> str:
    return f" in cache mode {edge['jwks_mode']}" if "jwks_mode" in edge else ""


def _by_issuer(requests: float) -> str:
    return "" if np.isnan(requests) else f"; the issuer itself counted {requests:,.0f}"


def _from_us(run: Run, fetches: int) -> Finding:
    """Where the suite itself serves the key set it counts the fetches. One a request is no cache at all."""
    requests = int(run.out.sum())
    unknown = sum(int(kind.calls.sum()) for kind in forged_tokens.kinds(run) if kind.name == "unknown-kid")
    per_thousand = fetches / requests * 1000
    each = f"; {fetches / unknown:.3f} for each of {unknown:,} unknown key ids" if unknown else ""
    return Finding(
        round(per_thousand, 3),
        "fetches per 1,000 requests",
        f"The suite's own key set was fetched {fetches:,} times for {requests:,} requests{each}.",
        figures={"fetches": per_thousand},
        status="fail" if per_thousand >= A_FETCH_A_REQUEST else None,
    )

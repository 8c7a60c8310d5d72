"""Who is one user, which refusals are which limit's, and what a day's quota lets a run know."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.limited_calls import ZERO, Limits, bucket, every, fixed, run_of
from verdicts.measure.limits import limiter, promises, users
from verdicts.measure.limits.promises import Promise
from verdicts.points.point import PointResult
from verdicts.points.registry import POINTS
from verdicts.run.reading import Run, load
from verdicts.thresholds import Threshold

BURST = {"burst_per_s": 5, "ip_per_min": None, "rate_per_min": None}
NONE = {"burst_per_s": None, "ip_per_min": None, "rate_per_min": None}
QUOTA = {**NONE, "quota_per_day": {"most": 20, "window": "fixed"}}
TWO = [*every(0.1, 4), *every(0.1, 4, account=1, start=0.063)]


def found(run: Run, id: str = "F1.1") -> PointResult:
    results = POINTS[id.removesuffix(".quota")].results(run, Threshold())
    return next((one for one in results if one.id == id), results[0])


def by_one(decide: Limits) -> Limits:
    """All accounts are one to the limiter."""
    return lambda account, now: decide(0, now)


def test_accounts_that_share_a_token_are_one_user(tmp_path: Path) -> None:
    run = run_of(tmp_path / "a", TWO, by_one(fixed(5)), BURST, user="Authorization")
    one = found(run)
    assert one.status == "pass", one.evidence
    assert "2 accounts share one Authorization, so they are one user to the target." in one.evidence
    each = run_of(tmp_path / "b", TWO, fixed(5), BURST, user="Authorization")
    assert found(each).status == "fail"  # five for each account are ten for the user


def test_accounts_of_their_own_are_users_of_their_own(tmp_path: Path) -> None:
    assert found(run_of(tmp_path / "a", TWO, fixed(5), BURST)).status == "pass"
    assert found(run_of(tmp_path / "b", TWO, by_one(fixed(5)), BURST)).status == "fail"


def test_without_a_header_for_addresses_all_come_from_one(tmp_path: Path) -> None:
    limits = {**NONE, "ip_per_min": 60}
    decide = by_one(fixed(60, 60.0, reason="ip_limit_exceeded"))
    ours = run_of(tmp_path / "a", TWO, decide, limits, target={"client_ip_header": None}, points=["F1.2"])
    (address,) = [one for one in POINTS["F1.2"].results(ours, Threshold()) if one.id == "F1.2.address"]
    assert (address.value, address.status) == (60, "fail")  # every Retry-After of 1 s is wrong here
    assert "0 admitted more, 0 less" in address.evidence
    shown = run_of(tmp_path / "b", TWO, decide, limits, points=["F1.2"])
    assert [one.id for one in POINTS["F1.2"].results(shown, Threshold())] == ["F1.2"]


@pytest.mark.parametrize(
    ("limits", "status", "words"),
    [
        (BURST, "fail", "with 429 burst_exceeded or refused"),
        ({**BURST, "rate_per_min": 60}, "invalid", "each may be burst_exceeded or rate_limit_exceeded"),
        ({**BURST, "rate_per_min": {"most": 60, "reason": "slow"}}, "fail", "burst_exceeded or refused"),
        ({**BURST, "rate_per_min": {"most": 60, "status": 503}}, "fail", "burst_exceeded or refused"),
    ],
)
def test_a_429_without_a_reason_is_of_the_one_limit_that_can_have_said_it(
    tmp_path: Path, limits: dict[str, Any], status: str, words: str
) -> None:
    run = run_of(tmp_path, every(0.05, 4), fixed(3, reason="refused"), limits)
    one = found(run)
    assert words in one.evidence
    assert one.status == status


def test_what_another_limit_refused_may_have_been_let_pass_by_this_one(tmp_path: Path) -> None:
    run = run_of(tmp_path, every(0.05, 4), fixed(3, reason="quota_exceeded"), BURST)
    assert "0 admitted more, 0 less" in found(run).evidence


WINDOWS = ["fixed", "sliding", "token-bucket"]


def promised(window: str) -> dict[str, Any]:
    return {**BURST, "burst_per_s": {"most": 5, "window": window}}


def right(window: str) -> Limits:
    return {"fixed": fixed(5), "sliding": sliding(5), "token-bucket": bucket(5, 5)}[window]


def sliding(limit: int) -> Limits:
    let: list[float] = []

    def decide(account: int, now: float) -> str:
        if sum(one > now - 1 for one in let) >= limit:
            return "burst_exceeded"
        let.append(now)
        return ""

    return decide


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("limit", [5, 10])
def test_a_limiter_of_calls_that_outlast_its_window_proves_nothing(
    tmp_path: Path, window: str, limit: int
) -> None:
    """The quick refusals say that it is there, and nothing says how many it admits."""
    run = run_of(tmp_path, every(0.05, 8), fixed(limit), promised(window), took=2.5)
    one = found(run)
    assert one.status == "invalid", one.evidence
    assert "Not proved: calls that may have been at the limit in one window or another" in one.evidence


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("took", [0.004, 0.3])
def test_a_right_limiter_of_calls_that_are_short_enough_passes(
    tmp_path: Path, window: str, took: float
) -> None:
    one = found(run_of(tmp_path, every(0.05, 8), right(window), promised(window), took=took))
    assert one.status == "pass", one.evidence
    assert "Not proved" not in one.evidence


def test_as_many_as_a_sliding_limit_lets_reach_it_without_a_refusal(tmp_path: Path) -> None:
    calls = every(0.21, 8)
    assert found(run_of(tmp_path / "a", calls, sliding(5), promised("sliding"))).status == "pass"
    assert found(run_of(tmp_path / "b", calls[::2], sliding(5), promised("sliding"))).status == "invalid"


@pytest.mark.parametrize("window", WINDOWS)
def test_half_of_a_promise_is_not_proved_by_refusals_of_which_nobody_knows(
    tmp_path: Path, window: str
) -> None:
    limits = {"burst_per_s": 5, "ip_per_min": 1000, "rate_per_min": {"most": 60, "window": window}}
    decide = fixed(30, 60.0, reason="refused")
    one = found(run_of(tmp_path, every(0.25, 70), decide, limits, points=["F1.2"]), "F1.2")
    assert one.status == "invalid", one.evidence
    assert "name no reason" in one.evidence


METRICS = {"base_url": "https://gw.example.org", "metrics": ["https://gw.example.org:443/metrics?***"]}
ELSEWHERE = {**METRICS, "metrics": ["https://gw.example.org:9100/metrics"]}
HEALTH = {"base_url": "https://gw.example.org", "health": "/health", "stop_when": {"health_failures": 3}}


def counting(decide: Limits, asked: list[float]) -> Limits:
    """The limiter counts what we ask of it beside the load, too."""
    left = list(asked)

    def both(account: int, now: float) -> str:
        while left and ZERO + left[0] <= now:
            decide(account, ZERO + left.pop(0))
        return decide(account, now)

    return both


def scraped(folder: Path, asked: list[float]) -> Run:
    """The run again, with scrapes that ended then, every third of them refused."""
    lines = [
        {"t": at, "source": "target-0", "up": bool(n % 3), "took_s": 0.004, "values": {"x": 1.0}}
        for n, at in enumerate(asked)
    ]
    (folder / "run" / "target.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return load(folder / "run")


SECONDS = [n + 0.004 for n in range(61)]


@pytest.mark.parametrize(
    ("target", "limit", "asked", "status"),
    [
        (METRICS, 1000, SECONDS, "pass"),
        (METRICS, 1000, [], "pass"),
        (METRICS, 1001, [], "fail"),
        (METRICS, 930, [], "fail"),
        (METRICS, 930, SECONDS, "fail"),
        (ELSEWHERE, 1000, SECONDS, "fail"),
        (HEALTH, 1000, SECONDS, "pass"),
        (HEALTH, 930, SECONDS, "fail"),
        ({**HEALTH, "stop_when": None}, 1000, SECONDS, "fail"),
    ],
)
def test_what_we_ask_beside_the_load_is_no_ones_fault(
    tmp_path: Path, target: dict[str, Any], limit: int, asked: list[float], status: str
) -> None:
    """All of it comes from the one address of the load, so a limit by address counts it."""
    decide = counting(by_one(fixed(limit, 60.0, reason="ip_limit_exceeded")), asked)
    shown = {"client_ip_header": None, **target}
    limits = {**NONE, "ip_per_min": 1000}
    run_of(tmp_path, every(0.04, 61), decide, limits, target=shown, points=["F1.2"], width=60.0)
    results = POINTS["F1.2"].results(scraped(tmp_path, asked or SECONDS), Threshold())
    (address,) = [one for one in results if one.id == "F1.2.address"]
    assert address.status == status, address.evidence


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize(("user", "status"), [("X-Api-Key", "pass"), ("", "fail")])
def test_with_the_credential_in_headers_it_is_the_users(
    tmp_path: Path, window: str, user: str, status: str
) -> None:
    asked = [n + 0.004 for n in range(9)]
    decide = counting(right(window), asked)
    run_of(tmp_path, every(0.05, 8), decide, promised(window), user=user, target=METRICS)
    one = found(scraped(tmp_path, asked))
    assert one.status == status, one.evidence


ASKED_BEFORE = [-0.3, -0.25, -0.2, -0.15, -0.1]


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize(("told", "status"), [(ASKED_BEFORE, "pass"), ([], "fail")])
def test_what_we_asked_before_the_load_is_no_ones_fault(
    tmp_path: Path, window: str, told: list[float], status: str
) -> None:
    """The limiter counted it, so it refuses at once. A fixed window began before our second.

    Of a bucket nobody knows what was left of it by then, and there is no other user to tell.
    """
    decide = fixed(5, ahead=0.5) if window == "fixed" else right(window)
    decide = counting(decide, ASKED_BEFORE)
    run = run_of(tmp_path, every(0.05, 8), decide, promised(window), asked_before=told)
    expected = "invalid" if told and window == promises.BUCKET else status
    assert found(run).status == expected, found(run).evidence


def test_it_is_the_first_accounts_alone(tmp_path: Path) -> None:
    run = run_of(tmp_path, TWO, fixed(5), BURST, asked_before=ASKED_BEFORE)
    one = limiter.of(run, limiter.BURST, users.of(run))
    assert [len(one.beside(user).earliest) for user in (0, 1)] == [5, 0]


def day(folder: Path, decide: Limits) -> PointResult:
    return found(run_of(folder, every(0.1, 4), decide, QUOTA, points=["F1.2"]), "F1.2.quota")


def used_up(limit: int, again: bool = False) -> Limits:
    calls: list[float] = []

    def decide(account: int, now: float) -> str:
        calls.append(now)
        return "quota_exceeded" if len(calls) > limit and not (again and len(calls) > 30) else ""

    return decide


@pytest.mark.parametrize(
    ("decide", "status", "words"),
    [
        (used_up(20), "pass", "1 users had all of it"),
        (used_up(7), "info", "1 were refused sooner: they may have used it before the run"),
        (used_up(25), "fail", "1 users had more than the day allows"),
        (used_up(7, again=True), "fail", "1 were admitted again after it was used up"),
        (used_up(99), "fail", "1 users had more than the day allows"),
    ],
    ids=["exact", "used before", "more", "admitted again", "not there"],
)
def test_a_days_quota(tmp_path: Path, decide: Limits, status: str, words: str) -> None:
    one = day(tmp_path, decide)
    assert one.status == status, one.evidence
    assert words in one.evidence


def test_a_days_quota_is_not_proved_by_calls_of_which_nobody_knows(tmp_path: Path) -> None:
    """Seven had a result, another limit refused thirty, before it or behind it; then the day was over."""

    def decide(account: int, now: float) -> str:
        number = round((now - ZERO) * 10)
        return "" if number < 7 else "burst_exceeded" if number < 37 else "quota_exceeded"

    assert day(tmp_path, decide).status == "info"


def test_the_free_tier_is_one_only_where_the_file_names_it(tmp_path: Path) -> None:
    forger = {"name": "forger", "options": {"kind": "garbage"}}
    groups = [{"name": "users", "rate": 10, "accounts": {"count": 1}, "persona": forger}]
    run = run_of(tmp_path / "a", every(0.1, 4), used_up(0), NONE, points=["P3.6"])
    run.manifest.scenario["groups"] = groups
    assert "names no free tier" in found(run, "P3.6").evidence
    run = run_of(tmp_path / "b", every(0.1, 4), used_up(0), {**NONE, "free_per_day": 6000}, points=["P3.6"])
    run.manifest.scenario["groups"] = groups
    one = found(run, "P3.6")
    assert one.figures["share"] == pytest.approx(0.1, rel=0.01)  # 600 a minute
    assert "6,000 free ones" in one.evidence
    assert "one address" not in one.evidence  # no limit of it is promised


def test_runs_of_older_versions_are_read_by_their_own_words(tmp_path: Path) -> None:
    old = {"burst_per_s": 5, "burst_window": "sliding", "ip_per_min": None, "rate_per_min": 60}
    run = run_of(tmp_path, every(0.1, 1), fixed(5), old)
    assert promises.burst(run) == Promise(5, 1.0, "sliding")
    assert promises.rate(run, "starter") == Promise(60, 60.0)

"""When `stop_when` ends a run: shares second by second, and health checks in a row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from common.errors import ConfigError
from common.stop_when import StopWhen
from common.strict import validate
from run.stop_watch import StopWatch
from telemetry.recording.journal import LEDGER, SAMPLES
from telemetry.recording.sample import REASON_CODE, SAMPLE, Outcome
from users.transport.call import Call
from users.transport.health_check import HealthWatch, get


def wish(**keys: Any) -> StopWhen:
    return validate(StopWhen, keys, "some.yaml")


def chunk(*kinds: str) -> bytes:
    """A second's samples: `ok`, a status, or a reason of a refusal that has a status of its own."""
    samples = np.zeros(len(kinds), SAMPLE)
    for sample, kind in zip(samples, kinds, strict=True):
        sample["status"] = {"ok": 200, "silent": 0, "quota_exceeded": 403}.get(kind) or (
            int(kind) if kind.isdigit() else 0
        )
        sample["reason"] = REASON_CODE.get("refused" if kind == "429" else kind, 0)
    return samples.tobytes()


def watched(asked: StopWhen, *seconds: tuple[str, ...]) -> list[str]:
    """What each second's look says."""
    watch = StopWatch([("target t", None), ("target t", asked)])
    said = []
    for t, kinds in enumerate(seconds, 1):
        watch.heard("w", SAMPLES, chunk(*kinds))
        said.append(watch.why_stop(float(t)))
    return said


BAD, GOOD, SILENT = ("503", "500", "ok"), ("ok", "ok", "500"), ("silent",)


def test_a_share_has_to_hold_for_as_long_as_is_said() -> None:
    said = watched(wish(status_5xx_share=0.5, **{"for": "3s"}), BAD, BAD, GOOD, BAD, BAD, BAD)
    assert said[:5] == [""] * 5
    assert said[5] == "stop_when of target t: status_5xx_share 0.5 or more for 3 s (the last second: 0.67)"


def test_a_second_without_answers_neither_ends_nor_breaks_a_row() -> None:
    said = watched(wish(status_5xx_share=0.5, **{"for": "3s"}), BAD, SILENT, BAD)
    assert [bool(one) for one in said] == [False, False, True]
    assert not any(watched(wish(status_5xx_share=0.5, **{"for": "2s"}), SILENT, SILENT, SILENT))


def test_the_bound_itself_is_enough_and_less_is_not() -> None:
    assert watched(wish(status_429_share=0.5, **{"for": "1s"}), ("429", "ok"))[0]
    assert not watched(wish(status_429_share=0.51, **{"for": "1s"}), ("429", "ok"))[0]


def test_refusals_are_told_apart_from_errors() -> None:
    one = {"for": "1s"}
    assert watched(wish(refused_share=1, **one), ("429", "quota_exceeded"))[0]
    assert not watched(wish(refused_share=1, **one), ("429", "500"))[0]
    assert not watched(wish(status_5xx_share=0.1, **one), ("429", "quota_exceeded"))[0]


def test_all_workers_count_together() -> None:
    watch = StopWatch([("target t", wish(status_5xx_share=0.5, **{"for": "1s"}))])
    watch.heard("w1", SAMPLES, chunk("500", "500"))
    watch.heard("w2", SAMPLES, chunk("ok", "ok", "ok"))
    watch.heard("w2", LEDGER, {"sent": 5})
    assert not watch.why_stop(1.0)


def test_nobody_asked_for_anything() -> None:
    watch = StopWatch([("target t", None), ("the scenario", None)])
    assert not watch.active
    watch.heard("w", SAMPLES, chunk("500"))
    assert not watch.why_stop(1.0)


class Health(HealthWatch):
    """Without a socket."""

    def __init__(self) -> None:
        self.failures, self.last = 0, ""


def told(health: HealthWatch, outcome: Outcome, status: int = 0, reason: str = "") -> None:
    call = Call(-1, 0.0, 0, 0, 0)
    call.outcome, call.status, call.reason = outcome, status, REASON_CODE[reason]
    health.told(call)


def test_health_checks_that_fail_in_a_row() -> None:
    watch = StopWatch([("the scenario", wish(health_failures=2))])
    assert watch.asks_health
    assert not watch.why_stop(1.0)
    health = watch.health = Health()
    for outcome, status, reason in (
        (Outcome.FAILED, 503, "http_error"),
        (Outcome.OK, 200, ""),
        (Outcome.FAILED, 0, "connect"),
        (Outcome.DROPPED, 0, "EMFILE"),
    ):
        told(health, outcome, status, reason)
        assert not watch.why_stop(1.0)
    told(health, Outcome.FAILED, 0, "timeout")
    assert watch.why_stop(2.0) == "stop_when of the scenario: 2 health checks in a row failed (last: timeout)"


def test_a_health_check_is_one_plain_request() -> None:
    request = get("/health", "gw.example.org", {"X-A": "b"})
    assert request == b"GET /health HTTP/1.1\r\nHost: gw.example.org\r\nAccept: */*\r\nX-A: b\r\n\r\n"


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({}, "is empty, allowed: one or more of status_5xx_share"),
        ({"for": "3s"}, "is empty, allowed: "),
        ({"refused_share": 0.5}, "for: is missing, allowed: a duration"),
        ({"status_429_share": 1.5, "for": "3s"}, "status_429_share: 1.5, allowed: less than or equal to 1"),
        ({"health_failures": 0}, "health_failures: 0, allowed: greater than or equal to 1"),
        ({"health": 3}, "health: unknown key, allowed: for, health_failures, refused_share"),
    ],
)
def test_bad_wishes_are_one_line(keys: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        wish(**keys)
    assert says in str(caught.value)

"""Forged tokens by kind: accepted, broken, refused; and what is no forgery."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from telemetry.recording.sample import REASON_CODE, REASONS, SAMPLE, Outcome
from verdicts.points.forgeries import forgeries
from verdicts.points.point import Finding
from verdicts.run.reading import Run
from verdicts.run.samples import Samples


def group(kind: str) -> dict[str, Any]:
    return {"name": kind, "persona": {"name": "forger", "options": {"kind": kind}}}


def run(kind: str, reasons: list[tuple[int, str]], algorithm: str = "EdDSA", **auth: Any) -> Run:
    samples = np.zeros(len(reasons), SAMPLE)
    for sample, (status, reason) in zip(samples, reasons, strict=True):
        sample["status"], sample["reason"] = status, REASON_CODE[reason]
        sample["outcome"] = Outcome.FAILED if reason else Outcome.OK
    manifest = SimpleNamespace(target={"auth": {"algorithm": algorithm, **auth}}, reasons=REASONS)
    made = SimpleNamespace(
        samples=Samples([samples]),
        manifest=manifest,
        scenario={"groups": [group(kind)]},
        out=np.ones(len(samples), dtype=bool),
        ok=samples["outcome"] == Outcome.OK,
        became=lambda outcome: samples["outcome"] == outcome,
    )
    return cast(Run, made)


def answer(run: Run) -> Finding:
    found = forgeries(run)
    assert isinstance(found, Finding)
    return found


@pytest.mark.parametrize(
    ("calls", "status", "column"),
    [
        ([(401, "invalid_token")], "pass", "refused"),
        ([(403, "http_error")], "pass", "refused"),
        ([(429, "ip_limit_exceeded")], "pass", "refused"),
        ([(200, "")], "fail", "accepted"),
        ([(200, "tool_error")], "fail", "accepted"),
        ([(200, "wrong_answer")], "fail", "accepted"),
        ([(200, "foreign_answer")], "fail", "accepted"),
        ([(200, "input_required")], "fail", "accepted"),
        ([(500, "http_error")], "fail", "5xx"),
        ([(0, "reset")], "fail", "reset"),
        ([(400, "http_error")], "pass", "else"),
        ([(200, "rpc_error")], "invalid", "else"),
        ([(302, "redirect")], "invalid", "else"),
        ([(401, "foreign_answer")], "pass", "refused"),
    ],
)
def test_what_becomes_of_a_forgery(calls: list[tuple[int, str]], status: str, column: str) -> None:
    found = answer(run("wrong-issuer", calls))
    assert found.status == status
    assert found.rows[0][column] == 1


@pytest.mark.parametrize(("hung", "status"), [(1000, "invalid"), (2, "invalid"), (1, "pass")])
def test_a_forgery_without_an_answer_was_not_refused(hung: int, status: str) -> None:
    found = answer(run("expired", [(0, "timeout")] * hung + [(401, "invalid_token")] * (1000 - hung)))
    assert found.status == status
    assert f"{hung:,} had no answer." in found.evidence


@pytest.mark.parametrize(("sent_on", "status"), [(2, "invalid"), (1, "pass")])
def test_an_answer_that_neither_refuses_nor_serves_is_told(sent_on: int, status: str) -> None:
    found = answer(
        run("expired", [(302, "redirect")] * sent_on + [(401, "invalid_token")] * (1000 - sent_on))
    )
    assert found.status == status
    assert f"{sent_on:,} got an answer that neither refuses nor serves." in found.evidence


def test_one_that_we_ended_ourselves_says_nothing() -> None:
    made = run("expired", [(401, "invalid_token")] + [(0, "timeout")] * 9)
    ended = np.arange(10) > 0
    cast(Any, made).became = lambda outcome: ended if outcome == Outcome.ABORTED else np.arange(10) == 0
    assert answer(made).status == "pass"


def test_one_accepted_of_many_is_one_too_many() -> None:
    found = answer(run("alg-none", [(401, "invalid_token")] * 99 + [(200, "")]))
    assert (found.value, found.status) == (1, "fail")
    assert "alg none 1" in found.evidence


@pytest.mark.parametrize(("algorithm", "status"), [("HS256", "pass"), ("EdDSA", "fail")])
def test_with_one_secret_an_unknown_key_id_is_no_forgery(algorithm: str, status: str) -> None:
    assert answer(run("unknown-kid", [(200, "")], algorithm)).status == status


@pytest.mark.parametrize(
    ("kind", "auth", "status"),
    [
        ("wrong-issuer", {"issuer": None}, "pass"),
        ("wrong-issuer", {"issuer": None, "claims": {"iss": "me"}}, "fail"),
        ("wrong-issuer", {"issuer": "me", "kid": None}, "fail"),
        ("unknown-kid", {"kid": None}, "pass"),
        ("unknown-kid", {"kid": "key-1", "issuer": None}, "fail"),
        ("bad-signature", {"kid": None, "issuer": None}, "fail"),
    ],
)
def test_what_good_tokens_do_not_name_no_gateway_can_hold_others_to(
    kind: str, auth: dict[str, Any], status: str
) -> None:
    found = answer(run(kind, [(200, "")], **auth))
    assert (found.status, "no forgery" in found.evidence) == (status, status == "pass")


def test_without_forgeries_there_is_nothing_to_say() -> None:
    assert not answer(run("garbage", [])).seen

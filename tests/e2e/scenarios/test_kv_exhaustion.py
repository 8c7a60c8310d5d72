"""kv-exhaustion against a whole stack, shortened; what is asserted holds on a slow machine too."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from cli import kv_table
from tests.support.short_run import ShortRun

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.usefixtures("parts")]

WORDS: Final = {
    "fakes": "KV put() limit exceeded for the day.",
    "real": "KV PUT failed: 429 Too Many Requests",
}


def short(folder: Path, scenario: str, duration: str, accounts: int, writes: int) -> ShortRun:
    stack = {"kv": {"writes_per_day": writes}}
    users = {"count": accounts}
    return ShortRun(folder, scenario, counts=False, duration=duration, accounts=users, stack=stack)


def loads(run: ShortRun) -> dict[str, dict[str, float]]:
    return {row["quota"]: row for row in run.point("P1.2")["rows"]}


def test_past_the_quota_fail_open_lets_through_what_is_offered(tmp_path: Path) -> None:
    run = short(tmp_path, "kv-exhaustion-quota-alone", "14s", accounts=6, writes=600)
    rows = loads(run)  # five seconds before, of which the first may have two windows' worth
    assert rows["before"]["origin req/s"] < 0.8 * rows["before"]["offered req/s"]
    assert rows["after"]["origin req/s"] > 0.9 * rows["after"]["offered req/s"]
    assert run.point("P1.1.books")["value"] == 0
    assert kv_table.line(run.folder)[3] == str(rows["after"]["origin req/s"])


def test_past_the_quota_fail_closed_refuses_all_in_plain_words(tmp_path: Path, parts: str) -> None:
    run = short(tmp_path, "kv-exhaustion-fail-closed", "9s", accounts=6, writes=40)
    assert loads(run)["after"]["origin req/s"] == 0
    assert run.point("P1.1")["value"] == 0
    assert WORDS[parts] in run.point("P1.3")["value"]
    assert run.found["status"].get("503", 0) > 0


def test_four_isolates_admit_more_than_the_limit_and_never_more_than_four_times_it(tmp_path: Path) -> None:
    run = short(tmp_path, "kv-exhaustion-isolates", "7s", accounts=2, writes=20)
    row = run.point("P1.4")["rows"][0]
    assert (row["isolates"], row["at most (isolates × limit)"]) == (4, 20)
    assert 5 < row["max"] <= 20
    assert run.status("P1.4") in {"fail", "invalid"}  # invalid: too few cores for the engine

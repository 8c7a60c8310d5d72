"""kv-exhaustion against a whole stack, shortened; what is asserted holds on a slow machine too."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from cli import kv_table
from common.paths import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
SHORT = """
extends: {base}
title: A short one
duration: {duration}
accounts: {{count: {accounts}}}
stack: {{kv: {{writes_per_day: {writes}}}}}
"""


def attack(folder: Path, **values: Any) -> tuple[dict[str, Any], list[str]]:
    """verdicts.json and the line of the table."""
    file, out = folder / "short.yaml", folder / "run"
    file.write_text(SHORT.format(**values))
    env = {key: value for key, value in os.environ.items() if key != "LOCUST_SKIP_MONKEY_PATCH"}
    done = subprocess.run(
        [ROOT / "bin" / "attack", file, "--out", out],
        check=False, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL, env=env,
    )  # fmt: skip
    assert (out / "verdicts.json").exists(), done.stdout + done.stderr
    return json.loads((out / "verdicts.json").read_text()), kv_table.line(out)


def point(found: dict[str, Any], id: str) -> dict[str, Any]:
    return next(one for one in found["points"] if one["id"] == id)


def loads(found: dict[str, Any]) -> dict[str, dict[str, float]]:
    return {row["quota"]: row for row in point(found, "P1.2")["rows"]}


def test_past_the_quota_fail_open_lets_through_what_is_offered(tmp_path: Path) -> None:
    found, line = attack(tmp_path, base="kv-exhaustion-quota-alone", duration="10s", accounts=6, writes=300)
    rows = loads(found)
    assert rows["before"]["origin req/s"] < 0.8 * rows["before"]["offered req/s"]
    assert rows["after"]["origin req/s"] > 0.9 * rows["after"]["offered req/s"]
    assert point(found, "P1.1.books")["value"] == 0
    assert line[3] == str(rows["after"]["origin req/s"])


def test_past_the_quota_fail_closed_refuses_all_in_plain_words(tmp_path: Path) -> None:
    found, _ = attack(tmp_path, base="kv-exhaustion-fail-closed", duration="9s", accounts=6, writes=40)
    assert loads(found)["after"]["origin req/s"] == 0
    assert point(found, "P1.1")["value"] == 0
    assert "KV put() limit exceeded for the day." in point(found, "P1.3")["value"]
    assert found["status"].get("503", 0) > 0


def test_four_isolates_admit_more_than_the_limit_and_never_more_than_four_times_it(tmp_path: Path) -> None:
    found, _ = attack(tmp_path, base="kv-exhaustion-isolates", duration="7s", accounts=2, writes=20)
    row = point(found, "P1.4")["rows"][0]
    assert (row["isolates"], row["at most (isolates × limit)"]) == (4, 20)
    assert 5 < row["max"] <= 20
    assert point(found, "P1.4")["status"] in {"fail", "invalid"}  # invalid: too few cores for the engine

"""Failed calls one by one: the earliest of each kind, bounded, with words only where they are theirs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.synthetic_run import Samples, Spec, fail, write
from verdicts.measure.calls import failed_calls, failure_kinds
from verdicts.measure.calls.failed_calls import MAX_CALLS, FailedCalls
from verdicts.output.files import derive
from verdicts.run.reading import load


def failing(samples: Samples) -> Samples:
    index = samples["index"]
    fail(samples, (index >= 0) & (index < 400), "db_error")
    fail(samples, (index >= 400) & (index < 403), "timeout")
    return samples


def found(folder: Path, *texts: dict[str, Any], workers: tuple[str, ...] = ("local",)) -> FailedCalls:
    write(folder, Spec(chances={}, change=failing, workers=workers))
    (folder / f"errors-{workers[0]}.jsonl").write_text("".join(json.dumps(one) + "\n" for one in texts))
    run = load(folder)
    return failed_calls.of(run, failure_kinds.of(run))


def text(message: str, count: int, t: float = 0.1) -> dict[str, Any]:
    return {"t": t, "reason": "db_error", "status": 500, "message": message, "kind": message, "count": count}


@pytest.mark.parametrize("workers", [("local",), ("a", "b")])
def test_rows_are_bounded_and_every_kind_has_its_earliest(tmp_path: Path, workers: tuple[str, ...]) -> None:
    calls = found(tmp_path / "run", workers=workers)
    assert calls.total == 403
    rows = calls.rows
    assert len(rows) <= MAX_CALLS
    assert [row.done for row in rows] == sorted(row.done for row in rows)
    assert [row.arrival for row in rows if row.reason == "timeout"] == [400, 401, 402]
    run = load(tmp_path / "run")
    done = sorted(run.samples["done"][(run.samples["reason"] == run.manifest.reasons.index("db_error"))])
    assert [row.done for row in rows if row.reason == "db_error"] == done[: MAX_CALLS // 2]


def test_a_row_says_which_call_it_was(tmp_path: Path) -> None:
    row = found(tmp_path / "run").rows[0]
    run = load(tmp_path / "run")
    [record] = run.samples[run.samples["index"] == row.arrival]
    assert row.account == run.manifest.accounts[record["account"]].id
    assert row.tool == run.manifest.tools[record["tool"]]
    assert (row.planned, row.status, row.reason) == (record["planned"], 500, "db_error")


def test_words_of_the_only_kind_are_every_calls(tmp_path: Path) -> None:
    rows = found(tmp_path / "run", text("pool is empty", 400)).rows
    assert {row.text for row in rows if row.reason == "db_error"} == {"pool is empty"}
    assert {row.text for row in rows if row.reason == "timeout"} == {""}


def test_of_several_kinds_only_the_first_examples_have_their_own(tmp_path: Path) -> None:
    first = found(tmp_path / "run").rows[0]
    rows = found(tmp_path / "run", text("this one", 200, round(first.done, 3)), text("lock", 200, 9.9)).rows
    assert rows[0].text == "this one"
    assert {row.text for row in rows[1:]} == {""}


def test_the_report_has_the_rows_and_links_to_every_part(tmp_path: Path) -> None:
    found(tmp_path / "run", text("pool <b>is</b> empty", 400))
    derive(tmp_path / "run", quiet=True)
    page = (tmp_path / "run" / "report.html").read_text()
    table = page.partition('id="failed-calls"')[2].partition("</table>")[0]
    assert table.count("<tr>") == 1 + len(found(tmp_path / "again").rows)
    assert "pool &lt;b&gt;is&lt;/b&gt; empty" in table
    contents = page.partition('id="contents"')[2].partition("</nav>")[0]
    linked = [part.partition('"')[0] for part in contents.split('href="#')[1:]]
    assert {"answers", "failures", "ledger", "again"} <= set(linked)
    assert [id for id in linked if f'id="{id}"' not in page] == []
    assert page.count('href="#contents"') == len(linked) - 1  # the first part stands below them

"""The truth table, run end to end: what a careful engineer says of a made target, the suite says too.

Rows run several at a time: they wait more than they work.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final
from xml.etree import ElementTree

import pytest

from tests.support import needs
from tests.support.truth import attack
from tests.support.truth.attack import Came
from tests.support.truth.row import Row
from tests.support.truth.server import Targets
from tests.support.truth.table import FAULTS, TABLE

pytestmark = pytest.mark.e2e
AT_ONCE: Final = 4
FIRST: Final = {  # one of each kind, which `make test` runs by itself
    "serves everybody", "dies after a second", "200 with isError on every call", "alg none is accepted",
    "a limit of 3 where 5 are promised", "every fault happens", "it says yes and does nothing",
}  # fmt: skip
ROOT_ALONE: Final = ("few-ports", "full-disk")  # need a namespace of their own


@pytest.fixture(scope="module")
def runs(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[Came]]]:
    """Every chosen row's run, under way."""
    chosen = [item.callspec.params["row"] for item in request.session.items if hasattr(item, "callspec")
              and isinstance(item.callspec.params.get("row"), Row)]  # fmt: skip
    with Targets() as targets, ThreadPoolExecutor(AT_ONCE) as pool:
        yield {
            row.name: pool.submit(attack.run, row, targets, tmp_path_factory.mktemp("row") / "runs")
            for row in chosen
            if not (row.how in ROOT_ALONE and os.geteuid())
        }


def param(row: Row) -> Any:
    pending = [pytest.mark.xfail(reason=row.pending, strict=False)] if row.pending else []
    quick = row.name in FIRST or row.verdict == "refused"
    marks = [*pending, *([] if quick else [pytest.mark.slow])]
    return pytest.param(row, id=row.name.replace(" ", "-"), marks=marks)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("row", [param(row) for row in TABLE])
def test_the_suite_says_what_a_careful_engineer_says(row: Row, runs: dict[str, Future[Came]]) -> None:
    if row.name not in runs:
        pytest.skip(needs.ROOT_ALONE)
    came = runs[row.name].result()
    assert came.exit_code == row.exit_code, came.console
    assert re.search(row.says, came.console, re.DOTALL), came.console
    if row.verdict == "refused":
        assert len(came.console.strip().splitlines()) == 1, came.console
        return
    if row.how == "full-disk":  # there is no room for a verdict
        return
    assert came.verdicts["verdict"] == row.verdict, came.console
    assert (row.status or row.verdict) in came.status(row.point), came.console
    assert re.search(row.evidence, came.evidence(row.point)), came.evidence(row.point)
    ElementTree.parse(came.folder / "junit.xml")
    assert (came.folder / "report.html").read_text().rstrip().endswith("</html>")
    for path, value in row.expects.items():
        found = came.at(path)
        assert found if value == "some" else found == value, f"{path}: {found}"


def test_the_table_is_long_enough() -> None:
    assert {row.name for row in TABLE} > FIRST
    assert len({row.name for row in TABLE}) == len(TABLE)
    assert len(TABLE) - len(FAULTS) >= 40
    assert sum(row.verdict != "pass" for row in FAULTS) >= 12

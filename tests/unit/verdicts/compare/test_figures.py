"""The figures that are compared: right by construction, of the judged users, left out where calls are few."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.p0_runs import TOOLS, mixed
from tests.support.synthetic_run import Samples, Spec, fail, write
from verdicts.compare import figures
from verdicts.compare.figures import FIGURES, NAN, FigureKind, Reading, View, Witness
from verdicts.run.reading import Run, load

SLOW = frozenset(TOOLS[1:])
MIX = Spec(
    duration=60.0, rate=1.2, accounts=10, chances={}, change=mixed, manifest={"tools": TOOLS}
)  # 720 calls, a third to each of fast.echo, notion.get_page (2.5 s), jira.get_issue (2 s)


def run(folder: Path, spec: Spec | None = None) -> Run:
    return load(write(folder / "run", spec or Spec(duration=10.0, chances={})))


def value(id: str, of: Run, slow: frozenset[str] = frozenset()) -> Reading:
    return figures.read(FIGURES[id], [View(of, slow)])[1][0]


def test_shares_are_of_the_calls_sent(tmp_path: Path) -> None:
    def change(samples: Samples) -> Samples:
        places = np.arange(len(samples))
        fail(samples, places % 10 == 0, "db_error")
        fail(samples, places % 10 == 1, "burst_exceeded")
        return samples

    found = run(tmp_path, Spec(duration=10.0, chances={}, change=change))
    assert value("success", found) == Reading(0.8, 1000)
    assert value("errors", found) == Reading(0.1, 1000)
    assert value("refused", found) == Reading(0.1, 1000)


def test_slow_tools_are_judged_by_what_the_gateway_adds(tmp_path: Path) -> None:
    found = run(tmp_path, MIX)
    assert figures.slow_tools([found]) == SLOW
    fast, added = value("p95", found, SLOW), value("added", found, SLOW)
    assert (fast.calls, added.calls) == (240, 480)
    assert fast.value < 0.1  # two seconds of an upstream are in none of them
    assert 0.005 <= added.value < 0.1
    assert value("p95", found).value > 2


def test_a_tool_that_tells_no_time_of_its_upstream_counts_whole(tmp_path: Path) -> None:
    def silent(samples: Samples) -> Samples:
        mixed(samples)["upstream_s"] = np.nan
        return samples

    found = run(tmp_path, replace(MIX, change=silent))
    assert figures.slow_tools([found]) == frozenset()
    assert value("p95", found).value > 2
    assert value("added", found).why == "no tool that tells its upstream's time takes a second or more"


@pytest.mark.parametrize(("id", "needed"), [("p50", 10), ("p95", 100), ("p99", 500)])
def test_a_percentile_of_too_few_calls_is_left_out_and_said(id: str, needed: int, tmp_path: Path) -> None:
    def change(keep: int) -> Any:
        def failing(samples: Samples) -> Samples:
            fail(samples, np.arange(len(samples)) >= keep, "db_error")
            return samples

        return failing

    enough = run(tmp_path / "enough", Spec(duration=10.0, chances={}, change=change(needed)))
    few = run(tmp_path / "few", Spec(duration=10.0, chances={}, change=change(needed - 1)))
    assert value(id, enough).calls == needed
    assert not math.isnan(value(id, enough).value)
    assert math.isnan(value(id, few).value)
    assert value(id, few).why == f"{needed - 1} successful calls, {needed} are needed"


def test_only_the_judged_users_count(tmp_path: Path) -> None:
    groups = [{"name": "spammers", "judge": False}, {"name": "innocents", "judge": True}]

    def change(samples: Samples) -> Samples:
        samples["group"] = np.arange(len(samples)) % 2
        fail(samples, samples["group"] == 0, "db_error")
        return samples

    spec = Spec(duration=10.0, chances={}, change=change)
    folder = write(tmp_path / "run", replace(spec, manifest={"groups": ["spammers", "innocents"]}))
    manifest = json.loads((folder / "run.json").read_text())
    manifest["scenario"]["groups"] = groups
    (folder / "run.json").write_text(json.dumps(manifest))
    found = load(folder)
    assert value("success", found) == Reading(1.0, 500)
    assert FIGURES["success"].titled(found) == "success rate of innocent users"


def test_what_the_target_does_not_show_is_not_made_up(tmp_path: Path) -> None:
    blind = run(tmp_path, Spec(duration=10.0, probes=False))
    for id in ("memory", "load"):
        found = value(id, blind)
        assert math.isnan(found.value)
        assert "Not observed" in found.why
    witness, [peak] = figures.read(FIGURES["peak"], [View(blind, frozenset())])
    assert witness.said == "the callers"
    assert peak.value >= 1


def test_memory_is_modelled_for_the_stack_and_measured_on_a_target(tmp_path: Path) -> None:
    stack, target = run(tmp_path / "a"), run(tmp_path / "b", Spec(duration=10.0, bundled=False))
    for found, basis in ((stack, "modelled"), (target, "measured")):
        assert figures.read(FIGURES["memory"], [View(found, frozenset())])[0].basis == basis


def test_all_runs_are_asked_by_the_same_witness() -> None:
    known = Witness("one that sees all", lambda view: Reading(1.0))
    partly = Witness("one that sees the first", lambda view: Reading(1.0 if "a" in view.slow else NAN))
    kind = FigureKind("x", "x", "", "lower", (partly, known))
    views: list[Any] = [View(None, frozenset("a")), View(None, frozenset("b"))]  # type: ignore[arg-type]
    assert figures.read(kind, views[:1])[0] is partly
    assert figures.read(kind, views)[0] is known


def test_a_times_floor_is_the_loads_own_start_delay(tmp_path: Path) -> None:
    def late(samples: Samples) -> Samples:
        samples["sent"] += 0.03
        samples["done"] += 0.03
        return samples

    calm, busy = run(tmp_path / "a"), run(tmp_path / "b", Spec(duration=10.0, chances={}, change=late))
    views = [View(calm, frozenset()), View(busy, frozenset())]
    assert FIGURES["p95"].floor(views[:1]) < 0.01
    assert 0.03 < FIGURES["p95"].floor(views) < 0.05
    assert FIGURES["success"].floor(views) == 0.001
    assert FIGURES["peak"].floor(views) == 2


def test_parts_hold_every_call_once(tmp_path: Path) -> None:
    whole = View(run(tmp_path), frozenset())
    parts = list(whole.parts(8))
    assert sum(int(part.judged.sum()) for part in parts) == int(whole.judged.sum()) == 1000
    assert not np.any(np.sum([part.judged for part in parts], axis=0) > 1)


def test_numbers_are_said_with_their_unit() -> None:
    assert FIGURES["p95"].shown(0.02513) == "25.13 ms"
    assert FIGURES["success"].shown(0.985) == "98.5 %"
    assert FIGURES["memory"].shown(2**20) == "1 MiB"
    assert FIGURES["peak"].shown(1698) == "1,698"
    assert FIGURES["p95"].shown(math.nan) == "–"

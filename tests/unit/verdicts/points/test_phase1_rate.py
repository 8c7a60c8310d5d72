from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.limiter_simulation import rate, spec
from tests.support.synthetic_run import Change, Samples, write
from verdicts.judge.judge import judge
from verdicts.points.point import PointResult
from verdicts.run.reading import load

STARTER = [{"id": "a", "ip": "198.51.100.1", "tier": "starter", "group": "users"}]
LONG: dict[str, Any] = {"duration": 125.0, "rate": 4.0, "manifest": {"accounts": STARTER}}


def answers(folder: Path, change: Change | None, **fields: Any) -> Mapping[str, PointResult]:
    run = load(write(folder / "run", spec("F1.2", change=change, **{**LONG, **fields})))
    return {one.id: one for one in judge(run).points}


def test_sixty_a_window_with_right_headers(tmp_path: Path) -> None:
    found = answers(tmp_path, rate())
    assert (found["F1.2"].status, found["F1.2"].value) == ("pass", 60.0)
    assert [row["admitted"] for row in found["F1.2"].rows] == [60, 60, 20]
    assert [row["whole"] for row in found["F1.2"].rows] == ["yes", "yes", "no"]
    assert (found["F1.2.headers"].status, found["F1.2.headers"].value) == ("pass", 0)


@pytest.mark.parametrize(("limit", "part"), [(61, "admitted more, 0 less"), (59, "0 admitted more, 2 less")])
def test_another_limit_is_red(tmp_path: Path, limit: int, part: str) -> None:
    found = answers(tmp_path, rate(limit))
    assert found["F1.2"].status == "fail"
    assert part in found["F1.2"].evidence
    assert found["F1.2.headers"].status == "fail"


def test_without_the_protection_both_are_red(tmp_path: Path) -> None:
    found = answers(tmp_path, None)
    assert found["F1.2"].status == found["F1.2.headers"].status == "fail"


ADMITTED, REFUSED = 3, 100


@pytest.mark.parametrize(
    ("header", "place", "by"),
    [
        *((header, place, 1) for header in ("limit", "remaining", "reset") for place in (ADMITTED, REFUSED)),
        *((header, place, -1) for header in ("limit", "remaining") for place in (ADMITTED, REFUSED)),
        ("reset", ADMITTED, -60),
        ("retry_after", ADMITTED, 5),
        ("retry_after", REFUSED, 1),
        ("retry_after", REFUSED, -1),
    ],
)
def test_one_wrong_header_on_one_answer_is_found(tmp_path: Path, header: str, place: int, by: int) -> None:
    found = answers(tmp_path, rate(bent={header: (place, by)}))["F1.2.headers"]
    assert found.status == "fail"
    assert found.value == 1


def test_calls_in_flight_together_may_be_admitted_in_either_order(tmp_path: Path) -> None:
    def exchanged(samples: Samples) -> Samples:
        samples = rate()(samples)
        samples["done"][3] = samples["sent"][4] + 0.01
        samples["upstream_s"][3] = samples["done"][3] - samples["sent"][3] - 0.002
        samples["remaining"][[3, 4]] = samples["remaining"][[4, 3]]
        return samples

    assert answers(tmp_path, exchanged)["F1.2.headers"].status == "pass"


def test_calls_one_after_the_other_may_not(tmp_path: Path) -> None:
    def exchanged(samples: Samples) -> Samples:
        samples = rate()(samples)
        samples["remaining"][[3, 4]] = samples["remaining"][[4, 3]]
        return samples

    assert answers(tmp_path, exchanged)["F1.2.headers"].status == "fail"


def test_the_double_at_the_edge_is_told_and_never_judged(tmp_path: Path) -> None:
    shape = {"kind": "stages", "params": {"stages": [{"for": 59.5, "rate": 0}, {"for": 1, "rate": 1}]}}
    group = {"name": "users", "accounts": {"count": 1}, "rate": 150.0, "shape": shape}
    groups = [{**group, "tools": [], "judge": True}]
    found = answers(tmp_path, rate(), duration=60.5, scenario_data={"groups": groups})["F1.2.edge"]
    assert (found.status, found.value) == ("info", 120)
    assert "2.00 times the limit" in found.evidence


def test_scaled_time_scales_the_promise(tmp_path: Path) -> None:
    settings = {"nano": {}, "origin": {"rate_window": 10.0}}
    manifest = {"accounts": STARTER, "time_scale": 6, "stack": {"settings": settings, "processes": {}}}
    found = answers(tmp_path, rate(10, 10.0), duration=21.0, manifest=manifest)
    assert (found["F1.2"].status, found["F1.2"].value) == ("pass", 10.0)
    assert found["F1.2.headers"].status == "pass"
    assert "6 times as fast" in found["F1.2"].evidence


def test_an_address_past_its_limit_without_a_limit_is_red(tmp_path: Path) -> None:
    found = answers(tmp_path, rate(), rate=40.0, duration=60.0)
    assert found["F1.2.address"].status == "fail"
    assert "1 admitted more" in found["F1.2.address"].evidence


def test_accounts_without_a_limit_have_none_to_judge(tmp_path: Path) -> None:
    free = [{**STARTER[0], "tier": "unlimited"}]
    found = answers(tmp_path, None, manifest={"accounts": free})
    assert (found["F1.2"].status, found["F1.2"].value) == ("info", None)


@pytest.mark.parametrize(("ahead", "relative"), [(7.3, False), (-12.0, False), (0.0, True), (7.3, True)])
def test_headers_of_a_clock_that_is_off_are_right(tmp_path: Path, ahead: float, relative: bool) -> None:
    """A target's own: its windows by its clock; `Reset` as a time of that clock, or as seconds from now."""
    limits = {"burst_per_s": None, "ip_per_min": None, "rate_per_min": 60}
    target = {"name": "mine", "path": "/v1/mcp", "limits": limits}

    def change(samples: Samples) -> Samples:
        samples["sent"] += ahead
        samples = rate()(samples)
        samples["sent"] -= ahead
        samples["done"] = samples["sent"] + 0.002
        samples["reset"] -= ahead if relative else 0.0
        return samples

    changed = {**LONG, "manifest": {"accounts": STARTER, "target": target}, "bundled": False}
    found = answers(tmp_path, change, **changed)
    assert (found["F1.2"].status, found["F1.2.headers"].value) == ("pass", 0), found["F1.2.headers"].evidence
    assert ("by the phase of its windows" in found["F1.2"].evidence) == (ahead != 0)

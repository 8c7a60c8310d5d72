from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from telemetry.recording.sample import REASON_CODE, Outcome
from tests.support.limiter_simulation import rate, spec
from tests.support.synthetic_run import Change, Samples, fail, write
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


def own(**limits: Any) -> dict[str, Any]:
    """A run against a target of one's own that promises 60 a minute, and what else is given."""
    promised = {"burst_per_s": None, "ip_per_min": None, "rate_per_min": 60, **limits}
    target = {"name": "mine", "path": "/v1/mcp", "limits": promised}
    return {**LONG, "manifest": {"accounts": STARTER, "target": target}, "bundled": False}


def lose(samples: Samples, *places: int) -> Samples:
    """The limiter has counted these calls; their answers never came."""
    fail(samples, np.isin(np.arange(len(samples)), places), "reset")
    samples["limit"][list(places)] = samples["remaining"][list(places)] = -1
    samples["reset"][list(places)] = np.nan
    return samples


@pytest.mark.parametrize("bundled", [True, False])
def test_a_lost_answer_is_not_the_limiters_fault(tmp_path: Path, bundled: bool) -> None:
    found = answers(tmp_path, lambda samples: lose(rate()(samples), 3), **({} if bundled else own()))
    assert found["F1.2"].status == found["F1.2.headers"].status == "pass", found["F1.2"].evidence
    assert found["F1.2.headers"].value == 0
    assert ("1 calls without an answer of an origin" in found["F1.2"].evidence) == bundled


@pytest.mark.parametrize("bundled", [True, False])
def test_a_lost_answer_hides_one_gap_and_no_other(tmp_path: Path, bundled: bool) -> None:
    def two(samples: Samples) -> Samples:
        samples = lose(rate()(samples), 3)
        samples["remaining"][40:60] -= 1  # a second number is missing
        return samples

    def repeated(samples: Samples) -> Samples:
        samples = lose(rate()(samples), 3)
        samples["remaining"][40] = samples["remaining"][39]
        return samples

    for number, change in enumerate((two, repeated)):
        found = answers(tmp_path / str(number), change, **({} if bundled else own()))["F1.2.headers"]
        assert found.status == "fail", found.evidence


def test_one_less_is_found_beside_a_lost_answer_of_another_window(tmp_path: Path) -> None:
    assert answers(tmp_path / "one", lambda samples: lose(rate(59)(samples), 3))["F1.2"].status == "fail"
    lost = answers(tmp_path / "two", lambda samples: lose(rate()(samples), *range(0, 40)))
    assert lost["F1.2"].status == "pass"  # the second minute is whole
    every = answers(
        tmp_path / "three", lambda samples: lose(rate()(samples), *range(0, 40), *range(240, 280))
    )
    assert every["F1.2"].status == "invalid"


def test_a_call_that_the_edge_cut_off_for_cpu_may_have_been_counted(tmp_path: Path) -> None:
    def cut(samples: Samples) -> Samples:
        samples = lose(rate()(samples), 3)
        samples["status"][3], samples["instance"][3] = 503, 0
        samples["reason"][3] = REASON_CODE["worker_cpu_exceeded"]
        return samples

    found = answers(tmp_path, cut)
    assert found["F1.2"].status == found["F1.2.headers"].status == "pass"


def test_headers_that_a_target_never_sends_are_not_promised(tmp_path: Path) -> None:
    def without(*names: str) -> Change:
        def change(samples: Samples) -> Samples:
            samples = rate()(samples)
            for name in names:
                samples[name] = np.nan if name == "reset" else -1
            return samples

        return change

    none = answers(tmp_path / "none", without("limit", "remaining", "reset"), **own())
    assert (none["F1.2"].status, none["F1.2.headers"].status) == ("pass", "info")
    assert (
        "No answer had X-RateLimit-Limit, -Remaining, -Reset: not promised" in none["F1.2.headers"].evidence
    )
    some = answers(tmp_path / "some", without("remaining", "reset"), **own())["F1.2.headers"]
    assert (some.status, some.value) == ("pass", 0)
    timeless = answers(tmp_path / "timeless", without("reset"), **own())["F1.2.headers"]
    assert (timeless.status, timeless.value) == ("pass", 0)
    ours = answers(tmp_path / "ours", without("limit", "remaining", "reset"))["F1.2.headers"]
    assert ours.status == "fail"  # the bundled stack's are the plan's


def test_scrapes_that_the_limiter_counts_leave_gaps(tmp_path: Path) -> None:
    """The credential is in `headers`, so a look at the target's metrics is a call of the one user."""

    def change(samples: Samples) -> Samples:
        scrapes = np.repeat(samples[:1], 124)
        scrapes["sent"] = np.arange(124) + 0.003
        both = rate()(np.concatenate((samples, scrapes)))
        return both[: len(samples)]

    fields = own()
    page = {"base_url": "http://127.0.0.1:8080", "metrics": ["http://127.0.0.1:8080/metrics"]}
    fields["manifest"]["target"] |= page
    blamed = answers(tmp_path / "blamed", change, **fields)
    assert blamed["F1.2"].status == blamed["F1.2.headers"].status == "fail"
    fields["manifest"]["accounts"] = [{**STARTER[0], "user": "X-Api-Key"}]
    shared = answers(tmp_path / "shared", change, **fields)
    assert (shared["F1.2"].status, shared["F1.2.headers"].status) == ("invalid", "pass")  # 48 or 60 of 60


def test_a_header_that_some_answers_have_is_judged_on_all(tmp_path: Path) -> None:
    def once(samples: Samples) -> Samples:
        samples = rate()(samples)
        samples["limit"][3] = -1
        return samples

    found = answers(tmp_path, once, **own())["F1.2.headers"]
    assert (found.status, found.value) == ("fail", 1)


@pytest.mark.parametrize(("wait", "status"), [(0.0, "pass"), (61.0, "fail"), (np.nan, "fail")])
def test_refusals_without_a_reason_are_the_limits_and_so_is_their_wait(
    tmp_path: Path, wait: float, status: str
) -> None:
    def plain(samples: Samples) -> Samples:
        samples = rate()(samples)
        refused = samples["outcome"] == Outcome.FAILED
        samples["reason"][refused] = REASON_CODE["refused"]
        samples["retry_after"][refused] += wait
        return samples

    found = answers(tmp_path, plain, **own())["F1.2.headers"]
    assert found.status == status
    assert found.unit == "wrong headers on 500 answers"
    assert found.value == (0 if status == "pass" else 360)


@pytest.mark.parametrize(("ahead", "relative"), [(7.3, False), (-12.0, False), (0.0, True), (7.3, True)])
def test_headers_of_a_clock_that_is_off_are_right(tmp_path: Path, ahead: float, relative: bool) -> None:
    """A target's own: its windows by its clock; `Reset` as a time of that clock, or as seconds from now."""

    def change(samples: Samples) -> Samples:
        samples["sent"] += ahead
        samples = rate()(samples)
        samples["sent"] -= ahead
        samples["done"] = samples["sent"] + 0.002
        samples["reset"] -= ahead if relative else 0.0
        return samples

    found = answers(tmp_path, change, **own())
    assert (found["F1.2"].status, found["F1.2.headers"].value) == ("pass", 0), found["F1.2.headers"].evidence
    assert ("by the phase of its windows" in found["F1.2"].evidence) == (ahead != 0)

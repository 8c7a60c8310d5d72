"""Regression mode: equals pass, a worse run fails by name, bounds follow the noise, reports come anew."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from junitparser import JUnitXml

from cli import attack
from common.errors import ConfigError
from run.checks import preflight
from scenarios.load import load as load_scenario
from scenarios.overrides import Overrides
from tests.support import refused_attack
from tests.support.compare_runs import SPEC, folder, folders, runs
from tests.support.synthetic_run import Samples, Spec, drop, fail
from verdicts.compare import baseline
from verdicts.compare.baseline import KINDS
from verdicts.judge.judge import Judgement, judge
from verdicts.output.files import derive
from verdicts.points.point import PointResult
from verdicts.run import stored
from verdicts.run.reading import RunFolderError, load
from verdicts.student_t import quantile

FOUR = range(4)


def held(tmp_path: Path, numbers: Any, spec: Spec = SPEC, *, slower: float = 1.0) -> Judgement:
    """A run held against so many earlier ones."""
    earlier = folders(tmp_path / "earlier", numbers)
    now = folder(tmp_path, 9, spec, slower=slower)
    baseline.write(now, baseline.make("earlier", stored.runs(",".join(map(str, earlier)))))
    return judge(load(now))


def points(judged: Judgement) -> dict[str, PointResult]:
    return {one.id.partition(".")[2]: one for one in judged.points if one.question.id == "baseline"}


@pytest.mark.parametrize("numbers", [[0], [0, 1], FOUR])
def test_an_equal_run_passes(numbers: Any, tmp_path: Path) -> None:
    judged = held(tmp_path, numbers)
    found = points(judged)
    assert judged.exit_code == 0
    assert {id: one.status for id, one in found.items() if one.status != "pass"} == {
        "": "info",
        "added": "info",
    }
    assert found["added"].evidence.startswith(
        "The baseline has no gateway overhead p95 on slow tools: no tool"
    )
    assert found[""].evidence.startswith(str(tmp_path / "earlier" / "run-00"))
    assert "This run differs in nothing recorded." in found[""].evidence


@pytest.mark.parametrize("numbers", [[0], [0, 1], FOUR])
@pytest.mark.parametrize(
    ("spec", "slower", "worse"),
    [
        (SPEC, 2.0, {"p50", "p95", "p99"}),
        (replace(SPEC, chances={"db_error": 0.05}), 1.0, {"success", "errors"}),
        (replace(SPEC, chances={"burst_exceeded": 0.05}), 1.0, {"success", "refused"}),
    ],
)
def test_a_worse_run_fails_by_the_figures_that_are(
    numbers: Any, spec: Spec, slower: float, worse: set[str], tmp_path: Path
) -> None:
    judged = held(tmp_path, numbers, spec, slower=slower)
    assert {id for id, one in points(judged).items() if one.status == "fail"} == worse
    assert judged.exit_code == 1


def test_a_better_run_passes(tmp_path: Path) -> None:
    assert held(tmp_path, FOUR, slower=0.5).exit_code == 0


def test_the_bound_is_the_prediction_interval_of_the_runs(tmp_path: Path) -> None:
    wild = [*runs(tmp_path, FOUR[:2]), *runs(tmp_path, FOUR[2:], slower=1.3)]
    told = baseline.make("x", wild)["figures"]["p50"]
    logs = np.log(told["values"])
    reach = quantile(1 - 0.05 / len(KINDS), 3) * logs.std(ddof=1) * math.sqrt(1 + 1 / 4)
    assert told["value"] == pytest.approx(math.exp(logs.mean()))
    assert told["bound"] == pytest.approx(math.exp(logs.mean() + reach))
    assert told["bound"] > 1.5 * told["value"]


def test_a_noisier_run_has_a_wider_bound(tmp_path: Path) -> None:
    def stormy(samples: Samples) -> Samples:
        slow = (samples["planned"] // 1.5).astype(int) % 2 == 0
        samples["done"] += np.where(slow, 0.05, 0.0)
        return samples

    calm, storm = runs(tmp_path / "a", [0]), runs(tmp_path / "b", [1], replace(SPEC, change=stormy))
    widths = []
    for one in (calm, storm):
        told = baseline.make("x", one)["figures"]["p50"]
        widths.append(told["bound"] / told["value"])
    assert 1.5 <= widths[0] < 1.65
    assert widths[1] > 2.5


@pytest.mark.parametrize(("accounts", "share"), [(20, 5 / 1200), (200, 0.001)])
def test_few_calls_more_are_no_regression(accounts: int, share: float, tmp_path: Path) -> None:
    told = baseline.make("x", runs(tmp_path, [0], replace(SPEC, accounts=accounts)))["figures"]["errors"]
    assert (told["value"], told["bound"]) == (0.0, pytest.approx(share))


def test_what_is_at_its_bound_passes(tmp_path: Path) -> None:
    def five(samples: Samples) -> Samples:
        fail(samples, np.arange(len(samples)) % 240 == 7, "db_error")  # 5 of 1,200: 99.58333… %
        return samples

    found = points(held(tmp_path, [0], replace(SPEC, change=five)))
    assert found["success"].threshold == "success >= 99.5833 %"
    assert found["errors"].threshold == "errors <= 0.416667 %"
    assert (found["success"].status, found["errors"].status) == ("pass", "pass")


def test_few_calls_in_flight_vary_by_their_square_root(tmp_path: Path) -> None:
    told = baseline.make("x", runs(tmp_path, [0]))["figures"]["peak"]
    assert told["bound"] >= told["value"] + 3 * math.sqrt(told["value"])


def test_it_stands_in_every_file_and_the_report_is_made_anew(tmp_path: Path) -> None:
    judged = held(tmp_path, [0], slower=2.0)
    now = judged.run.folder
    assert derive(now, quiet=True).exit_code == 1
    (tmp_path / "earlier" / "run-00" / "run.json").unlink()  # the baseline itself is not needed any more
    assert derive(now, quiet=True).exit_code == 1
    by_id = {one["id"]: one for one in json.loads((now / "verdicts.json").read_text())["points"]}
    p95 = by_id["baseline.p95"]
    assert (p95["status"], p95["basis"], p95["unit"]) == ("fail", "measured", "ms")
    assert p95["threshold"].startswith("p95 <= ")
    assert float(p95["threshold"].split()[2]) < p95["value"]
    assert " against the baseline's " in p95["evidence"]
    assert by_id["baseline.memory"]["basis"] == "modelled"
    [suite] = JUnitXml.fromfile(str(now / "junit.xml"))
    failed = {case.name for case in suite if case.result and case.result[0].type == "fail"}
    assert "baseline.p95: Is it worse than the baseline?" in failed
    page = (now / "report.html").read_text()
    assert "baseline.p95" in page
    assert "BASELINE=earlier" in page


def test_what_is_not_as_it_was_is_said(tmp_path: Path) -> None:
    judged = held(tmp_path, [0], replace(SPEC, manifest={"protections": []}))
    assert "This run differs in protections: none, not ip-limit" in points(judged)[""].evidence


def test_a_figure_that_the_run_lacks_is_never_passed(tmp_path: Path) -> None:
    judged = held(tmp_path, [0], replace(SPEC, chances={"db_error": 0.95}))
    p99 = points(judged)["p99"]
    assert (p99.status, p99.value) == ("invalid", None)
    assert "not taken (" in p99.evidence
    assert judged.exit_code == 1


def test_an_invalid_run_neither_passes_nor_fails(tmp_path: Path) -> None:
    def half(samples: Samples) -> Samples:
        drop(samples, np.arange(len(samples)) % 2 == 0)
        return samples

    judged = held(tmp_path, [0], replace(SPEC, change=half))
    assert {one.status for one in points(judged).values()} <= {"invalid", "info"}
    assert judged.exit_code == 3


def test_a_baseline_that_does_not_count_is_refused(tmp_path: Path) -> None:
    def half(samples: Samples) -> Samples:
        drop(samples, np.arange(len(samples)) % 2 == 0)
        return samples

    with pytest.raises(RunFolderError, match=r"run-00: the run is invalid: 600 of 1,200"):
        baseline.make("x", runs(tmp_path, [0], replace(SPEC, change=half)))


def test_a_baseline_of_another_version_is_one_line(tmp_path: Path) -> None:
    now = folder(tmp_path, 0)
    (now / "baseline.json").write_text('{"schema_version": 7}')
    with pytest.raises(RunFolderError, match=r"baseline\.json: schema_version: 7, allowed: 1$"):
        judge(load(now))


def test_the_baseline_of_another_attack_is_refused_before_anything_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    earlier = folder(tmp_path, 0)
    given = {"duration": "12s", "accounts": "20", "rate": "5"}
    preflight.check_baseline(load_scenario("burst", Overrides.read(given)), str(earlier))
    for change, named in (
        ({"seed": "2"}, "seed: 1, not 2"),
        ({"rate": "4"}, "users.rate: 5.0, not 4.0"),
        ({"duration": "13s"}, "duration: 12.0, not 13.0"),
        ({"accounts": "19"}, "users.accounts.count: 20, not 19"),
    ):
        with pytest.raises(ConfigError, match=named):
            preflight.check_baseline(
                load_scenario("burst", Overrides.read({**given, **change})), str(earlier)
            )
    words = ["burst", "--duration=12s", "--accounts=20", "--rate=5", f"--out={tmp_path / 'out'}"]
    assert attack.read([*words, f"--baseline={earlier}"]).check().request.worker_count == 0
    for place, why in ((tmp_path / "nowhere", "not a folder"), (tmp_path / "out", "not a folder")):
        assert refused_attack.main([*words, f"--baseline={place}"]) == 2
        error = capsys.readouterr().err
        assert error.startswith(f"command line: --baseline: {place}: {why}, allowed: the folder of a run")
        assert len(error.splitlines()) == 1


@pytest.mark.parametrize("sd", [0.03, 0.1])
def test_a_run_like_four_earlier_ones_rarely_fails(sd: float) -> None:
    """The rule itself, on a thousand simulated baselines: nine figures of a run move together by half."""
    random, alarms = np.random.default_rng(1), 0
    t = quantile(1 - 0.05 / len(KINDS), 3)
    for _ in range(1000):
        own = random.normal(0, 1, (5, len(KINDS)))
        values = sd * (own + random.normal(0, 1, (5, 1))) / math.sqrt(2)
        earlier, now = values[:4], values[4]
        bound = earlier.mean(axis=0) + np.maximum(
            t * earlier.std(axis=0, ddof=1) * math.sqrt(1.25), math.log(1 + baseline.FLOOR)
        )
        alarms += bool((now > bound).any())
    print(f"sd {sd:g}: {alarms} of 1000")
    assert alarms <= 70

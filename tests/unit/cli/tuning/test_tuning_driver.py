"""A whole search for limits with made-up runs: its files, budget, stop, carrying on, what is refused."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from cli import tune
from cli.launch import series
from cli.tuning.budget import RunningBudget, after_blocks, cost, spend
from cli.tuning.driver import OVER, STOPPED, Tuning, changed
from cli.tuning.proposals import Proposals
from cli.tuning.request import TuneRequest, read
from cli.tuning.search import LimitSearch
from common import exit_codes
from common.errors import ConfigError
from scenarios.tuning_table import ATTACK, ATTACKS, LIMITS, Setting, TunedLimit, named
from telemetry.run_folder.series import SeriesStep
from tests.support import made_gateway
from tests.support.made_gateway import GOOD
from tests.support.made_runs import MadeRuns
from verdicts.tuning import stored, tuning_file
from verdicts.tuning.answer import Answer
from verdicts.tuning.tuning_file import TuningFile


class Fixed:
    """Proposes the good values, again and again, or so many times; then ever more."""

    def __init__(self, limits: Sequence[TunedLimit], good: int = 10_000) -> None:
        self._limits, self._good = limits, good

    def ask(self) -> dict[str, float]:
        self._good -= 1
        found = {limit.name: GOOD.get(limit.name, limit.plan) for limit in self._limits}
        return {name: value * (1 + max(0, -self._good) / 100) for name, value in found.items()}

    def tell(self, values: Setting, loss: float, excess: float) -> None:
        """It learns nothing."""


def asked_for(folder: Path, *words: str) -> TuneRequest:
    return read(tune.parser().parse_args(["--out", str(folder), *words]))


def tuned(
    request: TuneRequest, runs: MadeRuns, clock: list[float], good: int = 10_000
) -> tuple[Tuning, list[str]]:
    def propose(limits: Sequence[TunedLimit], seed: int) -> Proposals:
        return Fixed(limits, good)

    request.folder.mkdir(parents=True, exist_ok=True)
    said: list[str] = []
    search = LimitSearch(request.limits, ATTACKS, request.shares, request.seed, propose)
    steps = [SeriesStep(name=name) for name in search.names]
    progress = series.begin(request.folder, "tune", "", "tune.html", steps, request.budget)
    tuning = Tuning(request, search, runs, said.append, progress, clock=lambda: clock[0])
    tuning.run()
    return tuning, said


def whole(folder: Path, *words: str, good: int = 10_000) -> tuple[TuningFile, MadeRuns, list[str]]:
    clock = [0.0]
    runs = MadeRuns(made_gateway.run, clock)
    tuning, said = tuned(asked_for(folder, *words), runs, clock, good)
    return tuning.document(), runs, said


def test_a_search_finds_confirms_and_writes_everything(tmp_path: Path) -> None:
    found, runs, said = whole(tmp_path / "t", "--budget", "400m")
    assert found.ended == ""
    assert found.best == {**named("plan")[0], **GOOD}
    answer = Answer.of(found)
    assert answer.sure == "confirmed"
    assert tune.exit_code(answer) == exit_codes.PASS
    assert all(len(one.runs) == one.held == one.attack.runs for one in answer.confirmed)
    assert {point.name for point in answer.points} >= {"plan", "today", "none", "recommended"}
    assert msgspec.structs.replace(stored.read(tmp_path / "t"), written=found.written) == found
    for name in ("tune.html", "tune.md", "series.json"):
        assert (tmp_path / "t" / name).stat().st_size > 0
    assert "best so far: " in said[0]
    assert len(found.runs) == len(runs.made)
    steps = json.loads((tmp_path / "t" / "series.json").read_text())["steps"]
    assert all(step["exit_code"] == 0 for step in steps)


def test_a_budget_ends_it_and_a_larger_one_carries_it_on(tmp_path: Path) -> None:
    first, before, _ = whole(tmp_path / "t", "--budget", "10m")
    assert first.ended == OVER
    assert first.took_s <= 600
    assert tune.exit_code(Answer.of(first)) == exit_codes.OURS
    second, after, _ = whole(tmp_path / "t", "--budget", "400m")
    assert second.ended == ""
    made_twice = {
        (one.attack.name, tuple(one.values.items()), one.length, one.repeat, one.set) for one in before.made
    }
    assert made_twice.isdisjoint(
        (one.attack.name, tuple(one.values.items()), one.length, one.repeat, one.set) for one in after.made
    )
    assert second.runs[: len(first.runs)] == first.runs


def test_the_default_budget_is_enough_for_a_confirmation(tmp_path: Path) -> None:
    found, _, said = whole(tmp_path / "t", good=2)
    assert Answer.of(found).sure == "confirmed"
    assert found.ended == ""
    assert len(of_blocks(said)) > 100, "and its blocks had as much as they may"


def test_a_larger_budget_is_for_what_was_not_reached(tmp_path: Path) -> None:
    first, _, said = whole(tmp_path / "t", "--budget", "100m", good=2)
    assert (first.ended, Answer.of(first).sure) == (OVER, "not confirmed")
    assert of_blocks(said)
    second, runs, said = whole(tmp_path / "t", "--budget", "400m", good=2)
    assert (second.ended, Answer.of(second).sure) == ("", "confirmed")
    assert runs.made
    assert of_blocks(said) == []
    assert second.spend == first.spend
    clock = [0.0]
    runs = MadeRuns(made_gateway.run, clock, stop_after=2)
    _, said = tuned(asked_for(tmp_path / "t", "--budget", "600m"), runs, clock, good=2)
    assert of_blocks(said), "once at its end it goes on to more settings"


def of_blocks(said: Sequence[str]) -> list[str]:
    """The runs of blocks."""
    return [line for line in said if "] search " in line and "best so far" in line]


def test_a_stop_leaves_what_is_known(tmp_path: Path) -> None:
    clock = [0.0]
    tuning, _ = tuned(
        asked_for(tmp_path / "t", "--budget", "400m"), MadeRuns(made_gateway.run, clock, stop_after=5), clock
    )
    assert tuning.ended == STOPPED
    found = stored.read(tmp_path / "t")
    assert (found.ended, len(found.runs)) == (STOPPED, 4)  # the fifth was cut off
    assert tune.exit_code(Answer.of(found)) == exit_codes.OURS


def test_what_is_carried_on_and_stopped_does_not_unsay_its_answer(tmp_path: Path) -> None:
    clock = [0.0]
    tuned(asked_for(tmp_path / "t", "--budget", "180m"), MadeRuns(made_gateway.run, clock), clock, good=2)
    before = stored.read(tmp_path / "t")
    assert (before.ended, before.best) == ("", {**named("plan")[0], **GOOD})
    for budget in ("600m", "800m"):
        runs = MadeRuns(made_gateway.run, clock, stop_after=1)
        tuned(asked_for(tmp_path / "t", "--budget", budget), runs, clock, good=2)
        found = stored.read(tmp_path / "t")
        assert (len(runs.made), found.ended) == (1, STOPPED)
        assert (found.best, found.stages) == (before.best, before.stages)


def test_an_attack_that_never_counts_leaves_the_set_unconfirmed_and_is_told(tmp_path: Path) -> None:
    clock = [0.0]
    tuning, _ = tuned(
        asked_for(tmp_path / "t", "--budget", "400m"),
        MadeRuns(made_gateway.run, clock, bad=["slow-api"]),
        clock,
    )
    found = tuning.document()
    assert tuning.ended == ""
    assert not [run for run in found.runs if run.attack == "slow-api"]
    assert "5 % late" in (tmp_path / "t" / "tune.html").read_text()
    assert Answer.of(found).sure == "not confirmed"
    assert {one.attack.name for one in Answer.of(found).confirmed} == set(ATTACK) - {"slow-api"}


def test_what_proved_nothing_is_made_again_only_where_no_proposal_depends_on_it(tmp_path: Path) -> None:
    def searched() -> tuple[TuningFile, MadeRuns, float]:
        clock = [0.0]
        runs = MadeRuns(made_gateway.run, clock, bad=["db-pool"])
        tuning, _ = tuned(asked_for(tmp_path / "t", "--budget", "400m"), runs, clock)
        return tuning.document(), runs, clock[0]

    first, _, took = searched()
    assert first.took_s == pytest.approx(took), "what proves nothing takes its time as well"
    second, runs, more = searched()
    assert {one.attack.name for one in runs.made} == {"db-pool"}
    asked = {(one.length, one.set) for one in runs.made}
    assert asked == {("full", ""), ("short", "today"), ("short", "none")}
    assert second.took_s == pytest.approx(took + more)
    assert second.best == first.best


def test_a_real_origin_is_asked_for_every_limit(tmp_path: Path) -> None:
    assert asked_for(tmp_path / "t", "--stack", "real").limits == LIMITS


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--budget", "1m"], "--budget: '1m', allowed: "),
        (["--budget", "soon"], "--budget: 'soon'"),
        (["--seed", "-1"], "--seed: '-1', allowed: 0 to 999999"),
        (["--target", "targets/example.yaml"], "a target's limits cannot be set from here, allowed: bundled"),
    ],
)
def test_bad_usage_is_one_line(tmp_path: Path, words: list[str], says: str) -> None:
    with pytest.raises(ConfigError) as refused:
        asked_for(tmp_path / "t", *words)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_folder_of_another_search_is_refused(tmp_path: Path) -> None:
    whole(tmp_path / "t", "--budget", "10m")
    with pytest.raises(ConfigError, match="is of seed 1, allowed: a new folder"):
        asked_for(tmp_path / "t", "--seed", "2")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "x").touch()
    with pytest.raises(ConfigError, match="is there already"):
        asked_for(tmp_path / "other")


@pytest.mark.parametrize(
    ("was", "now", "says"),
    [
        ('"attack": "nano-oom"', '"attack": "nano-doom"', "attack 'nano-doom', allowed: "),
        ('"timeout": ', '"time-out": ', "limits time-out, timeout, allowed: those of this version"),
        ('"set": ""', '"set": "yesterday"', "set 'yesterday', allowed: plan, today, none"),
        ('"rates": ', '"rate": ', "spend: blocks rate, rates, allowed: those of this version"),
        ('"silent": []', '"silent": [{"attack": "x", "values": {}, "length": "short"}]', "silent.0.x: "),
        ('"runs": [', '"runs": [7, ', "Expected `object`, got `int`"),
        ('"schema_version": 1', '"schema_version": 2', "schema_version: 2, allowed: 1"),
    ],
)
def test_a_folder_of_another_version_is_refused(tmp_path: Path, was: str, now: str, says: str) -> None:
    whole(tmp_path / "t", "--budget", "10m")
    file = tmp_path / "t" / tuning_file.FILE
    file.write_text(file.read_text().replace(was, now))
    with pytest.raises(ConfigError) as refused:
        asked_for(tmp_path / "t")
    assert says in str(refused.value)
    assert "allowed: a new folder" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_budget_counts_a_runs_load_and_what_is_beside_it() -> None:
    nano = ATTACK["nano-oom"]
    assert cost(nano, "full") == 45 + series.START
    budget = RunningBudget(100.0, used=100 - cost(nano, "short"))
    assert budget.allows(nano, "short")
    assert not budget.allows(nano, "full")


@pytest.mark.parametrize("hours", [8, 3])
def test_blocks_share_half_of_the_budget_or_what_the_other_stages_leave_by_their_limits(hours: int) -> None:
    shares = spend(hours * 3600, LIMITS, ATTACKS)
    seconds = {
        block: count * sum(costs) / len(costs)
        for block, count in shares.items()
        if (
            costs := [
                cost(one, "short") + cost(one, "full") / 3
                for one in ATTACKS
                if one.searched and _feels(one.feels, block)
            ]
        )
    }
    left = hours * 3600 - after_blocks(LIMITS, ATTACKS)
    assert sum(seconds.values()) == pytest.approx(min(hours * 1800, left), rel=0.1)
    assert seconds["concurrency"] == pytest.approx(2 * seconds["rates"], rel=0.1)


def test_a_block_has_two_settings_at_least() -> None:
    for block, count in spend(120, LIMITS, ATTACKS).items():
        assert count == 2 * sum(one.searched and _feels(one.feels, block) for one in ATTACKS)


def _feels(feels: Sequence[str], block: str) -> bool:
    return not {limit.name for limit in LIMITS if limit.block == block}.isdisjoint(feels)


def test_a_setting_is_told_by_what_is_not_the_plans() -> None:
    plan = named("plan")[0]
    assert changed(plan) == "the plan's values"
    assert changed({**plan, "timeout": 6.0}) == "timeout=6"

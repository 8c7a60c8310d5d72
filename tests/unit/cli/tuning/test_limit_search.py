"""The search for limits on a made stack whose best values are known, and what it asks for on the way."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from cli.tuning.proposals import optuna_proposals
from cli.tuning.search import LimitSearch
from cli.tuning.trying import rank
from cli.tuning.wanted import Wanted
from scenarios.tuning_table import Setting, TunedLimit, TuningAttack
from tests.support import made_stack, needs
from tests.support.made_stack import ATTACKS, LIMITS, OPTIMUM, MadeStack, figures, outcome, true
from verdicts.tuning.outcome import TuningRun
from verdicts.tuning.trial import SettingTrial

SPEND = {"calls": 20, "patience": 20}
MOST_RUNS = 60
SEEDS = 20
Run = Callable[[Wanted], TuningRun | None]


class InTurn:
    """Proposes what it was given, and keeps what it was told."""

    def __init__(self, values: Sequence[Setting]) -> None:
        self._values = list(values)
        self.told: list[tuple[Setting, float, float]] = []

    def ask(self) -> dict[str, float]:
        return dict(self._values.pop(0))

    def tell(self, values: Setting, loss: float, excess: float) -> None:
        self.told.append((values, loss, excess))


def search_of(
    proposals: InTurn | None = None, spend: dict[str, int] | None = None, seed: int = 1
) -> LimitSearch:
    def propose(limits: Sequence[TunedLimit], number: int) -> InTurn:
        return proposals or InTurn([])

    return LimitSearch(LIMITS, ATTACKS, spend or SPEND, seed, propose if proposals else optuna_proposals)


def go(search: LimitSearch, run: Run, *names: str, most: int = 10_000) -> list[Wanted]:
    """Go through the stages of these names; every run that was wanted."""
    asked: list[Wanted] = []
    for stage in search.stages():
        if stage.name not in names:
            continue
        wanted = next(stage.steps, None)
        while wanted is not None and len(asked) < most:
            asked.append(wanted)
            try:
                wanted = stage.steps.send(run(wanted))
            except StopIteration:
                break
    return asked


def quiet(wanted: Wanted) -> TuningRun:
    """A run without noise."""
    return outcome(wanted.attack.name, wanted.values, *figures(wanted.attack.name, wanted.values), wanted)


WHOLE = ("search calls", "search patience", "plan's values", "confirm 1", "confirm 2", "confirm 3")


def test_a_known_optimum_is_found_within_a_tenth_in_sixty_noisy_runs_19_times_of_20() -> None:
    needs.require("optuna")
    assert not true({limit.name: limit.plan for limit in LIMITS}).holds, (
        "the plan's values are no answer here"
    )
    found = []
    for seed in range(SEEDS):
        made, search = MadeStack(seed), search_of(seed=seed)
        go(search, made.run, *WHOLE, most=MOST_RUNS)
        assert made.count <= MOST_RUNS
        trial = true(search.best)
        found.append(trial.holds and trial.loss - OPTIMUM[1] <= 0.1 * (1 - OPTIMUM[1]))
    assert sum(found) >= 19, found


def test_the_same_seed_and_outcomes_ask_for_the_same_runs() -> None:
    needs.require("optuna")
    first, second = (go(search_of(), quiet, *WHOLE) for _ in range(2))
    assert first == second


def test_a_search_that_is_given_its_runs_asks_for_none_of_them_again() -> None:
    needs.require("optuna")
    first = search_of()
    asked = go(first, quiet, *WHOLE)
    again = search_of()
    for wanted in asked[:25]:
        again.memory.keep(wanted.attack, quiet(wanted))
    assert go(again, quiet, *WHOLE) == asked[25:]
    assert again.best == first.best


def test_a_search_carried_on_after_a_run_that_proved_nothing_goes_the_same_way() -> None:
    needs.require("optuna")

    def third_is_silent(wanted: Wanted) -> TuningRun | None:
        count.append(wanted)
        return None if len(count) == 3 else quiet(wanted)

    count: list[Wanted] = []
    asked = go(search_of(), third_is_silent, *WHOLE)
    count = []
    first = search_of()
    go(first, third_is_silent, *WHOLE, most=15)
    again = search_of()
    for run in first.memory.runs:
        again.memory.keep(next(one for one in ATTACKS if one.name == run.attack), run)
    for wanted in first.memory.silent:
        again.memory.silence(wanted)
    assert go(again, quiet, *WHOLE) == asked[15:]


GOOD = {"user": 20.0, "global": 2500.0}
KILLS = {"user": 100.0, "global": 9000.0}


def test_the_plans_values_are_tried_whole_and_the_others_until_a_bound_breaks() -> None:
    proposals = InTurn([KILLS, GOOD])
    search = search_of(proposals, {"calls": 5})
    asked = go(search, quiet, "search calls")
    short = [(one.attack.name, one.values["user"]) for one in asked if one.length == "short"]
    # What broke most often stands first; memory that is full ends the second setting at once.
    assert short == [("batches", 50), ("crowd", 50), ("crowd", 100), ("crowd", 20), ("batches", 20)]
    assert [told[0]["user"] for told in proposals.told] == [50, 100, 20]
    assert [told[2] > 0 for told in proposals.told] == [True, True, False]
    assert {one.values["user"] for one in asked if one.length == "full"} == {20}, "only what held goes on"
    assert (search.best["user"], search.best["global"]) == (20, 2500)


def test_what_another_block_must_mend_first_holds_up_no_block() -> None:
    """Fan-outs need three blocks; each alone still breaks the bound, and none must stop at that."""
    limits = (
        TunedLimit("rate", "rates", "edge.burst_per_s", 2, 40, 5, None),
        TunedLimit("calls", "calls", "origin.global_concurrency", 20, 5000, 100, None),
        TunedLimit("wait", "patience", "origin.timeout", 1, 60, 30, None),
    )
    attacks = (
        TuningAttack("fan-out", ("rate", "calls", "wait"), 60, 15, {}, ordinary=True),
        TuningAttack("flood", ("rate",), 60, 15, {}),
        TuningAttack("memory", ("calls",), 60, 15, {}),
        TuningAttack("agents", ("rate", "calls", "wait"), 60, 15, {}, searched=False),
    )
    broken_at_last: dict[str, float] = {}

    def run(wanted: Wanted) -> TuningRun:
        rate, calls, wait = (wanted.values[name] for name in ("rate", "calls", "wait"))
        served = {
            "fan-out": 1 - 0.1 * (rate < 8) - 0.12 * (calls < 200) - 0.15 * (wait > 10) + calls / 1e6,
            "flood": 1.0 if rate <= 20 else 0.5,
            "memory": 1.0 if calls <= 2000 else 0.0,
            "agents": 1.0,
        }[wanted.attack.name]
        if broken_at_last.get(wanted.attack.name) == calls:
            served = 0.5
        return TuningRun(
            attack=wanted.attack.name, values=dict(wanted.values), length=wanted.length,
            repeat=wanted.repeat, served=served, room=0.8, broken=("served",) * (served < 0.99),
            limit="calls" if served < 0.99 else "",
        )  # fmt: skip

    turns = {
        "rates": InTurn([{"rate": 40.0}, {"rate": 12.0}, {"rate": 3.0}]),
        "calls": InTurn([{"calls": value} for value in (4000.0, 1000.0, 1200.0, 1400.0)]),
        "patience": InTurn([{"wait": 6.0}]),
    }
    spend = {"rates": 7, "calls": 10, "patience": 2}
    search = LimitSearch(limits, attacks, spend, 1, lambda those, seed: turns[those[0].block])
    asked = go(search, run, "search rates")
    assert search.best == {"rate": 12, "calls": 100, "wait": 30}
    short = [(one.attack.name, one.values["rate"]) for one in asked if one.length == "short"]
    assert ("flood", 12) in short, "a bound that the best so far breaks as well ends nothing"
    assert ("flood", 3) not in short, "where it is broken as far it does"
    asked = go(search, run, "search calls")
    assert search.best == {"rate": 12, "calls": 1400, "wait": 30}
    full = [(one.attack.name, one.values["calls"]) for one in asked if one.length == "full"]
    assert full == [("memory", 1400), ("memory", 1200)], "two go on, without what their shortened runs broke"
    go(search, run, "search patience")
    assert search.best == {"rate": 12, "calls": 1400, "wait": 6}
    search.memory = type(search.memory)()  # what was run at full length was lucky
    broken_at_last |= {"memory": 1400, "agents": 1200}
    go(search, run, "confirm 1")
    assert search.best == {"rate": 12, "calls": 1000, "wait": 6}, "the next best of the block, twice"


def test_an_attack_that_was_left_out_served_nobody() -> None:
    def made(attack: str, served: float, broken: bool) -> TuningRun:
        return TuningRun(
            attack=attack, values={}, length="short", served=served, room=0.8, broken=("x",) * broken
        )

    far = SettingTrial({}, (made("a", 0.8, True), made("b", 0.9, True)))
    early = SettingTrial({}, (made("a", 0.98, True),), left_out=1)
    assert rank(far) < rank(early)
    assert not SettingTrial({}, (made("a", 1, False),), left_out=1).holds


def test_a_run_that_proves_nothing_is_no_data_point() -> None:
    proposals = InTurn([GOOD])
    search = search_of(proposals, {"calls": 4})
    go(search, lambda wanted: None, "search calls")
    assert proposals.told == []
    assert search.memory.runs == []
    assert search.best == {limit.name: limit.plan for limit in LIMITS}


def test_an_attack_is_not_run_again_where_it_does_not_feel_the_change() -> None:
    search = search_of(InTurn([{"timeout": 6.0, "failures": 5.0, "rest": 20.0}]), {"patience": 4})
    asked = go(search, quiet, "search patience")
    pages = [one.values["timeout"] for one in asked if one.attack.name == "pages" and one.length == "short"]
    assert pages == [30, 6]
    more = go(search, quiet, "sides")
    sides = {name: {one.values[name] for one in more} for name in ("rest", "timeout")}
    assert {10, 40} <= sides["rest"]
    assert {3, 12} <= sides["timeout"]
    assert not [one for one in more if one.attack.name == "pages" and one.values["timeout"] == 6]


def test_a_limit_goes_back_to_the_plans_value_where_nothing_is_lost_by_it() -> None:
    proposals = InTurn([{"timeout": 6.0, "failures": 5.0, "rest": 20.0}])
    search = search_of(proposals, {"patience": 4})
    go(search, quiet, "search patience", "plan's values")
    assert (search.best["rest"], search.best["timeout"]) == (5, 6)


def test_where_a_bound_breaks_at_full_length_the_blocks_next_best_is_taken() -> None:
    def run(wanted: Wanted) -> TuningRun:
        whole = wanted.attack.name == "crowd" and wanted.length == "full" and wanted.values["user"] == 20
        tired = whole and confirming
        served, room = (0.1, 0.9) if tired else figures(wanted.attack.name, wanted.values)
        return outcome(wanted.attack.name, wanted.values, served, room, wanted)

    confirming = False
    proposals = InTurn([GOOD, {"user": 16.0, "global": 2500.0}])
    search = search_of(proposals, {"calls": 6})
    go(search, run, "search calls")
    assert search.best["user"] == 20
    search.memory = type(search.memory)()  # what was run at full length was lucky
    confirming = True
    asked = go(search, run, "confirm 1")
    assert search.best["user"] == 16
    assert {one.values["user"] for one in asked} == {20, 16}


def test_what_broke_at_full_length_loses_to_what_was_not_disproved() -> None:
    """All hold when shortened; at full length the first proves nothing, and the second breaks."""

    def run(wanted: Wanted) -> TuningRun | None:
        whole = wanted.length == "full"
        if whole and wanted.values["user"] == 20:
            return None
        served, room = figures(wanted.attack.name, wanted.values)
        broke = whole and wanted.attack.name == "crowd" and wanted.values["user"] == 18
        return outcome(wanted.attack.name, wanted.values, 0.1 if broke else served, room, wanted)

    proposals = InTurn([GOOD, {"user": 18.0, "global": 2500.0}, {"user": 16.0, "global": 2500.0}])
    search = search_of(proposals, {"calls": 8})
    asked = go(search, run, "search calls")
    assert {one.values["user"] for one in asked if one.length == "full"} == {20, 18}
    assert search.best["user"] == 20


def test_what_broke_at_full_length_is_broken_also_where_the_next_attack_proves_nothing() -> None:
    def run(wanted: Wanted) -> TuningRun | None:
        whole = wanted.length == "full" and wanted.values["user"] == 20
        if wanted.length == "full" and (wanted.attack.name == "crowd" or not whole):
            return None
        served, room = figures(wanted.attack.name, wanted.values)
        return outcome(wanted.attack.name, wanted.values, 0.1 if whole else served, room, wanted)

    search = search_of(InTurn([GOOD, {"user": 16.0, "global": 2500.0}]), {"calls": 6})
    asked = go(search, run, "search calls")
    assert [(one.attack.name, one.values["user"]) for one in asked if one.length == "full"][:2] == [
        ("batches", 20), ("crowd", 20),
    ]  # fmt: skip
    assert search.best["user"] == 16


@pytest.mark.parametrize("repeats", [1, 3])
@pytest.mark.parametrize("served", [0.7, 0.0])
def test_an_attack_that_proves_nothing_does_not_count_as_held_in_a_confirmation(
    repeats: int, served: float
) -> None:
    def run(wanted: Wanted) -> TuningRun | None:
        crowd = wanted.attack.name == "crowd" and confirming
        if crowd and wanted.values["user"] == 16:
            return None
        usual, room = figures(wanted.attack.name, wanted.values)
        return outcome(wanted.attack.name, wanted.values, served if crowd else usual, room, wanted)

    confirming = False
    search = search_of(InTurn([GOOD, {"user": 16.0, "global": 2500.0}]), {"calls": 6})
    go(search, run, "search calls")
    search.memory = type(search.memory)()  # what was run at full length was lucky
    confirming = True
    asked = go(search, run, f"confirm {repeats}")
    assert {one.values["user"] for one in asked} == {20, 16}
    assert search.best["user"] == 20


def test_a_side_that_is_better_is_taken_and_its_own_sides_are_tried() -> None:
    search = search_of(InTurn([]), {})
    search.best = {**search.best, **GOOD, "timeout": 24.0}
    asked = go(search, quiet, "sides")
    timeouts = {one.values["timeout"] for one in asked if one.attack.name == "pages"}
    assert timeouts == {24, 12, 48, 6, 3}
    assert search.best["timeout"] == 6


def test_three_runs_of_every_attack_confirm() -> None:
    search = search_of(InTurn([]), {})
    search.best = {**search.best, **GOOD, "timeout": 6.0}
    asked = go(search, quiet, "confirm 1", "confirm 2", "confirm 3")
    assert sorted((one.attack.name, one.repeat) for one in asked) == sorted(
        (attack.name, repeat) for attack in ATTACKS for repeat in range(3)
    )
    assert {one.length for one in asked} == {"full"}


@pytest.mark.parametrize(
    ("limit", "value", "sides"),
    [(LIMITS[0], 20, [10, 40]), (LIMITS[0], 2, [4]), (LIMITS[0], 500, [250]), (LIMITS[2], 3.0, [1.5, 6])],
)
def test_sides_are_half_and_twice_within_what_is_searched(
    limit: TunedLimit, value: float, sides: list[float]
) -> None:
    assert limit.sides(value) == sides


def test_the_optimum_of_the_made_stack_is_within_its_bounds() -> None:
    assert made_stack.true(OPTIMUM[0]).holds

"""The search by size of load on a made-up gateway whose answers are known; its files, budget, carrying on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from cli import tune
from cli.launch import series
from cli.tuning.driver import OVER, STOPPED, Growing
from cli.tuning.growth import EVALUATIONS, GrowthSearch
from cli.tuning.request import read
from cli.tuning.wanted import Wanted
from common import exit_codes
from common.errors import ConfigError
from scenarios.growth_table import SIZES
from scenarios.tuning_table import LIMITS, named
from telemetry.run_folder.machine import LoadMachine
from telemetry.run_folder.series import SeriesStep
from tests.support import made_growth
from tests.support.made_growth import HELD, Ladder
from tests.support.made_runs import MadeRuns
from verdicts.language.words import Say
from verdicts.tuning import growth_wording, stored, tuning_file
from verdicts.tuning.growth_answer import GrowthAnswer
from verdicts.tuning.outcome import TuningRun
from verdicts.tuning.tuning_file import GrowthFile, TuningFile

Run = Callable[[Wanted], TuningRun | None]
ASKED = ",".join(map(str, SIZES))


def plain(wanted: Wanted) -> TuningRun:
    return made_growth.run(wanted, 1)


def gone_through(
    run: Run, sizes: Sequence[int] = SIZES, search: GrowthSearch | None = None
) -> tuple[GrowthSearch, list[Wanted]]:
    search = search or GrowthSearch(LIMITS, sizes, HELD, 1, Ladder)
    asked: list[Wanted] = []
    for stage in search.stages():
        wanted = next(stage.steps, None)
        while wanted is not None:
            asked.append(wanted)
            try:
                wanted = stage.steps.send(run(wanted))
            except StopIteration:
                break
    return search, asked


def changed(search: GrowthSearch, mau: int) -> dict[str, float]:
    return {name: value for name, value in search.found[mau].values.items() if value != HELD[name]}


def test_the_size_is_found_at_which_a_limit_has_to_change_and_where_an_instance_has_to() -> None:
    search, asked = gone_through(plain)
    assert changed(search, 10) == {}
    assert changed(search, 100) == {"global-concurrency": 4277}
    assert changed(search, 500) == {"global-concurrency": 4277}
    assert changed(search, 1000) == {"global-concurrency": 9702, "pool-size": 22}
    assert [search.found[mau].instance for mau in SIZES] == [1, 1, 1, 2]
    assert all(one.over and not one.silent for one in search.found.values())
    assert {one.length for one in asked} == {"short"}
    assert len([one for one in asked if one.mau == 10]) == 5, (
        "one run of each attack is enough where all hold"
    )


def test_an_attack_that_this_machine_cannot_send_is_not_run() -> None:
    _, asked = gone_through(plain)
    assert {one.mau for one in asked if one.attack.name == "burst-starter"} == {10, 100, 500}


def test_an_attack_of_which_no_run_counts_is_silent_and_the_others_still_answer() -> None:
    search, _ = gone_through(lambda one: None if one.attack.name == "nano-oom" else plain(one), [100])
    assert search.found[100].silent == ("nano-oom",)
    assert search.found[100].over
    assert set(changed(search, 100)) == {"global-concurrency"}, "ordinary work alone says so"


def test_no_instance_is_tried_where_neither_calls_nor_memory_nor_cpu_break() -> None:
    def run(wanted: Wanted) -> TuningRun:
        made = plain(wanted)
        return replace(made, broken=("unclear is too high",)) if made.attack == "db-pool" else made

    search, asked = gone_through(run, [10])
    assert {one.instance for one in asked} == {1}
    assert search.found[10].values == HELD
    pools = {one.values["pool-size"] for one in asked if one.attack.name == "db-pool"}
    assert 1 < len(pools) <= 1 + EVALUATIONS


def test_a_larger_instance_is_given_up_after_four_times() -> None:
    def run(wanted: Wanted) -> TuningRun:
        made = plain(wanted)
        if made.attack != "nano-oom":
            return made
        return replace(made, broken=("nano_memory is too high",), limit="nano memory")

    search, asked = gone_through(run, [10])
    assert {one.instance for one in asked} == {1, 2, 4}
    assert search.found[10].instance == 1
    answer = GrowthAnswer.of(part(search))
    [most] = [limit for limit in answer.limits if limit.name == "global-concurrency"]
    assert "up to 4 times the memory and CPU" in growth_wording.sentence(answer, most, Say("en"))


def test_a_larger_instance_on_which_no_run_counts_leaves_the_size_open_until_it_is_carried_on() -> None:
    def run(wanted: Wanted) -> TuningRun | None:
        made = plain(wanted)
        if made.attack != "nano-oom":
            return made
        if wanted.instance == 2:
            return None
        return replace(made, broken=("nano_memory is too high",), limit="nano memory")

    search, asked = gone_through(run, [10])
    assert [one.attack.name for one in asked if one.instance == 2][-1] == "nano-oom"
    assert not search.found[10].over
    answer = GrowthAnswer.of(part(search))
    assert answer.failing == ()
    assert tune.growth_exit_code(answer) == exit_codes.OURS
    again = GrowthSearch(LIMITS, [10], HELD, 1, Ladder, tuple(search.found.values()))
    again.memory = search.memory
    _, asked = gone_through(plain, [10], again)
    assert [(one.attack.name, one.instance) for one in asked][:1] == [("nano-oom", 2)]
    assert again.found[10].over
    assert again.found[10].instance == 2


def part(search: GrowthSearch) -> GrowthFile:
    return GrowthFile(
        held=HELD, sizes=tuple(search.found.values()), budget_s=0.0, runs=tuple(search.memory.runs)
    )


def test_what_no_instance_mends_is_not_said_of_larger_ones() -> None:
    def run(wanted: Wanted) -> TuningRun:
        made = plain(wanted)
        return replace(made, broken=("unclear is too high",)) if made.attack == "db-pool" else made

    search, _ = gone_through(run, [10])
    answer = GrowthAnswer.of(part(search))
    [pool] = [limit for limit in answer.limits if limit.name == "pool-size"]
    assert growth_wording.sentence(answer, pool, Say("en")) == (
        "pool-size: At 10 MAU nothing that was tried holds. "
        "With 15 connections db-pool breaks a bound (unclear is too high)."
    )


def searched(folder: Path) -> Path:
    """A folder in which a search recommended HELD."""
    folder.mkdir()
    tuning_file.write(
        folder,
        TuningFile(
            written="2026-11-27T12:00:00Z", seed=1, budget_s=2400.0, machine=LoadMachine(cores=2), best=HELD,
            runs=(TuningRun(attack="burst", values=HELD, length="full", served=1.0, room=0.8),),
        ),
    )  # fmt: skip
    return folder


def grown(folder: Path, budget: str, **more: object) -> tuple[GrowthFile, MadeRuns, list[str]]:
    words = ["--out", str(folder), "--growth", ASKED, "--budget", budget]
    request = read(tune.parser().parse_args(words))
    clock, said = [0.0], []  # type: tuple[list[float], list[str]]
    runs = MadeRuns(made_growth.run, clock, **more)  # type: ignore[arg-type]
    search = GrowthSearch(request.limits, request.sizes, request.held, request.seed, Ladder, request.known)
    steps = [SeriesStep(name=name) for name in search.names]
    request.folder.mkdir(exist_ok=True)
    progress = series.begin(request.folder, "tune", "", "tune.html", steps, request.budget)
    growing = Growing(request, search, runs, said.append, progress, clock=lambda: clock[0])
    growing.run()
    return growing.part(), runs, said


def key(wanted: Wanted) -> tuple[object, ...]:
    felt = tuple(value for name, value in wanted.values.items() if name in wanted.attack.feels)
    return wanted.attack.name, wanted.mau, wanted.instance, felt


def test_a_budget_ends_it_unknown_and_a_larger_one_carries_it_on_without_a_run_twice(tmp_path: Path) -> None:
    folder = searched(tmp_path / "t")
    first, before, _ = grown(folder, "6m")
    answer = GrowthAnswer.of(first)
    assert first.ended == OVER
    assert first.took_s <= 360
    assert tune.growth_exit_code(answer) == exit_codes.OURS
    assert [one.known for one in answer.sizes] == [True, False, False, False]
    second, after, _ = grown(folder, "400m")
    assert second.ended == ""
    made = [key(one) for one in (*before.made, *after.made)]
    assert len(made) == len(set(made))
    whole, _, _ = grown(searched(tmp_path / "at-once"), "400m")
    assert second.sizes == whole.sizes
    third, none, _ = grown(folder, "400m")
    assert none.made == []
    assert third.sizes == second.sizes
    kept = stored.read(folder)
    assert (kept.best, len(kept.runs)) == (HELD, 1), "the search's own part stays"


class NoAttacks:
    """Nothing is started."""

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        """It needs neither."""

    def __enter__(self) -> NoAttacks:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing ends."""


def test_the_command_answers_for_its_sizes_and_ends_with_its_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tune, "Attacks", NoAttacks)
    monkeypatch.setattr(tune, "RealRuns", lambda *_: MadeRuns(made_growth.run, [0.0]))
    monkeypatch.setattr(tune, "optuna_proposals", Ladder)
    monkeypatch.setattr(tune, "library", lambda: None)
    folder = searched(tmp_path / "t")
    assert tune.main(["--out", str(folder), "--growth", "100,10"]) == exit_codes.PASS
    said = capsys.readouterr().out
    assert "growth from burst-per-second=10 timeout=6: at most 240 minutes in all" in said
    assert "The set holds as it is at 10 MAU. From 100 MAU on limits have to change." in said
    assert "global-concurrency: At 10 MAU keep 100 calls. At 100 MAU it has to be 4,277 calls." in said
    assert tune.main(["--out", str(folder), "--growth", "1000"]) == exit_codes.OURS, (
        "one is not answered here"
    )


def test_a_stop_and_what_was_said(tmp_path: Path) -> None:
    found, _, said = grown(tmp_path / "t", "400m", stop_after=4)
    assert (found.ended, len(found.runs)) == (STOPPED, 3)
    assert found.held == named("plan")[0], "no search has recommended anything"
    assert "10 MAU: ordinary-work (short) at the plan's values: " in said[0]
    assert "best so far" in said[0]
    assert tune.growth_exit_code(GrowthAnswer.of(found)) == exit_codes.OURS
    assert "The search was stopped before its end." in (tmp_path / "t" / "tune.html").read_text()


def test_what_proves_nothing_is_told_and_no_verdict(tmp_path: Path) -> None:
    found, runs, _ = grown(searched(tmp_path / "t"), "400m", bad=["db-pool"])
    assert {one.silent for one in found.sizes} == {("db-pool",)}
    assert "5 % late" in (tmp_path / "t" / "tune.html").read_text()
    assert tune.growth_exit_code(GrowthAnswer.of(found)) == exit_codes.OURS
    _, again, _ = grown(tmp_path / "t", "400m")
    assert again.made == [], "a size that went to its end is not gone through again"
    assert runs.made


def test_sizes_may_be_added_and_those_of_another_set_are_not_kept(tmp_path: Path) -> None:
    folder = searched(tmp_path / "t")
    grown(folder, "400m")
    words = ["--out", str(folder), "--growth", "50, 10"]
    assert read(tune.parser().parse_args(words)).sizes == (10, 50, 100, 500, 1000)
    tuning_file.write(folder, replace(stored.read(folder), best=named("plan")[0]))
    assert read(tune.parser().parse_args(words)).sizes == (10, 50)


@pytest.mark.parametrize("sizes", ["ten", "0", "10,,100", "-5", "1e3"])
def test_a_size_is_a_whole_number(tmp_path: Path, sizes: str) -> None:
    with pytest.raises(ConfigError, match=r"--growth: .*allowed: 1 to 99999"):
        read(tune.parser().parse_args(["--out", str(tmp_path / "t"), f"--growth={sizes}"]))

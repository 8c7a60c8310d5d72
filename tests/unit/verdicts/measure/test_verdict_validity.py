"""Every reason why a run is invalid, as the report says it, and who used the CPU where that is the cause."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from msgspec import UNSET, structs

from telemetry.probing.target_log import Scrapes, TargetLog
from telemetry.recording.sample import NO_ROOM, Flag
from telemetry.run_folder.lines import LedgerLine
from tests.support.synthetic_run import Samples, Spec, drop, write
from verdicts.measure.arrivals import ledger, validity
from verdicts.measure.arrivals.ledger import ArrivalLedger
from verdicts.measure.arrivals.schedule import Due
from verdicts.measure.target import cpu, machine
from verdicts.run.reading import Run, load

CALM = Spec(duration=4.0, accounts=10, chances={})  # fifty arrivals a second
Seconds = Sequence[float]


def made(folder: Path, spec: Spec = CALM) -> Run:
    return load(write(folder / "run", spec))


def reasons(run: Run, book: ArrivalLedger | None = None) -> tuple[str, ...]:
    return validity.check(run, book or ledger.of(run)).reasons


def planned_at(*times: float) -> Callable[[Samples], Samples]:
    """Arrivals that were dropped, each planned at a time."""

    def dropped(samples: Samples) -> Samples:
        samples["planned"][: len(times)] = times
        drop(samples, np.arange(len(samples)) < len(times))
        return samples

    return dropped


def all_late(samples: Samples) -> Samples:
    samples["sent"] += 0.2
    samples["done"] += 0.2
    return samples


def with_cpu(run: Run, loaders: Mapping[str, Seconds], stack: Mapping[str, float] | None = None) -> Run:
    """CPU seconds of each worker by the end of each second, and the cores that the stack's processes take."""
    t = np.arange(6.0)
    series = {f'{cpu.CPU}{{process="{name}"}}': cores * t for name, cores in (stack or {}).items()}
    lines = {
        name: tuple(LedgerLine(t=float(at), cpu_s=used) for at, used in enumerate(said))
        for name, said in loaders.items()
    }
    return replace(
        run, ledgers=lines, target=TargetLog({"stack": Scrapes(t, series, np.empty(0), np.empty(0))})
    )


def test_what_fell_behind_is_told_with_its_share_and_what_is_allowed(tmp_path: Path) -> None:
    def behind(samples: Samples) -> Samples:
        drop(samples, np.arange(len(samples)) < 2)
        return all_late(samples)[:-3]

    run = made(tmp_path, replace(CALM, change=behind))
    said = structs.replace(run.ledgers["local"][-1], planned=200)
    found = reasons(replace(run, ledgers={"local": (*run.ledgers["local"][:-1], said)}))
    assert found == (
        "2 of 200 planned arrivals dropped (1.00%, allowed 0.1 %)",
        "3 of 200 planned arrivals unknown (1.50%, allowed 0.1 %)",
        "195 of 195 calls late (100.00%, allowed 1 %)",
    )


@pytest.mark.parametrize(
    ("part", "whole", "most", "said"),
    [
        (1_004, 100_000, validity.MOST_LATE, "1.004%, allowed 1 %"),
        (1_000_001, 100_000_000, validity.MOST_LATE, "1.000001%, allowed 1 %"),
        (31, 30_000, validity.MOST_LOST, "0.103%, allowed 0.1 %"),
        (9, 100, validity.MOST_LATE, "9.00%, allowed 1 %"),
    ],
)
def test_a_share_that_is_too_much_never_reads_as_what_is_allowed(
    part: int, whole: int, most: float, said: str
) -> None:
    assert validity.over(part, whole, most) == said


def test_a_limit_of_this_machine_comes_first_and_a_fault_that_did_not_happen_last(tmp_path: Path) -> None:
    def full(samples: Samples) -> Samples:
        drop(samples, np.arange(len(samples)) < 2, "EMFILE")
        return samples

    fault = {"fault": "origin-down", "at": 1.0, "until": 2.0, "target": "origin-a"}
    spec = replace(CALM, change=full, faults_happen=False, scenario_data={"faults": [fault]})
    first, second, last = reasons(made(tmp_path, spec))
    assert first.startswith("a limit of this machine: EMFILE, 2 times")
    assert second == "2 of 200 planned arrivals dropped (1.00%, allowed 0.1 %)"
    assert "origin-down" in last


@pytest.mark.parametrize(
    ("tool", "reason", "told"), [(1, NO_ROOM, True), (0, NO_ROOM, False), (1, "stopped", False)]
)
def test_a_session_that_max_rps_left_no_room_for_is_a_limit_of_ours(
    tmp_path: Path, tool: int, reason: str, told: bool
) -> None:
    def unopened(samples: Samples) -> Samples:
        beside = samples[:3].copy()
        beside["index"], beside["flags"], beside["tool"] = -1, Flag.EXTRA, tool
        drop(beside, np.ones(3, np.bool_), reason)
        return np.concatenate([samples, beside])

    run = made(tmp_path, replace(CALM, change=unopened, manifest={"tools": ["fast.echo", "initialize"]}))
    line = "max_rps left no room to open a session, 3 times: its calls failed for that"
    assert reasons(run) == ((line,) if told else ())


def test_a_killed_run_says_when(tmp_path: Path) -> None:
    run = made(tmp_path, replace(CALM, killed=True, change=lambda samples: samples[:100]))
    assert run.load_end > 2.0
    assert (
        f"the load process was killed near {run.load_end:.1f} s, so its ledger was never closed"
        in reasons(run)
    )


@pytest.mark.parametrize(("missed", "told"), [(0, False), (1, False), (2, True)])
def test_a_lost_worker_is_told_where_more_than_a_thousandth_went_with_it(
    tmp_path: Path, missed: int, told: bool
) -> None:
    spec = replace(CALM, duration=20.0, workers=("w1", "w2", "w3"), lost=("w3", "w1"))
    run = made(tmp_path, replace(spec, change=planned_at(*np.arange(missed) / 50)))
    expected = ("worker w1 was lost", "worker w3 was lost") if told else ()
    assert tuple(one for one in reasons(run) if "lost" in one) == expected


def test_a_worker_whose_counts_do_not_balance_is_named(tmp_path: Path) -> None:
    run = made(tmp_path, replace(CALM, workers=("w1", "w2")))
    book = ledger.of(run)
    w2 = replace(book.workers["w2"], ok=99)
    assert reasons(run, replace(book, workers={**book.workers, "w2": w2})) == (
        "worker w2: planned 100 = sent 100 + dropped 0 + unknown 0; sent = ok 99 + failed 0 + aborted 0 "
        "does not balance",
        "worker w2: its ledger says 100 ok, its samples 99",
    )
    assert reasons(run, replace(book, total=replace(book.total, failed=1))) == (
        "all workers: planned 200 = sent 200 + dropped 0 + unknown 0; sent = ok 200 + failed 1 + aborted 0 "
        "does not balance",
    )


@pytest.mark.parametrize(
    ("due", "lost", "told"),
    [
        (None, (), ()),
        (Due(200, 200), (), ()),
        (Due(190, 200), (), ()),
        (Due(200, 210), (), ()),
        (Due(201, 210), (), ("the workers planned 200 arrivals, the schedule 210",)),
        (Due(190, 199), (), ("the workers planned 200 arrivals, the schedule 199",)),
        (Due(190, 199), ("local",), ()),
    ],
)
def test_what_was_planned_lies_within_what_was_due(
    tmp_path: Path, due: Due | None, lost: tuple[str, ...], told: tuple[str, ...]
) -> None:
    run = made(tmp_path, replace(CALM, lost=lost))
    assert reasons(run, replace(ledger.of(run), due=due)) == told


@pytest.mark.parametrize("key", ["sent", "dropped", "ok", "failed", "aborted", "extra", "retries"])
def test_a_worker_whose_last_words_are_not_what_it_recorded_is_named(tmp_path: Path, key: str) -> None:
    run = made(tmp_path)
    *before, last = run.ledgers["local"]
    recorded = getattr(ledger.of(run).total, key)
    other = replace(run, ledgers={"local": (*before, structs.replace(last, **{key: recorded + 1}))})
    assert f"worker local: its ledger says {recorded + 1:,} {key}, its samples {recorded:,}" in reasons(other)


def test_last_words_are_asked_of_workers_that_were_not_lost_and_of_all_of_them(tmp_path: Path) -> None:
    run = made(tmp_path, replace(CALM, workers=("w1", "w2", "w3"), lost=("w1",)))
    *before, last = run.ledgers["w3"]
    busy = (*before, structs.replace(last, in_flight=2, retries=UNSET))
    book = ledger.of(run)
    assert reasons(replace(run, ledgers={"w1": (), "w2": (), "w3": busy}), book) == (
        "worker w2: wrote no ledger",
        "worker w3: ended with 2 calls in flight",
    )


def test_an_arrival_that_two_workers_record_is_found(tmp_path: Path) -> None:
    def repeat(samples: Samples) -> Samples:
        samples["index"][[1, 3, 199]] = samples["index"][[0, 2, 198]]
        return samples

    run = made(tmp_path, replace(CALM, workers=("w1", "w2"), change=repeat))
    assert validity.repeated(run) == 3
    assert reasons(run) == ("3 arrivals are recorded more than once",)


def test_calls_beyond_the_schedule_repeat_nothing(tmp_path: Path) -> None:
    def none(samples: Samples) -> Samples:
        return np.extract(samples["flags"] & Flag.EXTRA != 0, samples)

    assert validity.repeated(made(tmp_path, replace(CALM, extra=5, change=none))) == 0


def test_who_used_the_cpu_is_told_where_calls_were_late_though_a_worker_was_lost(tmp_path: Path) -> None:
    run = made(tmp_path, replace(CALM, lost=("local",), change=all_late))
    assert validity.check(run, ledger.of(run)).starved == validity.starved(run) != ""


def test_a_run_that_counts_says_that_its_machine_was_crowded(tmp_path: Path) -> None:
    run = made(tmp_path)
    t = np.arange(6.0)
    full = replace(
        run,
        target=TargetLog(
            {**run.target.sources, "stack": Scrapes(t, {machine.MACHINE: 2 * t}, np.empty(0), np.empty(0))}
        ),
    )
    found = validity.check(full, ledger.of(full))
    assert found.valid
    assert found.starved == machine.crowded(full) != ""


@pytest.mark.parametrize(
    ("loaded", "stack", "cores", "says"),
    [
        ([0.0], {}, 2, ""),
        (
            [0.0, 0.95, 1.9],
            {"edge": 0.25},
            2,
            "The process load local had no more of its one core to use. "
            "Cores used: load local 0.95 (peak 0.95), edge 0.25 (peak 0.25).",
        ),
        (
            [0.0, 0.5, 1.0],
            {"edge": 4.5, "origin-a": 4.0},
            10,
            "The machine was full: 9.00 of 10 cores. "
            "Cores used: load local 0.50 (peak 0.50), edge 4.50 (peak 4.50), origin-a 4.00 (peak 4.00).",
        ),
        (
            [0.0, 0.25, 1.0],
            {"edge": 1.0},
            2,
            "This run's processes used 1.50 of 2 cores; others on the machine took the rest, or it paused. "
            "Cores used: load local 0.50 (peak 0.75), edge 1.00 (peak 1.00).",
        ),
        (
            [0.0, 0.5],
            dict.fromkeys("abcdef", 0.125),
            8,
            "This run's processes used 1.25 of 8 cores; others on the machine took the rest, or it paused. "
            "Cores used: load local 0.50 (peak 0.50), a 0.12 (peak 0.12), b 0.12 (peak 0.12), "
            "c 0.12 (peak 0.12), d 0.12 (peak 0.12), e 0.12 (peak 0.12).",
        ),
    ],
)
def test_who_used_the_cpu_is_one_sentence(
    tmp_path: Path, loaded: Seconds, stack: dict[str, float], cores: int, says: str
) -> None:
    run = made(tmp_path, replace(CALM, change=planned_at(0.5)))
    about = structs.replace(run.manifest, machine=structs.replace(run.manifest.machine, cores=cores))
    assert validity.starved(replace(with_cpu(run, {"local": loaded}, stack), manifest=about)) == says


@pytest.mark.parametrize(
    ("dropped", "used", "blamed"),
    [
        ([1.5], [0.0, 0.5, 1.5, 2.0], True),
        ([1.0, 2.5, 5.0], [0.0, 0.5, 1.5, 2.0], False),  # a full core at another time says nothing
        ([2.0], [0.0, 0.5, 1.5, 2.0], True),
        ([0.5], [0.0, 0.9, 1.0], True),
        ([0.5], [0.0, 0.89, 1.0], False),
        ([], [0.0, 1.0, 2.0, 3.0, 4.0, 5.0], False),
    ],
)
def test_a_process_is_blamed_whose_core_was_full_when_arrivals_fell_behind(
    tmp_path: Path, dropped: Seconds, used: Seconds, blamed: bool
) -> None:
    run = made(tmp_path, replace(CALM, change=planned_at(*dropped)))
    assert ("had no more of its one core" in validity.starved(with_cpu(run, {"local": used}))) is blamed


def test_late_calls_fall_behind_as_dropped_ones_and_extra_calls_do_not(tmp_path: Path) -> None:
    def extra(samples: Samples) -> Samples:
        beyond = samples["flags"] & Flag.EXTRA != 0
        samples["planned"][beyond] = 0.5
        drop(samples, beyond)
        return samples

    full, blame = {"local": [0.0, 1.0, 2.0, 3.0, 4.0]}, "had no more of its one core"
    assert blame in validity.starved(with_cpu(made(tmp_path, replace(CALM, change=all_late)), full))
    beyond = made(tmp_path / "beyond", replace(CALM, extra=5, change=extra))
    assert blame not in validity.starved(with_cpu(beyond, full))


@pytest.mark.parametrize(
    ("stalls", "says"),
    [
        ({"w1": 0.05, "w2": 0.02}, ""),  # not longer than the bound of lateness
        ({"w1": 0.06, "w2": 0.02}, " The loop of w1 stood still for 0.06 s at most."),
        ({"w1": 0.3, "w2": 0.71}, " The loop of w2 stood still for 0.71 s at most."),
        ({"w2": 0.71}, " The loop of w2 stood still for 0.71 s at most."),
        ({}, ""),
    ],
)
def test_the_longest_of_all_workers_stalls_is_told(
    tmp_path: Path, stalls: dict[str, float], says: str
) -> None:
    run = with_cpu(made(tmp_path, replace(CALM, workers=("w1", "w2"))), {"w1": (), "w2": ()}, {"edge": 1.0})
    lines = dict.fromkeys(run.workers, ()) | {
        name: (LedgerLine(t=1.0, stall_s=9.0), LedgerLine(t=2.0, stall_s=stall))
        for name, stall in stalls.items()
    }
    said = validity.starved(replace(run, ledgers=lines))
    assert said.endswith(f"edge 1.00 (peak 1.00).{says}")

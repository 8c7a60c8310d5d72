from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from telemetry.recording.sample import REASON_CODE, SAMPLE, Flag, Outcome, read_samples
from telemetry.run_folder.lines import LedgerLine
from tests.support.synthetic_run import Samples, Spec, drop, fail, write
from verdicts.measure.arrivals import ledger, validity
from verdicts.measure.arrivals.ledger import ArrivalCounts
from verdicts.run.reading import Run, load

SMALL = Spec(duration=4.0, accounts=10)


def made(folder: Path, spec: Spec = SMALL) -> Run:
    return load(write(folder / "run", spec))


def reasons(run: Run) -> tuple[str, ...]:
    return validity.check(run, ledger.of(run)).reasons


def changed(change: Callable[[Samples], None]) -> Callable[[Samples], Samples]:
    def apply(samples: Samples) -> Samples:
        change(samples)
        return samples

    return apply


def first(samples: Samples, count: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.arange(len(samples)) < count


def test_a_whole_run_balances(tmp_path: Path) -> None:
    run = made(tmp_path, replace(SMALL, workers=("w1", "w2", "w3"), extra=30, chances={"db_error": 0.1}))
    book = ledger.of(run)
    assert reasons(run) == ()
    assert book.total.planned == 200
    assert sum(book.workers.values(), ArrivalCounts()) == book.total
    assert book.total.extra == 30
    assert book.total.failed == int((run.samples["outcome"] == Outcome.FAILED).sum()) > 0


@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.integers(-2, 2))
def test_counts_balance_exactly_when_both_equations_hold(
    ok: int, failed: int, dropped: int, off: int
) -> None:
    sent = ok + failed
    counts = ArrivalCounts(planned=sent + dropped + off, sent=sent, dropped=dropped, ok=ok, failed=failed)
    assert counts.balances == (off == 0)
    assert not replace(counts, planned=sent + dropped - 1, unknown=-1).balances


def test_what_was_aborted_was_sent() -> None:
    counts = ArrivalCounts(planned=9, sent=6, dropped=2, unknown=1, ok=3, failed=2, aborted=1)
    assert counts.balances
    assert not replace(counts, aborted=2).balances


def test_the_start_delay_is_that_of_arrivals_and_repeats_are_extra_calls(tmp_path: Path) -> None:
    def delay(samples: Samples) -> None:
        extra = samples["flags"] & Flag.EXTRA != 0
        samples["sent"] = samples["planned"] + np.where(extra, 0.5, 0.01)
        samples["done"] = samples["sent"] + 0.02
        samples["flags"][first(samples, 7)] |= np.uint8(Flag.RETRY)

    book = ledger.of(made(tmp_path, replace(SMALL, extra=30, change=changed(delay))))
    assert (book.total.extra, book.total.retries) == (30, 7)
    assert book.start_delay.count == 200
    assert book.start_delay.max == pytest.approx(0.01)


def test_late_is_what_left_after_more_than_the_bound(tmp_path: Path) -> None:
    def delay(samples: Samples) -> None:
        samples["sent"] = samples["planned"]
        samples["sent"][:3] = 0.05, samples["planned"][1] + 0.0501, samples["planned"][2] + 0.0499

    run = made(tmp_path, replace(SMALL, change=changed(delay)))
    assert (run.samples["planned"][0], np.flatnonzero(ledger.late(run)).tolist()) == (0.0, [1])
    for scenario, seconds in (({}, 0.05), ({"late_ms": 30.0}, 0.03)):
        assert (
            ledger.late_after(replace(run, manifest=structs.replace(run.manifest, scenario=scenario)))
            == seconds
        )


def test_a_worker_without_a_last_word_planned_what_it_recorded(tmp_path: Path) -> None:
    run = made(tmp_path, replace(SMALL, extra=5))
    assert ledger.of(replace(run, ledgers={"local": ()})).total.planned == 200


@pytest.mark.parametrize(("count", "invalid"), [(0, False), (1, False), (2, True)])
def test_more_than_a_thousandth_dropped_is_invalid(tmp_path: Path, count: int, invalid: bool) -> None:
    spec = Spec(duration=10.0, change=changed(lambda samples: drop(samples, first(samples, count))))
    run = made(tmp_path, spec)
    assert ledger.of(run).total.dropped == count
    assert bool(reasons(run)) == invalid
    if invalid:
        assert reasons(run) == ("2 of 1,000 planned arrivals dropped (0.20%, allowed 0.1 %)",)


@pytest.mark.parametrize(
    ("count", "late_ms", "invalid"), [(10, 50, False), (11, 50, True), (11, 30, True), (0, 1, True)]
)
def test_more_than_a_hundredth_late_is_invalid(
    tmp_path: Path, count: int, late_ms: int, invalid: bool
) -> None:
    def delay(samples: Samples) -> None:
        samples["sent"][first(samples, count)] = samples["planned"][first(samples, count)] + 0.051
        samples["done"] = np.maximum(samples["done"], samples["sent"])

    spec = Spec(duration=10.0, change=changed(delay), scenario_data={"late_ms": float(late_ms)})
    run = made(tmp_path, spec)
    assert any("late" in reason for reason in reasons(run)) == invalid


def test_late_says_who_used_the_cpu(tmp_path: Path) -> None:
    def delay(samples: Samples) -> None:
        samples["sent"] += 0.2
        samples["done"] += 0.2

    run = made(tmp_path, Spec(duration=10.0, accounts=100, change=changed(delay)))
    told = validity.check(run, ledger.of(run)).starved
    assert "of 2 cores" in told
    assert "load local" in told
    assert "origin-a" in told


def test_who_used_the_cpu_is_no_matter_where_a_worker_was_lost(tmp_path: Path) -> None:
    def lose(samples: Samples) -> None:
        drop(samples, first(samples, 50))

    run = made(tmp_path, replace(SMALL, change=changed(lose)))
    assert "it paused" in validity.check(run, ledger.of(run)).starved
    assert run.end is not None
    (worker,) = run.end.workers
    end = structs.replace(run.end, workers=(structs.replace(worker, lost=True),))
    lost = replace(run, end=end)
    told = validity.check(lost, ledger.of(lost))
    assert told.starved == ""
    assert "worker local was lost" in told.reasons


def test_a_load_process_without_cpu_left_is_named(tmp_path: Path) -> None:
    run = made(tmp_path, replace(SMALL, change=changed(lambda samples: drop(samples, first(samples, 50)))))
    lines = tuple(structs.replace(line, cpu_s=line.t * 0.97) for line in run.ledgers["local"])
    hungry = replace(run, ledgers={"local": lines})
    assert (
        "process load local had no more of its one core" in validity.check(hungry, ledger.of(hungry)).starved
    )


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({}, "in engine.py:12 deal."),
        ({"stall_cpu_wait_s": 0.684}, "in engine.py:12 deal; others had the CPU for 0.68 s of it."),
    ],
)
def test_the_longest_time_that_a_loop_stood_still_is_told(
    tmp_path: Path, more: dict[str, float], says: str
) -> None:
    run = made(tmp_path, replace(SMALL, change=changed(lambda samples: drop(samples, first(samples, 50)))))
    last = structs.replace(run.ledgers["local"][-1], stall_s=0.71, stall_in="engine.py:12 deal", **more)
    still = replace(run, ledgers={"local": (*run.ledgers["local"][:-1], last)})
    told = validity.check(still, ledger.of(still)).starved
    assert f"The loop of local stood still for 0.71 s at most, {says}" in told


def test_a_core_that_was_full_at_another_time_is_not_blamed(tmp_path: Path) -> None:
    run = made(tmp_path, replace(SMALL, change=changed(lambda samples: drop(samples, first(samples, 50)))))
    last = run.ledgers["local"][-1]
    busy = LedgerLine(t=run.load_end + 1.0, cpu_s=last.cpu_s + 1.0)
    ended = (*run.ledgers["local"], structs.replace(last, t=run.load_end), busy)
    assert "it paused" in validity.starved(replace(run, ledgers={"local": ended}))


def test_a_killed_run_counts_what_it_took_with_it(tmp_path: Path) -> None:
    run_dir = write(tmp_path / "run", replace(SMALL, killed=True))
    path = run_dir / "samples-local.bin"
    whole = path.read_bytes()
    path.write_bytes(whole[: 150 * SAMPLE.itemsize + 7])
    ledger_path = run_dir / "ledger-local.jsonl"
    lines = ledger_path.read_text().splitlines(keepends=True)
    ledger_path.write_text("".join(lines[:3]) + lines[3][:20])
    run = load(run_dir)
    total = ledger.of(run).total
    assert len(run.samples) == 150
    assert total.balances
    assert total.unknown == total.planned - total.sent > 0
    assert "killed" in " ".join(reasons(run))
    assert validity.check(run, ledger.of(run)).valid is False


def test_a_stopped_run_is_judged_by_what_was_due(tmp_path: Path) -> None:
    spec = replace(SMALL, stopped_at=2.49, stop_reason="SIGINT")
    run = made(tmp_path, spec)
    assert ledger.of(run).total.planned == 125
    assert run.load_end == 2.49
    assert reasons(run) == ()


def test_a_worker_that_was_lost_leaves_a_gap(tmp_path: Path) -> None:
    run_dir = write(tmp_path / "run", replace(SMALL, workers=("w1", "w2"), lost=("w2",)))
    samples = run_dir / "samples-w2.bin"
    samples.write_bytes(samples.read_bytes()[: 50 * SAMPLE.itemsize])
    lines = (run_dir / "ledger-w2.jsonl").read_text().splitlines(keepends=True)
    (run_dir / "ledger-w2.jsonl").write_text("".join(lines[:2]))
    run = load(run_dir)
    total = ledger.of(run).total
    assert (total.planned, total.sent, total.unknown) == (200, 150, 50)
    assert "worker w2 was lost" in reasons(run)


@pytest.mark.parametrize(("stopped_at", "planned"), [(2.49, 125), (2.5, 126)])  # one is planned at 2.5 s
def test_a_stopped_run_with_a_worker_that_was_lost_is_judged_by_what_was_due(
    tmp_path: Path, stopped_at: float, planned: int
) -> None:
    spec = replace(SMALL, workers=("w1", "w2"), lost=("w2",), stopped_at=stopped_at, stop_reason="SIGINT")
    run = made(tmp_path, spec)
    assert max(lines[-1].t for lines in run.ledgers.values()) > 2.55, "calls were waited for"
    assert (ledger.of(run).total.planned, reasons(run)) == (planned, ())


def stopped_and_w2_lost(tmp_path: Path, change: Callable[[Samples], Samples]) -> Run:
    """Stopped at 2.49 s, where what `change` makes of the samples is there; w2's last words are not."""
    spec = replace(SMALL, duration=2.6, workers=("w1", "w2"), lost=("w2",), chances={}, change=change)
    run_dir = write(tmp_path / "run", spec)
    lines = (run_dir / "ledger-w2.jsonl").read_text().splitlines(keepends=True)
    (run_dir / "ledger-w2.jsonl").write_text("".join(lines[:2]))
    run = load(run_dir)
    assert run.end is not None
    return replace(run, end=structs.replace(run.end, stop_reason="SIGINT", stopped_at=2.49))


def test_what_a_lost_worker_sent_after_the_stop_hides_nothing_that_it_took_with_it(tmp_path: Path) -> None:
    """It did not hear of the stop at 2.49 s: three records of before are lost, three of after are there."""

    def lose(samples: Samples) -> Samples:
        gone = (samples["account"] % 2 == 1) & (samples["planned"] > 2.3) & (samples["planned"] < 2.43)
        deaf = (samples["account"] % 2 == 0) & (samples["planned"] > 2.49)
        return np.extract(~(gone | deaf), samples)

    stopped = stopped_and_w2_lost(tmp_path, lose)
    total = ledger.of(stopped).total
    after = int((stopped.samples["planned"] > 2.49).sum())
    assert after == 3
    assert (total.planned, total.sent, total.unknown) == (125 + after, 125, 3)


def test_what_a_worker_dropped_after_a_stop_stands_in_for_nothing_that_another_took_with_it(
    tmp_path: Path,
) -> None:
    """w1 stood still, and dropped later what the stop at 2.49 s had called off; w2's last three are lost."""

    def lose(samples: Samples) -> Samples:
        gone = (samples["account"] % 2 == 1) & (samples["planned"] > 2.36)
        drop(samples, samples["planned"] > 2.49)
        return np.extract(~gone, samples)

    stopped = stopped_and_w2_lost(tmp_path, lose)
    samples = stopped.samples
    took = 125 - int((samples["planned"] < 2.49).sum())
    assert int((samples["planned"] > 2.49).sum()) == 2
    total = ledger.of(stopped).total
    assert (total.planned, total.dropped, total.unknown) == (125, 0, took)
    assert took > 0


@pytest.mark.parametrize("after", [0, 10])
def test_what_nobody_sent_for_a_lost_worker_is_dropped_and_the_rest_unknown(
    tmp_path: Path, after: int
) -> None:
    """Its last word is of 2 s: 50 planned. `after`: arrivals that it sent later, and that are recorded."""
    run_dir = write(tmp_path / "run", replace(SMALL, workers=("w1", "w2"), lost=("w2",), chances={}))
    path = run_dir / "samples-w2.bin"
    samples = read_samples(path).copy()
    samples["outcome"][70:], samples["reason"][70:] = Outcome.DROPPED, REASON_CODE["worker_lost"]
    samples["planned"][49] = 2.0
    path.write_bytes(np.concatenate([samples[: 50 + after], samples[70:]]).tobytes())
    lines = (run_dir / "ledger-w2.jsonl").read_text().splitlines(keepends=True)
    (run_dir / "ledger-w2.jsonl").write_text("".join(lines[:2]))
    book = ledger.of(load(run_dir))
    total, sent = book.total, 50 + after
    assert (total.planned, total.sent, total.dropped, total.unknown) == (200, 100 + sent, 30, 20 - after)
    assert book.workers == {
        "w1": ArrivalCounts(planned=100, sent=100, ok=100),
        "w2": ArrivalCounts(planned=sent + 30, sent=sent, dropped=30, ok=sent),
    }
    assert book.workers["w2"].balances


def test_a_worker_that_planned_less_than_the_schedule_is_found(tmp_path: Path) -> None:
    run = made(tmp_path, replace(SMALL, change=lambda samples: samples[:-1]))
    assert reasons(run) == ("the workers planned 199 arrivals, the schedule 200",)


def test_an_arrival_sent_twice_is_found(tmp_path: Path) -> None:
    def repeat(samples: Samples) -> None:
        samples["index"][7] = samples["index"][8]

    run = made(tmp_path, replace(SMALL, change=changed(repeat)))
    assert reasons(run) == ("1 arrivals are recorded more than once",)


def test_samples_that_a_worker_says_it_sent_and_are_not_there_are_found(tmp_path: Path) -> None:
    run_dir = write(tmp_path / "run", SMALL)
    path = run_dir / "samples-local.bin"
    path.write_bytes(path.read_bytes()[: -SAMPLE.itemsize])
    found = reasons(load(run_dir))
    assert "worker local: its ledger says 200 sent, its samples 199" in found
    assert "1 of 200 planned arrivals unknown (0.50%, allowed 0.1 %)" in found


def test_the_targets_own_count_must_agree(tmp_path: Path) -> None:
    run_dir = write(tmp_path / "run", replace(SMALL, extra=5, chances={}))
    assert reasons(load(run_dir)) == ()
    log = (run_dir / "target.jsonl").read_text()
    for counted in (204, 206):
        (run_dir / "target.jsonl").write_text(log.replace('"200\\"}": 205.0', f'"200\\"}}": {counted}.0'))
        told = f"edge counted {counted} calls, the ledger says 205 (sent + extra)"
        assert reasons(load(run_dir)) == (told,)


def test_a_group_speaks_what_its_own_target_speaks(tmp_path: Path) -> None:
    run, group = made(tmp_path, SMALL), {"protocol": "none"}
    assert run.spoken(group) == "none"
    for bundled, says in ((True, "none"), (False, "2026-07-28")):
        manifest = structs.replace(run.manifest, bundled=bundled, protocol="2026-07-28")
        assert replace(run, manifest=manifest).spoken(group) == says


def test_calls_without_an_answer_may_or_may_not_be_counted(tmp_path: Path) -> None:
    run = made(
        tmp_path, replace(SMALL, change=changed(lambda samples: fail(samples, first(samples, 4), "connect")))
    )
    assert reasons(run) == ()


def test_no_load_at_all_is_invalid(tmp_path: Path) -> None:
    run = made(tmp_path, replace(SMALL, stopped_at=-0.5, stop_reason="SIGTERM"))
    assert reasons(run) == ("nothing was planned: the load never began",)

"""Which limit came first: a starved machine before all, then the model and protections, never a guess."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fakes.settings import NanoSettings
from shapes.search import MACHINE
from telemetry.recording.sample import REASON_CODE
from tests.support import p0_runs
from tests.support.p0_runs import Scrape, judged, mixed, refuse
from tests.support.synthetic_run import Samples, Spec, drop, fail
from verdicts.breakpoint import trial
from verdicts.breakpoint.early_stop import reason
from verdicts.explain import first_limit
from verdicts.explain.first_limit import IN_FLIGHT, NANO_CPU, NANO_MEMORY, TARGET, Limit
from verdicts.judge.judge import Judgement
from verdicts.output import document
from verdicts.run.reading import load

BOUNDS = {"P0.3": "kills == 0, success >= 99 %, p95 <= 1 s, added <= 1 s"}
KILLED: dict[str, Any] = {
    "t": 6.0, "kind": "state", "name": "nano", "detail": {"origin": "origin-a", "to": "killed"},
}  # fmt: skip


def asked(bounds: dict[str, str]) -> Spec:
    """A run of the bundled stack with the usual nano."""
    spec = p0_runs.asked(bounds)
    stack = {"settings": {"nano": NanoSettings().model_dump()}, "processes": {}}
    return replace(spec, manifest={**spec.manifest, "stack": stack})


def told(
    kills: float = 0, queue: float = 0.0, cores: dict[str, float] | None = None, goroutines: float = 100
) -> list[Scrape]:
    """What stack and origin say each second; `kills` from second 6 on, `cores` a second by process."""
    scrapes: list[Scrape] = []
    used = {"edge": 0.2, "origin-a": 0.2, "postgres": 0.1} | (cores or {})
    for t in np.arange(-1.0, 12.0):
        own = {
            "mcpist_goroutines": goroutines,
            "mcpist_memory_bytes": 5e7,
            "mcpist_nano_cpu_queue_seconds": queue,
        }
        if kills and t >= 6:
            own['mcpist_nano_kills_total{limit="memory"}'] = kills
        stack = {
            f'stack_process_cpu_seconds_total{{process="{name}"}}': 5 + share * t
            for name, share in used.items()
        }
        scrapes += [(float(t), "origin-a", own), (float(t), "stack", stack)]
    return scrapes


def limit(folder: Path, spec: Spec, scrapes: list[Scrape], *events: dict[str, Any]) -> Limit:
    found = first_limit.of(judged(folder, spec, scrapes, events))
    assert found is not None
    return found


def changed(change: Any, bounds: dict[str, str] | None = None) -> Spec:
    return replace(asked(bounds or BOUNDS), change=change)


def refused(samples: Samples) -> Samples:
    refuse(mixed(samples), 1, 3.0, 9.0, "global_concurrency_exceeded")
    return samples


def broken(samples: Samples) -> Samples:
    mixed(samples)
    fail(samples, samples["planned"] > 5, "db_error")
    return samples


def slow(samples: Samples) -> Samples:
    mixed(samples)
    samples["done"] += 1.5
    return samples


def test_where_every_bound_holds_there_is_none(tmp_path: Path) -> None:
    assert first_limit.of(judged(tmp_path, asked(BOUNDS), told())) is None


def test_a_kill_is_nano_memory(tmp_path: Path) -> None:
    found = limit(tmp_path, changed(broken), told(kills=1), KILLED)
    assert found == (NANO_MEMORY, "kills is 1 (allowed == 0)", "killed at 6.0 s, modelled")


def test_a_bound_on_the_models_memory_is_nano_memory(tmp_path: Path) -> None:
    found = limit(tmp_path, asked({"P0.2": "nano_memory <= 45 MB"}), told())
    assert found == (NANO_MEMORY, "nano_memory is 50 MB (allowed <= 45 MB)", "not killed, modelled")


def test_refusals_name_the_protection(tmp_path: Path) -> None:
    found = limit(tmp_path, changed(refused), told())
    assert found.name == "global-concurrency"
    assert found.bound.startswith("success is ")
    assert "judged calls refused" in found.why


@pytest.mark.parametrize(
    ("reason", "name"),
    [
        ("ip_limit_exceeded", "ip-limit"),
        ("burst_exceeded", "burst-limit"),
        ("rate_limit_exceeded", "rate-limit"),
        ("global_concurrency_exceeded", "global-concurrency"),
        ("user_concurrency_exceeded", "user-concurrency"),
        ("breaker_open", "breaker"),
        ("insufficient_credits", "credits"),
    ],
)
def test_names_of_protections(reason: str, name: str) -> None:
    assert reason in REASON_CODE
    assert first_limit.refused_by(reason) == name


def test_waiting_for_the_models_cpu_is_nano_cpu(tmp_path: Path) -> None:
    assert limit(tmp_path, changed(slow), told(queue=1.2)).name == NANO_CPU


def test_waiting_that_the_model_does_not_explain_is_this_machine(tmp_path: Path) -> None:
    found = limit(tmp_path, changed(slow), told(queue=0.1))
    assert found.name == MACHINE
    assert found.bound.startswith("p95 is 1.5")


def test_errors_that_nothing_explains_are_this_machine(tmp_path: Path) -> None:
    found = limit(tmp_path, changed(broken), told())
    assert (found.name, found.bound.partition(" is ")[0]) == (MACHINE, "success")
    assert "db_error 59" in found.why
    assert "used 0.5" in found.why


FULL = pytest.mark.parametrize(
    ("cores", "why"),
    [
        ({"edge": 0.95}, "the process edge used 0.95 of the one core"),
        ({"origin-a": 0.85, "upstream": 0.8}, "the machine was full: 1.9"),
    ],
)


@FULL
@pytest.mark.parametrize("change", [broken, slow])
def test_what_breaks_for_want_of_cpu_is_this_machine(
    tmp_path: Path, cores: dict[str, float], why: str, change: Any
) -> None:
    found = limit(tmp_path, changed(change), told(queue=2.0, cores=cores))
    assert found.name == MACHINE
    assert found.why.startswith(why)


@FULL
def test_a_stack_that_keeps_up_refuses_nobody_for_want_of_cpu(
    tmp_path: Path, cores: dict[str, float], why: str
) -> None:
    assert limit(tmp_path, changed(refused), told(cores=cores)).name == "global-concurrency"
    times = changed(refused, {"P0.3": "success >= 99 %, p95 <= 1 ms"})
    assert limit(tmp_path, times, told(cores=cores)).name == MACHINE, "a bound of time broke, too"


@FULL
def test_a_stack_that_keeps_up_is_not_killed_for_want_of_cpu(
    tmp_path: Path, cores: dict[str, float], why: str
) -> None:
    assert limit(tmp_path, changed(broken), told(kills=1, cores=cores), KILLED).name == NANO_MEMORY


def lagging(samples: Samples) -> Samples:
    broken(samples)
    samples["done"][samples["tool"] > 0] += 0.3
    return samples


def test_a_stack_that_lags_is_this_machine(tmp_path: Path) -> None:
    """0.3 s on top of 2 and 2.5: as much more was in flight than the rate makes."""
    found = limit(tmp_path, changed(lagging), told(kills=1), KILLED)
    assert found.name == MACHINE
    assert found.why == "the stack itself added 0.31 s to answers of 2.00 s (median)"
    assert limit(tmp_path, changed(lagging), told(kills=1, queue=0.3), KILLED).name == NANO_MEMORY


def test_postgres_may_use_more_than_a_core(tmp_path: Path) -> None:
    assert (
        limit(tmp_path, changed(broken), told(kills=1, cores={"postgres": 1.1}), KILLED).name == NANO_MEMORY
    )


def test_what_a_kill_costs_is_no_cause_of_it(tmp_path: Path) -> None:
    """Resetting thousands of calls takes a core for seconds, after the kill."""
    scrapes = told(kills=1)
    for t, source, values in scrapes:
        if source == "stack" and t > 6:
            values['stack_process_cpu_seconds_total{process="edge"}'] += (t - 6) * 0.9
    assert limit(tmp_path, changed(broken), scrapes, KILLED).name == NANO_MEMORY


def test_open_files_that_ran_out_are_this_machine(tmp_path: Path) -> None:
    spec = changed(broken)
    machine = {"cpu": "x", "cores": 2, "open_files_limit": 220}
    few = replace(spec, manifest={**spec.manifest, "machine": machine})
    found = limit(tmp_path, few, told(kills=1), KILLED)
    assert found.name == MACHINE
    assert "open files of a process, allowed 220" in found.why


def test_an_invalid_run_is_this_machine(tmp_path: Path) -> None:
    def dropped(samples: Samples) -> Samples:
        drop(broken(samples), samples["planned"] > 9)
        return samples

    found = limit(tmp_path, changed(dropped), told(kills=1), KILLED)
    assert (found.name, found.bound) == (MACHINE, "")
    assert "dropped" in found.why


def test_a_bound_on_calls_is_what_it_is(tmp_path: Path) -> None:
    assert limit(tmp_path, asked({"P0.1": "callers <= 5"}), told()).name == IN_FLIGHT


def test_of_a_target_the_rest_is_its_own(tmp_path: Path) -> None:
    found = limit(tmp_path, replace(changed(slow), bundled=False), [])
    assert (found.name, found.bound.partition(" is ")[0]) == (TARGET, "p95")


def run_of(folder: Path, spec: Spec, scrapes: list[Scrape]) -> Judgement:
    """A run as it lies there while it is under way."""
    found = judged(folder, spec, scrapes)
    (folder / "run" / "end.json").unlink()
    return found


def test_a_run_is_doomed_by_what_cannot_be_mended(tmp_path: Path) -> None:
    run_of(tmp_path, changed(broken), told())
    assert "calls of judged users failed, of 120 to come" in reason(load(tmp_path / "run"))
    run_of(tmp_path, asked(BOUNDS), told(kills=1))
    assert reason(load(tmp_path / "run")) == "an instance was killed"


def test_a_run_that_may_still_pass_goes_on(tmp_path: Path) -> None:
    def one(samples: Samples) -> Samples:
        mixed(samples)
        fail(samples, samples["index"] == 4, "db_error")
        return samples

    run_of(tmp_path, changed(one), told())
    assert not reason(load(tmp_path / "run"))
    run_of(tmp_path, changed(broken, {"P0.3": "p95 <= 1 s"}), told(kills=1))
    assert not reason(load(tmp_path / "run"))


def test_an_outcome_is_read_from_what_the_run_left(tmp_path: Path) -> None:
    found = judged(
        tmp_path, changed(broken, {**BOUNDS, "P0.1": "callers <= 500", "P0.2": ""}), told(kills=1), [KILLED]
    )
    left = {**document.build(found), "peak_in_flight": 33}
    (tmp_path / "run" / "verdicts.json").write_text(json.dumps(left))
    got = trial.read(tmp_path / "run", 12.0)
    assert (got.rate, got.verdict, got.limit, got.folder, got.passed) == (
        12.0,
        "fail",
        NANO_MEMORY,
        "run",
        False,
    )
    assert (got.in_flight, got.goroutines, got.memory_mib) == (33, 100, 47.7)
    assert got.success is not None
    assert got.success < 60
    assert trial.TrialOutcome(**json.loads(json.dumps(dataclasses.asdict(got)))) == got


@pytest.mark.parametrize("text", [None, "{"])
def test_a_run_without_verdict_is_no_outcome(tmp_path: Path, text: str | None) -> None:
    judged(tmp_path, asked(BOUNDS), told())
    if text is not None:
        (tmp_path / "run" / "verdicts.json").write_text(text)
    with pytest.raises(trial.NoVerdictError, match="run left no verdict"):
        trial.read(tmp_path / "run", 1.0)

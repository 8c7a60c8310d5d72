"""Whatever fails in a run, in which phase ever: all that was started ends, and begun load has its report."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from common.errors import ConfigError
from fakes.settings import StackSettings
from fakes.stack.handle import StackError
from run import attack as attack_module
from run import lead, prepare
from run.attack import Attack
from run.judge import Judged
from run.progress import Progress
from run.request import RunRequest
from users.cluster.conductor import CannotStartError
from users.cluster.wire import Wire

REPORT = "the report\n"
Step = Callable[..., Any]


class Rig:
    """A run whose parts only note what is asked of them; `breaks`: the one that fails, and how."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.breaks: dict[str, Exception] = {}
        self.stop_reason = ""
        self.signing = None
        self.base_url = "http://127.0.0.1:1"
        self.metrics = {"edge": "http://127.0.0.1:1/metrics"}
        self.pids: dict[str, int] = {}
        self.nodes: dict[str, Any] = {}
        self.start_at = 0.0

    def step(self, name: str, gives: Any = None) -> Step:
        def do(*_: Any, **__: Any) -> Any:
            self.done.append(name)
            if name in self.breaks:
                raise self.breaks[name]
            return gives

        return do

    def stop(self, reason: str) -> None:
        """As the conductor: the first reason is kept."""
        if not self.stop_reason:
            self.stop_reason = reason
            self.done.append("load is stopped")

    def wait(self, drained: float) -> None:
        self.step("load is over")()
        self.stop_reason = "completed"

    @property
    def conductor(self) -> Any:
        return SimpleNamespace(
            nodes=self.nodes,
            start_at=self.start_at,
            handlers=dict,
            prepare=self.step("workers prepare"),
            fix_start=self.step("start is fixed", 0.0),
            start=self.step("load starts"),
            stop=self.stop,
            cannot_write=pytest.fail,
            wait=self.wait,
            finish=self.step("conductor is finished"),
            write_end=self.step("end is written"),
            stop_reason=self.stop_reason,
        )

    @property
    def stack(self) -> Any:
        return SimpleNamespace(
            base_url=self.base_url,
            metrics=self.metrics,
            pids=self.pids,
            stop=self.step("stack is stopped"),
            state=self.step("stack tells", {}),
        )


@pytest.fixture
def rig(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Rig:
    made = Rig()
    monkeypatch.setattr(prepare, "start_stack", made.step("stack is started", made.stack))
    monkeypatch.setattr(prepare, "_job", lambda *_: {})
    monkeypatch.setattr(prepare, "Conductor", lambda *_, **__: made.conductor)
    monkeypatch.setattr(prepare, "_write_manifest", made.step("run.json"))
    probes = SimpleNamespace(finish=made.step("probes are finished"), ended=False)
    monkeypatch.setattr(lead, "ProbeProcess", made.step("probes are started", probes))
    faults = SimpleNamespace(courses=lambda: [], finish=made.step("faults are lifted"))
    monkeypatch.setattr(lead, "Timeline", lambda *_, **__: faults)
    monkeypatch.setattr("run.gather.database_audit.write", made.step("database is asked"))
    monkeypatch.setattr(attack_module, "judge", made.step("judged", Judged(0, REPORT)))
    monkeypatch.setattr(attack_module, "RESULTS", tmp_path / "results")
    monkeypatch.delenv("INFLUXDB_V2_URL", raising=False)
    return made


@pytest.fixture
def run(rig: Rig, tmp_path: Path) -> Callable[..., Attack]:
    def go(stop: str = "", **breaks: Exception) -> Attack:
        rig.breaks = {name.replace("_", " "): error for name, error in breaks.items()}
        wire = cast(Wire, SimpleNamespace(nodes=list, silent=set, send=None, alive=set, hear={}))
        made = Attack(wire, RunRequest("burst", out=str(tmp_path / "run")).read())
        if stop:
            made.stop(stop)
        made.run()
        assert made.done.is_set()
        assert not list((tmp_path / "results" / ".running").iterdir())
        return made

    return go


IN_ORDER = [
    "stack is started", "workers prepare", "start is fixed", "run.json", "probes are started", "load starts",
    "load is over", "faults are lifted", "conductor is finished", "stack tells", "probes are finished",
    "database is asked", "end is written", "judged", "stack is stopped",
]  # fmt: skip


def test_a_run_goes_through_its_phases_and_ends_everything_once(rig: Rig, run: Callable[..., Attack]) -> None:
    made = run()
    assert rig.done == IN_ORDER
    assert (made.exit_code, made.summary, made.failure) == (0, REPORT, "")


PREPARING = ["workers prepare", "start is fixed", "run.json", "probes are started"]


@pytest.mark.parametrize("breaks", PREPARING)
def test_what_fails_before_the_load_could_not_start_and_has_no_report(
    breaks: str, rig: Rig, run: Callable[..., Attack]
) -> None:
    made = run(**{breaks: CannotStartError("not today")})
    assert rig.done == [*IN_ORDER[: IN_ORDER.index(breaks) + 1], "conductor is finished", "stack is stopped"]
    assert (made.exit_code, made.summary, made.failure) == (3, "", "not today")


def test_a_stack_that_does_not_start_leaves_nothing_to_end(rig: Rig, run: Callable[..., Attack]) -> None:
    assert run(stack_is_started=StackError("no port")).failure == "no port"
    assert rig.done == ["stack is started"]


def test_a_worker_that_refused_has_nothing_to_finish(rig: Rig, run: Callable[..., Attack]) -> None:
    ready = SimpleNamespace(is_set=lambda: True)
    rig.nodes = {"w1": SimpleNamespace(prepared=ready, error="another version")}
    assert run(workers_prepare=CannotStartError("another version")).exit_code == 3
    assert "conductor is finished" not in rig.done
    assert rig.done[-1] == "stack is stopped"


DURING = ["load starts", "load is over"]
GATHERING = [
    *("faults are lifted", "conductor is finished", "stack tells", "probes are finished"),
    *("database is asked", "end is written"),
]


@pytest.mark.parametrize("breaks", [*DURING, *GATHERING])
def test_whatever_fails_after_load_began_everything_ends_and_there_is_a_report(
    breaks: str, rig: Rig, run: Callable[..., Attack]
) -> None:
    made = run(**{breaks: RuntimeError("broken")})
    for ending in ("faults are lifted", "conductor is finished", "probes are finished", "stack is stopped"):
        assert rig.done.count(ending) == 1, ending
    before_probes = rig.done.index("conductor is finished") < rig.done.index("probes are finished")
    assert before_probes
    assert rig.done[-2:] == ["judged", "stack is stopped"]
    assert (made.exit_code, made.summary) == (3, REPORT)
    assert made.failure == "the run broke: RuntimeError: broken"
    assert ("load is stopped" in rig.done) == (breaks in DURING)


def test_probes_that_did_not_look_to_the_end_leave_no_whole_run(rig: Rig, run: Callable[..., Attack]) -> None:
    made = run(probes_are_finished=OSError("exit code -9"))
    assert (made.exit_code, made.summary, made.failure) == (3, REPORT, "exit code -9")
    assert "end is written" not in rig.done


def test_what_broke_the_run_is_said_and_not_what_the_probes_made_of_it(
    rig: Rig, run: Callable[..., Attack], monkeypatch: pytest.MonkeyPatch
) -> None:
    def finish() -> None:
        raise OSError("exit code 3")

    monkeypatch.setattr(lead, "ProbeProcess", lambda *_, **__: SimpleNamespace(finish=finish, ended=True))
    assert run(load_starts=OSError(errno.EIO, "the disk")).failure == "[Errno 5] the disk"


def test_load_ends_with_the_probes() -> None:
    stopped: list[str] = []
    state = SimpleNamespace(leader=lambda: SimpleNamespace(stop=stopped.append))
    lead._miss_probes(cast(Any, state), cast(Any, SimpleNamespace(ended=True)))
    assert stopped == ["the probes ended: see run.log"]


def test_a_stack_that_lifts_no_fault_costs_no_report(rig: Rig, run: Callable[..., Attack]) -> None:
    made = run(faults_are_lifted=StackError("no answer"))
    assert (made.exit_code, made.summary, made.failure) == (3, REPORT, "no answer")


def test_a_judge_that_cannot_start_is_a_failure_of_ours(rig: Rig, run: Callable[..., Attack]) -> None:
    made = run(judged=OSError("no process"))
    assert rig.done.count("judged") == 2
    assert rig.done[-1] == "stack is stopped"
    assert (made.exit_code, made.summary, made.failure) == (3, "", "no process")


def test_a_stack_that_does_not_end_is_said_and_ends_the_run_all_the_same(
    rig: Rig, run: Callable[..., Attack]
) -> None:
    made = run(stack_is_stopped=StackError("it hangs"))
    assert (made.exit_code, made.failure) == (3, "it hangs")


def test_bad_input_that_shows_late_is_exit_code_2(rig: Rig, run: Callable[..., Attack]) -> None:
    made = run(workers_prepare=ConfigError("command line", "rate", "no"))
    assert (made.exit_code, made.failure) == (2, "command line: rate: no")


def test_a_wish_to_end_before_load_starts_is_heard(rig: Rig, run: Callable[..., Attack]) -> None:
    made = run(stop="stopped by Ctrl-C")
    assert made.failure == "STOPPED before load began, by Ctrl-C"
    assert rig.done == ["stack is started", "stack is stopped"]
    assert made.exit_code == 3


@pytest.mark.parametrize(("stack", "calls"), [("real", 17_500), ("fakes,edge=real", 17_500), ("fakes", 0)])
def test_a_real_edge_is_told_how_many_calls_it_has_to_hold_and_says_how(
    rig: Rig,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    stack: str,
    calls: int,
) -> None:
    room = {"processes": 4, "open_files": 20_000, "calls": 18_000}
    state = {"processes": {"edge": {"own": {"room": room}}}}
    asked: list[StackSettings] = []

    def start(settings: StackSettings, *_: Any, **__: Any) -> Any:
        asked.append(settings)
        return SimpleNamespace(**{**vars(rig.stack), "state": lambda: state})

    said: list[str] = []
    monkeypatch.setattr(prepare, "start_stack", start)
    monkeypatch.setattr(Progress, "say", lambda _, line: said.append(line))
    wire = cast(Wire, SimpleNamespace(nodes=list, silent=set, send=None, alive=set, hear={}))
    Attack(wire, RunRequest("burst", stack=stack, out=str(tmp_path / "run")).read()).run()
    assert [settings.edge.calls_at_once for settings in asked] == [calls]
    line = "up to 17,500 calls in flight: the edge has 4 processes of 20,000 open files"
    assert any(one.startswith(line) for one in said) == bool(calls)


def test_a_verdict_that_cannot_be_sent_stays_what_it_is(
    rig: Rig, run: Callable[..., Attack], monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: object) -> None:
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    monkeypatch.setattr("run.attack.exporter_process.send_verdict", none)
    made = run()
    assert (made.exit_code, made.summary, made.failure) == (0, REPORT, "")

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from junitparser import JUnitXml

from cli import suite as command
from common.errors import ConfigError
from fakes.settings import StackSettings
from fakes.stack.handle import StackHandle
from run.stack.events import write as write_events
from run.stack.shared_stack import SharedStack, unwell
from scenarios import suites as plans
from scenarios.load import load
from scenarios.schema import Scenario
from tests.support.synthetic_run import Spec, write
from verdicts.output.files import derive
from verdicts.suite import suite

WELL: dict[str, Any] = {
    "processes": {
        "stack": {"up": True},
        "edge": {
            "up": True,
            "own": {"lb": {"state": "primary", "origins": {"origin-a": "up", "origin-b": "up"}}},
        },
    }
}


def test_plans_are_in_order_and_hold_no_variant() -> None:
    assert plans.members("phase1") == ["single-burst", "rate-limit", "health"]
    everything = plans.members("all")
    assert everything[:3] == plans.members("phase1")
    assert not [name for name in everything if load(name).variant_of]
    assert plans.members("phase2") == ["slow-api", "kv-exhaustion", "burst", "db-pool"]
    assert set(plans.members("phase2")) <= set(everything)


def test_an_unknown_plan_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConfigError, match="allowed: phase1, phase2, all"):
        plans.members("phase3")
    assert command.main(["phase3"]) == 2
    assert capsys.readouterr().err == "command line: plan: 'phase3', allowed: phase1, phase2, all\n"


@pytest.mark.parametrize(
    "words",
    [
        ["phase1", "--protect", "today,-brust"],
        ["phase1", "--duration-scale", "no"],
        ["phase1", "--workers", "x"],
    ],
)
def test_everything_is_checked_before_the_first_run(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main([*words, "--out", str(tmp_path / "suite")]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert not (tmp_path / "suite").exists()


def test_a_place_that_is_taken_is_refused(tmp_path: Path) -> None:
    (tmp_path / "something").touch()
    assert command.main(["phase1", "--out", str(tmp_path)]) == 2


def entry(folder: Path, name: str, exit_code: int, **spec: Any) -> suite.SuiteRun:
    run = write(folder / name, Spec(duration=3.0, accounts=4, **spec))
    assert derive(run, quiet=True).exit_code == exit_code
    return suite.SuiteRun.of(spec.get("scenario", "burst"), run, exit_code)


def test_the_worst_run_is_the_suites_exit_code(tmp_path: Path) -> None:
    good, bad = entry(tmp_path, "good", 0), entry(tmp_path, "bad", 1, chances={"db_error": 0.5})
    lost = suite.SuiteRun.of("lost", tmp_path / "lost", 2)
    invalid = suite.SuiteRun.of("invalid", tmp_path / "invalid", 3)
    assert [
        suite.worst(found) for found in ([], [good], [good, bad], [bad, lost], [lost, invalid, good])
    ] == [*(3, 0, 1, 2, 3)]


def test_one_report_of_all_runs(tmp_path: Path) -> None:
    broken = entry(tmp_path, "02", 1, chances={"db_error": 0.5}, scenario="burst-starter")
    entries = [entry(tmp_path, "01", 0), broken]
    entries.append(suite.SuiteRun.of("broken", tmp_path / "03", 3))
    code = suite.write(tmp_path, "phase1", entries, ["burst", "burst-starter", "broken"])
    found = json.loads((tmp_path / "suite.json").read_text())
    assert (code, found["exit_code"], found["verdict"], found["not_run"]) == (3, 3, "invalid", [])
    assert [run["exit_code"] for run in found["runs"]] == [0, 1, 3]
    html = (tmp_path / "suite.html").read_text()
    assert 'href="01/report.html"' in html
    assert 'href="03/report.html"' not in html
    assert "left no verdict" in html
    suites = list(JUnitXml.fromfile(str(tmp_path / "junit.xml")))
    assert [one.name for one in suites] == [
        "resilience.burst",
        "resilience.burst-starter",
        "resilience.broken",
    ]
    assert [one.failures + one.errors > 0 for one in suites] == [False, True, True]
    lines = list(suite.summary(tmp_path, entries, code))
    assert lines[0] == "INVALID: 3 runs, exit code 3"
    assert any("fail P1.8" in line for line in lines)


def test_what_did_not_run_is_named_and_never_green(tmp_path: Path) -> None:
    code = suite.write(tmp_path, "phase1", [entry(tmp_path, "01", 0)], ["burst", "health"])
    assert code == 3
    assert json.loads((tmp_path / "suite.json").read_text())["not_run"] == ["health"]
    assert "did not run" in (tmp_path / "junit.xml").read_text()


class FakeStack:
    def __init__(self, state: dict[str, Any]) -> None:
        self.told, self.stopped = state, False
        self.base_url = self.control_url = "http://127.0.0.1:1"
        self.metrics: dict[str, str] = {}
        self.control_token, self.pids = "secret", {"stack": 1}
        self.signing = SimpleNamespace(key="k", kid="1", issuer="i", algorithm="EdDSA")

    def state(self) -> dict[str, Any]:
        return self.told

    def stop(self) -> None:
        self.stopped = True


class Shared:
    """A shared stack whose starts are counted."""

    def __init__(self, folder: Path) -> None:
        self.started: list[FakeStack] = []
        self.state = WELL
        self.shared = SharedStack(folder, self._start)

    def _start(
        self, settings: StackSettings, names: Iterable[str], log: Path, owned: str | None
    ) -> StackHandle:
        self.started.append(FakeStack({**self.state, "settings": settings.model_dump(mode="json")}))
        return cast(StackHandle, self.started[-1])


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shared:
    monkeypatch.delenv("STACK_STATE", raising=False)
    return Shared(tmp_path)


def scenario(**stack: Any) -> Scenario:
    return load("burst").model_copy(update={"stack": stack})


def test_one_start_serves_all_runs_and_its_state_is_private(shared: Shared, tmp_path: Path) -> None:
    assert "first run" in shared.shared.ready_for(scenario())
    assert shared.shared.ready_for(scenario(edge={"isolates": 2})) == ""
    file = Path(os.environ["STACK_STATE"])
    assert (file.parent, file.stat().st_mode & 0o777) == (tmp_path, 0o600)
    assert json.loads(file.read_text())["control_token"] == "secret"
    shared.shared.stop()
    assert [one.stopped for one in shared.started] == [True]
    assert "STACK_STATE" not in os.environ
    assert not file.exists()


def test_what_only_a_start_can_set_is_a_new_start_and_said(shared: Shared) -> None:
    shared.shared.ready_for(scenario())
    said = shared.shared.ready_for(scenario(database={"max_connections": 90}))
    assert said == "database.max_connections can only be set at a start: the stack is started"
    assert [one.stopped for one in shared.started] == [True, False]
    shared.shared.stop()


def test_what_a_run_before_put_in_and_this_one_leaves_out_is_a_new_start(shared: Shared) -> None:
    shared.shared.ready_for(scenario())
    shared.started[0].told["settings"]["bugs"] = {"leak-memory": 0.001}  # by the run before
    assert shared.shared.ready_for(scenario(bugs={"leak-memory": 0.5})) == ""
    said = shared.shared.ready_for(scenario())
    assert said == "bugs.leak-memory is in force and can only be left out at a start: the stack is started"
    shared.shared.stop()


def test_a_stack_that_was_left_unwell_is_started_anew(shared: Shared) -> None:
    shared.shared.ready_for(scenario())
    shared.started[0].told["processes"] = {"postgres": {"up": False}}
    assert shared.shared.ready_for(scenario()) == "postgres is down: the stack is started"
    shared.shared.stop()


def test_somebody_elses_stack_is_used_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACK_STATE", "/elsewhere/state.json")
    mine = Shared(tmp_path)
    assert "/elsewhere/state.json" in mine.shared.ready_for(scenario())
    mine.shared.stop()
    assert not mine.started
    assert os.environ["STACK_STATE"] == "/elsewhere/state.json"


def test_unwell_is_down_frozen_behind_or_not_primary() -> None:
    assert unwell(WELL) == ""
    behind = {"processes": {"origin-a": {"up": True, "own": {"cpu_queue_s": 162.4}}}}
    assert unwell(behind) == "origin-a still has work for 162 s in its queue for CPU"
    assert unwell({"processes": {"origin-a": {"up": True, "own": {"cpu_queue_s": 0.1}}}}) == ""
    silent = {"processes": {"origin-a": {"up": True, "error": "no answer: HopTimeout"}}}
    assert unwell(silent) == "origin-a did not tell its state: no answer: HopTimeout"
    assert unwell({"processes": {"edge": {"up": True, "frozen": True}}}) == "edge is down"
    split = {"state": "split", "origins": {"origin-a": "dead", "origin-b": "up"}}
    assert "split" in unwell({"processes": {"edge": {"up": True, "own": {"lb": split}}}})


class Log:
    def __init__(self) -> None:
        self.lines: list[tuple[float, str, str, dict[str, Any]]] = []

    def add(self, t: float, kind: str, name: str, **detail: Any) -> None:
        self.lines.append((t, kind, name, detail))


def test_the_stacks_events_of_this_run_are_written_in_order() -> None:
    state = {
        "events": [
            {"monotonic": 90.0, "kind": "state", "name": "edge", "detail": {"up": True}},
            {"monotonic": 104.0, "kind": "state", "name": "postgres", "detail": {"up": False}},
            {"monotonic": 103.9, "kind": "fault", "name": "process-down", "detail": {"on": True}},
            {"monotonic": 103.8, "kind": "control", "name": "kill", "detail": {"process": "postgres"}},
        ],
        "processes": {
            "stack": {"up": True},
            "edge": {
                "own": {"events": [{"t": 103.9, "kind": "state", "name": "lb", "detail": {"to": "split"}}]}
            },
        },
    }
    log = Log()
    write_events(state, log, 100.0)
    assert [(round(t, 1), kind, name) for t, kind, name, _ in log.lines] == [
        *((3.8, "control", "kill"), (3.9, "state", "lb"), (4.0, "state", "postgres")),
    ]
    assert log.lines[1][3] == {"to": "split"}

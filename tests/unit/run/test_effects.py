"""What is asked of the stack and of a target once load is over, and what is written of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import gevent
import pytest

from fakes.stack.handle import StackError, StackHandle
from run import effects
from run.checks.talk import RequestResult
from run.state import RunState
from scenarios.load import load
from targets.schema import Target
from users.cluster.wire import Wire

KEY = "rzintent-aa-1-%d-z"


class Stack:
    """Its upstream has a call more at each look, until it is quiet."""

    def __init__(self, *, since: float = 0.0, up: bool = True) -> None:
        self.since, self.up, self.looks = since, up, 0

    def done(self) -> dict[str, Any]:
        self.looks += 1
        keys = [KEY % arrival for arrival in range(min(self.looks, 3))] + [KEY % 0]
        return {"since": self.since, "in_flight": max(4 - self.looks, 0), "done": keys}

    def effects(self) -> dict[str, Any]:
        if not self.up:
            raise StackError("database: no answer in time")
        return {"paid": [KEY % 0, KEY % 1], "recorded": ["rzintent-of-another-run-1-0-z"]}


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gevent, "sleep", lambda seconds: None)


def written(folder: Path, target: dict[str, Any] | None = None, **given: Any) -> dict[str, Any] | None:
    about = {"name": "t", "base_url": "http://127.0.0.1:9", **(target or {})}
    scenario = load(given.pop("scenario", "twice-dropped"))
    state = RunState(scenario, Target.model_validate(about), folder, cast(Wire, None))
    state.intents, state.start_at = "aa", 10.0
    state.base_url, state.addresses = "http://127.0.0.1:9", ("127.0.0.1",)
    state.stack, state.token = given.get("stack"), lambda account: b""
    effects.write(state)
    file = folder / "effects.json"
    return json.loads(file.read_text()) if file.exists() else None


def of_stack(folder: Path, stack: Stack) -> dict[str, Any]:
    found = written(folder, stack=cast(StackHandle, stack))
    assert found is not None
    return found


def test_nobody_is_asked_where_no_point_asks(tmp_path: Path) -> None:
    stack = Stack()
    assert written(tmp_path, scenario="burst", stack=stack) is None
    assert stack.looks == 0


def test_the_stack_is_asked_until_nothing_goes_on(tmp_path: Path) -> None:
    stack = Stack()
    told = of_stack(tmp_path, stack)
    assert told["done"] == {"0": 2, "1": 1, "2": 1}
    assert (told["paid"], told["recorded"]) == ({"0": 1, "1": 1}, {})
    assert stack.looks == 5


def test_an_upstream_that_forgot_says_nothing(tmp_path: Path) -> None:
    assert of_stack(tmp_path, Stack(since=11.0)) == {"source": "upstream", "why": effects.ANEW}


def test_books_that_cannot_be_read_are_said(tmp_path: Path) -> None:
    assert of_stack(tmp_path, Stack(up=False))["why"] == "database: no answer in time"


class Asked:
    """A `Talk` that answers `page`."""

    page, status, reason, asked = "", 200, "", ""

    def __enter__(self) -> Asked:
        return self

    def __exit__(self, *_: object) -> None: ...

    def __init__(self, *_: object) -> None: ...

    def get(self, what: str, path: str) -> RequestResult:
        Asked.asked = path
        return RequestResult(what, self.status, self.reason, 0.1, page=self.page)

    def speak(self, dialect: Any) -> None:
        self.dialect = dialect

    def call(self, what: str, operation: Any) -> RequestResult:
        Asked.asked = operation.message.after.decode()
        return RequestResult(what, self.status, "", 0.1, page=self.page)


@pytest.fixture
def talk(monkeypatch: pytest.MonkeyPatch) -> type[Asked]:
    monkeypatch.setattr(effects, "Talk", Asked)
    Asked.status, Asked.reason = 200, ""
    return Asked


def test_a_page_of_the_target_is_read_as_it_is(tmp_path: Path, talk: type[Asked]) -> None:
    talk.page = f"<li>{KEY % 4}<li>{KEY % 4}<li>{KEY % 5}"
    page = {"effects": {"http": {"url": "http://127.0.0.1:9/done?all=1"}}}
    assert written(tmp_path, page) == {
        "source": "http",
        "done": {"4": 2, "5": 1},
        "paid": None,
        "recorded": None,
    }
    assert talk.asked == "/done?all=1"


def test_a_tool_of_the_target_is_asked(tmp_path: Path, talk: type[Asked]) -> None:
    inner = json.dumps({"transfers": [KEY % 7]})
    talk.page = json.dumps({"result": {"content": [{"type": "text", "text": inner}]}})
    told = written(tmp_path, {"effects": {"tool": {"name": "list_transfers"}}})
    assert told is not None
    assert (told["source"], told["done"]) == ("tool", {"7": 1})
    assert "list_transfers" in talk.asked


@pytest.mark.parametrize(("status", "reason"), [(404, "http_error"), (200, "bad_response")])  # too large
def test_a_page_that_is_not_there_or_not_whole_is_said(
    tmp_path: Path, talk: type[Asked], status: int, reason: str
) -> None:
    talk.status, talk.reason = status, reason
    told = written(tmp_path, {"effects": {"http": {"url": "http://127.0.0.1:9/done"}}})
    assert told is not None
    assert "the list of effects" in told["why"]
    nothing = written(tmp_path)
    assert nothing is not None
    assert "says nothing" in nothing["why"]

"""A run that is asked for: a command line and back, Locust's arguments, and what is checked how often."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli import attack
from common.errors import ConfigError
from run.options import add_arguments
from run.request import RunRequest
from run.target_tools import with_tools
from scenarios import load as scenarios
from scenarios.options import of
from scenarios.schema import Scenario
from targets.schema import Target

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12)
GIVEN = {
    "scenario": "burst", "protect": "today,-breaker", "accounts": "3", "rate": "0.5", "target": "t.yaml",
    "duration": "20s", "tier": "free", "seed": "7", "duration_scale": "2", "stack": "real",
    "nano": "unlimited", "workers": "2",
    "baseline": "results/x", "bind": "127.0.0.1", "port": "6000", "out": "results/new",
}  # fmt: skip


def test_its_fields_are_the_options_of_an_attack() -> None:
    fields = {one.name for one in dataclasses.fields(RunRequest)} - {"given_by"}
    assert fields == {option.name for option in of("attack")} - {"list", "json"}


def test_a_command_line_says_it_whole() -> None:
    request = RunRequest.of(SimpleNamespace(**GIVEN), master=True)
    assert request.master
    assert attack.read(request.words()) == request


@given(st.dictionaries(st.sampled_from(sorted(set(GIVEN) - {"scenario"})), TEXT))
def test_whatever_is_given_comes_back(given: dict[str, str]) -> None:
    usual = {"workers": "0", "bind": "127.0.0.1", "port": "5557"}
    request = RunRequest("burst", **{**usual, **given})  # type: ignore[arg-type]
    assert attack.read(request.words()) == request


def test_locust_reads_the_same_run(monkeypatch: pytest.MonkeyPatch) -> None:
    from locust.argument_parser import get_empty_argument_parser, setup_parser_arguments

    monkeypatch.setattr("sys.argv", ["locust"])
    parser: Any = get_empty_argument_parser()
    setup_parser_arguments(parser)  # type: ignore[no-untyped-call]
    add_arguments(parser)
    request = RunRequest.of(SimpleNamespace(**GIVEN))
    read = RunRequest.of(parser.parse_args(request.locust_words()))
    # Locust is told of workers and of a master in its own words.
    assert read == dataclasses.replace(request, workers=None, bind=None, port=None)


def test_what_options_do_not_know_is_not_given() -> None:
    request = RunRequest.of(SimpleNamespace(scenario="burst", seed="3", colour="red"), given_by="form")
    assert request == RunRequest("burst", seed="3", given_by="form")


def test_a_complaint_names_who_gave_the_value() -> None:
    with pytest.raises(ConfigError, match=r"^form: rate: 'fast'"):
        RunRequest("burst", rate="fast", given_by="form").read()


def test_check_looks_at_folder_and_workers_and_read_does_not(tmp_path: Path) -> None:
    request = RunRequest("burst", out=str(tmp_path), workers="many")
    assert request.read().accounts == 100
    (tmp_path / "something").touch()
    with pytest.raises(ConfigError, match=r"--out: .* is there already"):
        request.check()
    with pytest.raises(ConfigError, match="--workers: 'many', allowed: 0 to 64"):
        dataclasses.replace(request, out=None).check()


def test_the_same_run_goes_into_another_folder(tmp_path: Path) -> None:
    run = RunRequest("burst", seed="3").read()
    other = run.into(tmp_path / "new")
    assert other.request == RunRequest("burst", seed="3", out=str(tmp_path / "new"))
    assert other.scenario is run.scenario


LOCAL = {"name": "t", "base_url": "http://127.0.0.1:1"}
BOTH = {"fast": {"name": "echo", "arguments": {"text": "hi"}}, "slow": {"name": "wait"}}


def labels(scenario: str, **keys: Any) -> dict[str, list[tuple[str, str, float]]]:
    """What each group calls on such a target: (label, role, weight)."""
    found = with_tools(scenarios.load(scenario), Target.model_validate({**LOCAL, **keys}))
    return {one.name: [(tool.label, tool.role, tool.weight) for tool in one.tools] for one in found.groups}


def test_each_group_calls_the_targets_tool_of_its_own_role() -> None:
    innocent = [("echo", "fast", 1.0)]
    assert labels("slow-api", tools=BOTH) == {
        "spammers": [("wait", "slow", 3.0)], "innocent-fast": innocent, "innocent-jira": innocent
    }  # fmt: skip
    assert labels("upstream-outage", tools=BOTH) == {"users": [("wait", "slow", 2.0), ("echo", "fast", 3.0)]}


def test_attackers_of_a_slow_tool_call_the_targets_slow_one() -> None:
    for name in scenarios.names():
        scenario = scenarios.load(name)
        upstreams = scenario.stack_settings().upstreams
        slow = {f"{at}.{tool}" for at, tools in upstreams.items() for tool in tools if tools[tool].mean >= 1}
        for group in (group for group in scenario.groups if group.attack):
            wrong = [tool.label for tool in group.tools if (tool.role == "slow") != (tool.label in slow)]
            assert not wrong, name


def test_one_tool_for_all_or_none() -> None:
    assert {str(one) for one in labels("slow-api", tool={"name": "x"}).values()} == {
        "[('x', 'slow', 1.0)]", "[('x', 'fast', 1.0)]"
    }  # fmt: skip
    assert labels("burst", tool=None) == {"users": []}
    assert labels("burst") == {"users": [("fast.echo", "fast", 1.0)]}


def test_a_role_without_a_tool_is_one_line() -> None:
    with pytest.raises(ConfigError, match=r"target t: tools\.slow: slow-api calls a slow one, allowed: "):
        labels("slow-api", tools={"fast": {"name": "echo"}})
    assert labels("burst", tools={"fast": {"name": "echo"}}) == {"users": [("echo", "fast", 1.0)]}


def test_what_a_targets_tool_is_to_answer_goes_along() -> None:
    expect = {"json": {"content.0.text": "{nonce}"}}
    tool = {"name": "echo", "arguments": {"text": "{nonce}"}, "expect": expect}
    found = with_tools(scenarios.load("burst"), Target.model_validate({**LOCAL, "tool": tool}))
    ((called,),) = (group.tools for group in found.groups)
    assert called.checked
    assert Scenario.restore(found.dump()).dump()["groups"][0]["tools"][0]["expect"] == expect

"""What POST /swarm takes and refuses, before Locust sees it."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from run.options import choices
from run.request import RunRequest
from scenarios.options import FORM
from targets.schema import Target
from webui.form import STOCK, SwarmForm


def options(**given_at_start: str) -> Namespace:
    empty = dict.fromkeys(FORM, "")
    return Namespace(**{**empty, "scenario": "burst", "target": "bundled", "out": "", **given_at_start})


def form(**given_at_start: str) -> SwarmForm:
    return SwarmForm(options(**given_at_start), choices(), RunRequest.read)


def refusal(pairs: list[tuple[str, str]], **given_at_start: str) -> str:
    with pytest.raises(ValueError, match=r".") as refused:
        form(**given_at_start).check(pairs)
    line = str(refused.value)
    assert "\n" not in line
    return line


def target_file(folder: Path, **content: Any) -> str:
    file = folder / "mine.yaml"
    file.write_text(yaml.safe_dump({"name": "mine", **content}))
    return str(file)


def test_a_filled_form_is_what_runs() -> None:
    fields = {"scenario": "single-burst", "protect": "today,-breaker", "duration": "6s", "seed": "7"}
    scenario, target, _ = form().check({**fields, "protect": "none", "user_count": "0", "host": ""}.items())
    assert (scenario.name, scenario.duration, scenario.seed) == ("single-burst", 6.0, 7)
    assert scenario.choice.names == ()
    assert target.bundled


def test_an_empty_form_is_what_the_process_was_started_with() -> None:
    scenario, _, _ = form(scenario="burst", accounts="3", rate="2").check([])
    assert (scenario.groups[0].accounts.count, scenario.groups[0].rate) == (3, 2.0)


def test_nothing_of_the_process_changes_when_a_form_is_checked() -> None:
    started = options()
    before = dict(vars(started))
    SwarmForm(started, choices(), RunRequest.read).check([("accounts", "3")])
    assert vars(started) == before


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("accounts", "many", "form: accounts: 'many'"),
        ("accounts", "-1", "accounts"),
        ("accounts", "1.5", "accounts"),
        ("rate", "abc", "form: rate: 'abc'"),
        ("rate", "nan", "rate"),
        ("rate", "-3", "rate"),
        ("duration", "soon", "form: duration"),
        ("duration", "0", "duration"),
        ("seed", "x", "form: seed: 'x'"),
        ("tier", "gold", "tier: 'gold', allowed: free, starter"),
        ("protect", "moat", "moat"),
        ("scenario", "nope", "scenario: 'nope', allowed: "),
        ("scenario", "/etc/passwd", "scenario: '/etc/passwd', allowed: "),
        ("target", "../../etc/passwd.yaml", "allowed: bundled, "),
        ("target", "", "target: '', allowed: bundled, "),
        ("host", "http://127.0.0.1:9", "host: 'http://127.0.0.1:9', allowed: empty, or bundled"),
        ("host", "https://example.com", "the target's file says where load goes"),
        ("user_count", "ten", "user_count: 'ten', allowed: a whole number"),
        ("user_count", "1.5", "user_count: '1.5', allowed: a whole number"),
        ("user_count", "1e3", "user_count: '1e3', allowed: a whole number"),
        ("user_count", "", "user_count: '', allowed: a whole number"),
        ("user_count", "9" * 400, "allowed: a whole number"),
        ("spawn_rate", "inf", "spawn_rate: 'inf', allowed: a number"),
        ("spawn_rate", "", "spawn_rate: '', allowed: a number"),
        ("run_time", "20s", "run_time: '20s', allowed: empty; duration"),
        ("out", "/tmp/elsewhere", "form: 'out', allowed: the fields scenario"),
        ("headless", "true", "form: 'headless', allowed: "),
        ("web_login", "", "form: 'web_login', allowed: "),
        ("given_by", "me", "form: 'given_by', allowed: "),
    ],
)
def test_refused_in_one_clear_line(field: str, value: str, says: str) -> None:
    assert says in refusal([(field, value)])


def test_a_field_twice_is_refused() -> None:
    assert "rate: '2 values', allowed: one value" in refusal([("rate", "1"), ("rate", "5")])


def test_an_unowned_target_is_refused(tmp_path: Path) -> None:
    file = target_file(tmp_path, base_url="http://192.0.2.1:8080")
    assert "not on loopback" in refusal([("target", file)], target=file)


def test_more_than_the_owner_allows_is_refused(tmp_path: Path) -> None:
    file = target_file(tmp_path, base_url="http://127.0.0.1:1", max_rps=10, max_duration="60s")
    assert "max_rps 10" in refusal([("accounts", "100"), ("rate", "5")], target=file)


def test_the_targets_own_host_is_taken(tmp_path: Path) -> None:
    file = target_file(tmp_path, base_url="http://127.0.0.1:9000")
    _, target, _ = form(target=file).check([("host", "http://127.0.0.1:9000/")])
    assert target.name == "mine"
    assert "http://127.0.0.1:9001" in refusal([("host", "http://127.0.0.1:9001")], target=file)


@given(st.text(max_size=20), st.text(max_size=40))
def test_no_field_at_all_breaks_it(field: str, value: str) -> None:
    if field in FORM or field in STOCK:
        return
    assert "allowed: the fields" in refusal([(field, value)])


@given(st.sampled_from([*FORM, *STOCK]), st.text(max_size=60))
def test_any_value_is_taken_or_refused_in_one_line(field: str, value: str) -> None:
    line = ""
    try:
        form().check([(field, value)])
    except ValueError as refused:
        line = str(refused)
    assert "\n" not in line


def user_refusal(settings: object, target: Target) -> str:
    with pytest.raises(ValueError, match=r".") as refused:
        form().check_user(settings, target)
    line = str(refused.value)
    assert "\n" not in line
    return line


def test_of_the_user_class_nothing_can_be_changed() -> None:
    target = Target(name="mine", base_url="http://127.0.0.1:9")
    form().check_user({"user_class_name": "AllAccounts", "host": "http://127.0.0.1:9/"}, target)
    form().check_user({"host": None}, target)
    form().check_user({}, target)
    assert user_refusal({"host": "http://127.0.0.1:1"}, target).startswith("host: ")
    assert user_refusal({"user_class_name": "Other"}, target).startswith(
        "user_class_name: 'Other', allowed: All"
    )
    for field in ("weight", "fixed_count", "tasks", "user_class", "__class__"):
        assert user_refusal({field: 1}, target).startswith(f"user: '{field}', allowed: user_class_name, host")
    body: object
    for body in ([], "AllAccounts", None, 5):
        assert user_refusal(body, target).startswith("body: ")

"""Names, paths, `extends` and overrides."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from common.errors import ConfigError
from scenarios.load import load, names
from scenarios.overrides import Overrides


def put(folder: Path, stem: str, **keys: Any) -> Path:
    file = folder / f"{stem}.yaml"
    file.write_text(yaml.safe_dump({"title": stem, **keys} if "extends" not in keys else keys))
    return file


def said(call: Any, *arguments: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        call(*arguments)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


def test_burst_is_the_designs_burst() -> None:
    burst = load("burst")
    (group,) = burst.groups
    assert (group.accounts.count, group.rate, burst.duration, burst.rate) == (100, 5, 60, 500)
    assert (group.accounts.ips, group.accounts.tier, burst.protections) == (
        "per-account",
        "unlimited",
        "today",
    )
    assert burst.points == ("P1.5", "P1.6", "P1.7", "P1.8")
    assert set(burst.thresholds) == {"P1.7", "P1.8"}


def test_variants_of_burst_differ_in_one_thing() -> None:
    burst, one_ip = load("burst"), load("burst-one-ip")
    assert one_ip.groups[0].accounts.ips == "one"
    assert one_ip.variant_of == "burst"
    assert one_ip.groups[0].model_copy(update={"accounts": burst.groups[0].accounts}) == burst.groups[0]
    assert load("burst-slow").groups[0].tools[0].label == "notion.search"
    assert load("burst-starter").groups[0].accounts.tier == "starter"
    assert load("burst-starter").thresholds == burst.thresholds


def test_every_scenario_loads_and_is_named_in_japanese_too() -> None:
    for name in names():
        assert load(name).title.ja, name


def test_an_unknown_name_tells_the_known_ones() -> None:
    assert "'brust' is not there, did you mean burst? allowed: " in said(load, "brust")
    assert "'zzz' is not there, allowed: agent-loop, " in said(load, "zzz")


def test_a_path_is_read_and_the_error_names_it(tmp_path: Path) -> None:
    assert load(put(tmp_path, "mine", rate=2)).groups[0].rate == 2
    assert "bad.yaml: groups.0.rate: -2, allowed: greater than 0" in said(load, put(tmp_path, "bad", rate=-2))


def test_the_name_is_the_files(tmp_path: Path) -> None:
    assert "name: 'other', allowed: the file's own, 'mine'" in said(load, put(tmp_path, "mine", name="other"))


def test_extends_takes_a_file_beside_or_one_of_ours(tmp_path: Path) -> None:
    put(tmp_path, "base", rate=3, duration=5, stack={"edge": {"isolates": 2, "burst_per_s": 9}})
    file = put(tmp_path, "mine", extends="base", stack={"edge": {"isolates": 4}})
    settings = load(file).stack_settings()
    assert (settings.edge.isolates, settings.edge.burst_per_s, load(file).groups[0].rate) == (4, 9, 3)
    assert load(put(tmp_path, "ours", extends="burst", duration="7s")).duration == 7


def test_a_variant_is_described_by_itself_alone(tmp_path: Path) -> None:
    put(tmp_path, "base", description="Every call is slow.")
    assert load(put(tmp_path, "silent", extends="base", rate=3)).description == ""
    assert load(put(tmp_path, "telling", extends="base", description="None is.")).description == "None is."
    for name in names():
        one = load(name)
        if one.variant_of and one.description:
            assert one.description != load(one.variant_of).description, name


def test_groups_are_merged_by_name(tmp_path: Path) -> None:
    put(tmp_path, "base", groups=[{"name": "a", "attack": True, "rate": 9}, {"name": "b", "rate": 2}])
    file = put(
        tmp_path, "mine", extends="base", groups=[{"name": "b", "accounts": {"count": 3}}, {"name": "c"}]
    )
    assert [(group.name, group.rate, group.accounts.count) for group in load(file).groups] == [
        ("a", 9, 100),
        ("b", 2, 3),
        ("c", 1, 100),
    ]
    assert "base has several groups" in said(load, put(tmp_path, "short", extends="base", rate=3))


@pytest.mark.parametrize("extends", ["mine", "other", "absent", "../x/base", 3, ["base"], "a\0b"])
def test_bad_extends(tmp_path: Path, extends: Any) -> None:
    put(tmp_path, "other", extends="mine")
    assert "extends: " in said(load, put(tmp_path, "mine", extends=extends))


def test_overrides_of_a_single_group() -> None:
    values = {
        "accounts": "50",
        "rate": "2",
        "duration": "20s",
        "protect": "none",
        "tier": "starter",
        "seed": "3",
    }
    scenario = load("burst", Overrides.read(values))
    (group,) = scenario.groups
    assert (group.accounts.count, group.rate, group.accounts.tier) == (50, 2, "starter")
    assert (scenario.duration, scenario.choice.names, scenario.seed) == (20, (), 3)


def test_overrides_go_to_the_attackers_where_there_are_any(tmp_path: Path) -> None:
    overrides = Overrides.read({"accounts": 7, "rate": 3, "tier": "pro"})
    mixed = put(tmp_path, "mixed", groups=[{"name": "a", "attack": True}, {"name": "b"}])
    assert [group.accounts.count for group in load(mixed, overrides).groups] == [7, 100]
    calm = put(tmp_path, "calm", groups=[{"name": "a"}, {"name": "b"}])
    assert [group.rate for group in load(calm, overrides).groups] == [3, 3]
    assert [group.accounts.tier for group in load(calm, overrides).groups] == ["pro", "pro"]


def test_no_overrides_change_nothing() -> None:
    assert load("burst", Overrides.read({"accounts": None, "rate": "", "protect": ""})) == load("burst")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"accounts": "0"}, "command line: accounts: '0', allowed: greater than or equal to 1"),
        ({"accounts": "ten"}, "command line: accounts: 'ten', allowed: integer"),
        ({"rate": "-1"}, "command line: rate: '-1', allowed: greater than 0"),
        ({"rate": "nan"}, "command line: rate: 'nan', allowed: a finite number"),
        ({"duration": "20 sheep"}, "command line: duration: '20 sheep', allowed: a duration like 60s"),
        (
            {"protect": "firewall"},
            "command line: protect: unknown protection 'firewall'; allowed: one preset of",
        ),
        ({"tier": "gold"}, "command line: users: accounts.tier: 'gold', allowed: free, starter"),
        ({"seed": "x"}, "command line: seed: 'x', allowed: integer"),
        ({"colour": "red"}, "command line: colour: unknown key, allowed: accounts, duration"),
        ({"accounts": "100000", "rate": "1000"}, "command line: "),
    ],
)
def test_bad_overrides(values: dict[str, Any], message: str) -> None:
    assert message in said(lambda: load("burst", Overrides.read(values)))


def test_a_duration_that_would_cut_phases_off_is_refused_with_the_line_that_scales_them() -> None:
    says = "duration: 15 s, but its phases and faults reach 46 s, allowed: DURATION_SCALE=4"
    assert says in said(load, "health", Overrides.read({"duration": "15s"}))
    assert load("health", Overrides.read({"duration": "50s"})).duration == 50
    assert load("burst", Overrides.read({"duration": "1m30s"})).duration == 90

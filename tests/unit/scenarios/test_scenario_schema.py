"""What a scenario may say, what follows from it, and what is refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import ConfigError
from common.protections import NAMES
from common.strict import validate
from scenarios import schema
from scenarios.load import load, names
from scenarios.schema import Scenario

PLAIN: dict[str, Any] = {"name": "some", "title": "Some attack"}
GROUPS: list[dict[str, Any]] = [
    {"name": "spammers", "attack": True, "rate": 5, "accounts": {"count": 3, "ips": "one"}},
    {"name": "innocent", "rate": 0.5, "accounts": {"count": 10, "tier": "starter"}},
]


def made(**keys: Any) -> Scenario:
    return validate(Scenario, {**PLAIN, **keys}, "some.yaml")


def test_the_short_form_is_one_group_of_users() -> None:
    scenario = made(rate=5, accounts={"count": 7}, tools=[{"module": "fast", "tool": "echo"}])
    (group,) = scenario.groups
    assert (group.name, group.rate, group.accounts.count) == ("users", 5, 7)
    assert [tool.label for tool in group.tools] == ["fast.echo"]
    assert group.judge
    assert scenario.rate == 35


def test_attackers_are_not_judged_unless_they_say_so() -> None:
    assert [group.judge for group in made(groups=GROUPS).groups] == [False, True]
    assert made(groups=[{**GROUPS[0], "judge": True}]).groups[0].judge


def test_defaults_are_those_of_the_design() -> None:
    scenario = made()
    assert scenario.protections == "today"
    assert scenario.kv == "ideal"
    assert scenario.groups[0].accounts.tier == "unlimited"
    assert scenario.late_ms == 50
    assert scenario.title.en == "Some attack"


def test_stack_settings_are_laid_in_order() -> None:
    scenario = made(
        kv="free", seed=7, protections="phase1", stack={"edge": {"isolates": 4}, "nano": {"restart": 3}}
    )
    settings = scenario.stack_settings()
    assert (settings.kv.plan, settings.seed, settings.edge.isolates, settings.nano.restart) == (
        "free",
        7,
        4,
        3,
    )
    assert settings.edge.burst_strategy == "memory-cache"
    assert settings.edge.burst_per_s == 5


def test_a_list_of_protections_is_as_good_as_a_text() -> None:
    assert made(protections=["ip-limit", "timeout"]).choice.names == ("ip-limit", "timeout")
    assert made(protections=[]).choice.names == ()


@pytest.mark.parametrize(("said", "share"), [("95 %", 0.95), ("99.5%", 0.995), (0.5, 0.5), (1, 1)])
def test_the_service_that_a_scenario_asks_for_is_a_share(said: Any, share: float) -> None:
    assert made(service=said).service == pytest.approx(share)
    assert made().service == 0.99


@pytest.mark.parametrize("said", ["150 %", "many", "-1 %", True, None])
def test_a_service_that_is_no_share_is_refused(said: Any) -> None:
    with pytest.raises(ConfigError, match=r"^some.yaml: service: "):
        made(service=said)


def test_only_refusals_can_be_expected() -> None:
    assert made(expects=["burst_exceeded", "refused"]).expects == ("burst_exceeded", "refused")
    with pytest.raises(ConfigError, match=r"expects: 'invalid_token', allowed: .*rate_limit_exceeded"):
        made(expects=["invalid_token"])


BAD_FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "misspelt": ({"fault": "upstream-eror"}, "faults.0.fault: 'upstream-eror', allowed: .*upstream-error"),
    "no such process": (
        {"fault": "process-down", "target": "origin-c"}, "faults.0.target: 'origin-c' .* allowed: .*origin-a"
    ),
    "needs a target": ({"fault": "process-down"}, "faults.0.target: None of process-down, allowed: edge"),
    "no such upstream": (
        {"fault": "upstream-stall", "target": "notoin"}, "faults.0.target: 'notoin' .* allowed: .*notion"
    ),
    "has no target": ({"fault": "db-row-lock", "target": "postgres"}, "faults.0.target: .*, allowed: none"),
    "no such parameter": (
        {"fault": "upstream-error", "params": {"stauts": 500}},
        "faults.0.params.stauts: unknown to upstream-error, allowed: status, share",
    ),
    "out of range": (
        {"fault": "upstream-error", "params": {"share": 2}}, "faults.0.params.share: 2, allowed: 0 to 1"
    ),
    "not whole": (
        {"fault": "db-idle-transaction", "params": {"connections": 1.5}},
        "faults.0.params.connections: 1.5, allowed: 1 to 1000",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("fault", "says"), BAD_FAULTS.values(), ids=BAD_FAULTS)
def test_a_fault_that_cannot_be_made_is_refused(fault: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        made(faults=[{"at": 1, **fault}])


def test_a_fault_ends_after_its_time() -> None:
    fault = {
        "at": "10s",
        "fault": "db-hold",
        "target": "origin-a",
        "for": "500ms",
        "params": {"seconds": "2s"},
    }
    (read,) = made(faults=[fault]).faults
    assert (read.at, read.until, read.params) == (10, 10.5, {"seconds": 2})
    assert made(faults=[{"at": 0, "fault": "db-down"}]).faults[0].until is None


@pytest.mark.parametrize("name", names())
def test_every_scenario_of_the_folder_survives_its_own_dump(name: str) -> None:
    scenario = load(name)
    assert Scenario.restore(scenario.dump()) == scenario


def test_a_full_scenario_survives_its_own_dump() -> None:
    scenario = made(
        groups=GROUPS,
        faults=[{"at": 1, "fault": "db-down", "for": "2s"}],
        phases=[{"name": "before", "start": 0, "end": "1s"}],
        points=["P1.7", "F1.1"],
        thresholds={"P1.7": "p95 <= 2 s"},
        stop_when={"status_5xx_share": 0.5, "for": "10s"},
    )
    assert Scenario.restore(scenario.dump()) == scenario


FAULT = {"at": "10s", "fault": "db-down"}
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "unknown key": (
        {"durations": 3},
        "durations: unknown key, allowed: align, connections, description, drain, duration",
    ),
    "unknown key below": (
        {"accounts": {"cuont": 3}},
        "groups.0.accounts.cuont: unknown key, allowed: count, id",
    ),
    "no title": ({"title": None}, "title: None, allowed:"),
    "empty title": ({"title": ""}, "title.en: '', allowed:"),
    "count 0": (
        {"accounts": {"count": 0}},
        "groups.0.accounts.count: 0, allowed: greater than or equal to 1",
    ),
    "count as text": ({"accounts": {"count": "5"}}, "groups.0.accounts.count: '5', allowed: integer"),
    "count true": ({"accounts": {"count": True}}, "accounts.count: True, allowed: integer"),
    "too many accounts": ({"accounts": {"count": 10**6}}, "allowed: less than or equal to 100000"),
    "ips": ({"accounts": {"ips": "many"}}, "groups.0.accounts.ips: 'many', allowed: 'per-account' or 'one'"),
    "tier": (
        {"accounts": {"tier": "gold"}},
        "users: accounts.tier: 'gold', allowed: free, starter, pro, unlimited",
    ),
    "rate 0": ({"rate": 0}, "rate: 0, allowed: greater than 0"),
    "rate nan": ({"rate": float("nan")}, "rate: nan, allowed: a finite number"),
    "rate inf": ({"rate": float("inf")}, "rate: inf, allowed: "),
    "duration": ({"duration": "soon"}, "duration: 'soon', allowed: a duration like 60s"),
    "duration 0": ({"duration": 0}, "duration: 0, allowed: greater than 0"),
    "too long": ({"duration": "9999h"}, "duration: '9999h', allowed: less than"),
    "late": ({"late_ms": 80}, "late_ms: 80, allowed: less than or equal to 50"),
    "shape": ({"shape": {"kind": "zigzag"}}, "unknown shape 'zigzag'; allowed: constant"),
    "shape parameter": ({"shape": {"kind": "spike", "params": {"hight": 2}}}, "unknown parameter 'hight'"),
    "priority": ({"priority": "P9"}, "priority: 'P9', allowed: 'P0', 'P1'"),
    "plan": ({"plan": "phase3"}, "plan: 'phase3', allowed:"),
    "point": ({"points": ["burst"]}, "points.0: 'burst', allowed: text that matches ^([PFM]"),
    "point twice": ({"points": ["P1.5", "P1.5"]}, "points: P1.5 stands there twice"),
    "threshold": ({"points": ["P1.5"], "thresholds": {"P1.7": "p95 < 1 s"}}, "thresholds.P1.7: not a point"),
    "protection": ({"protections": "today,-breaker"}, "protections: protection 'breaker' is not on"),
    "stack": (
        {"stack": {"edge": {"isolate": 1}}},
        "stack: edge.isolate: unknown key, allowed: burst_on_failure",
    ),
    "stack of parts that do not go together": (
        {"stack": {"parts": {"origin": "real"}, "bugs": {"leak-memory": 0.1}}},
        "some.yaml: stack: bugs: allowed with the origin in Python alone",
    ),
    "stack value": ({"stack": {"nano": {"restart": -1}}}, "stack: nano.restart: -1, allowed: greater than 0"),
    "fault too late": (
        {"duration": 5, "faults": [FAULT]},
        "faults.0: reaches 10 s, allowed: within the duration of 5",
    ),
    "fault heals late": ({"faults": [{**FAULT, "for": "2m"}]}, "faults.0: reaches 130 s"),
    "fault twice ended": ({"faults": [{**FAULT, "for": 1, "until": 20}]}, "both `for` and `until`"),
    "fault backwards": ({"faults": [{**FAULT, "until": 5}]}, "until 5 s, allowed: later than at (10 s)"),
    "fault key": (
        {"faults": [{**FAULT, "untill": 5}]},
        "faults.0.untill: unknown key, allowed: at, effect, fault, params",
    ),
    "fault without at": ({"faults": [{"fault": "db-down"}]}, "faults.0.at: is missing"),
    "phase backwards": (
        {"phases": [{"name": "a", "start": 5, "end": 2}]},
        "end 2 s, allowed: later than start",
    ),
    "phase too late": ({"phases": [{"name": "a", "start": 5, "end": 200}]}, "phases.0: reaches 200 s"),
    "group twice": (
        {"groups": [GROUPS[0], {**GROUPS[1], "name": "spammers"}]},
        "'spammers' stands there twice",
    ),
    "nobody judged": ({"groups": GROUPS[:1]}, "groups: none is judged"),
    "no groups": ({"groups": []}, "groups: [], allowed:"),
    "groups and short form": (
        {"groups": GROUPS, "rate": 3},
        "rate beside groups, allowed: rate inside each group",
    ),
    "too many arrivals": ({"rate": 1e5, "accounts": {"count": 1000}}, "allowed: 20,000,000"),
    "stop": (
        {"stop_when": {"status_5xx_share": 50, "for": "1s"}},
        "status_5xx_share: 50, allowed: less than",
    ),
    "seed": ({"seed": -1}, "seed: -1, allowed: greater than or equal to 0"),
    "options": (
        {"persona": {"name": "caller", "options": {"On 429": 1}}},
        "key 'On 429', allowed: lower-case",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_scenarios_are_one_line(name: str) -> None:
    keys, message = BAD[name]
    with pytest.raises(ConfigError) as caught:
        made(**keys)
    assert message in str(caught.value)
    assert str(caught.value).startswith("some.yaml: ")
    assert len(str(caught.value).splitlines()) == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)


@given(st.sampled_from([*sorted(Scenario.model_fields), "accounts", "rate", "shape", "tools", "extra"]), JSON)
def test_anything_at_any_key_is_taken_or_one_line(key: str, value: Any) -> None:
    line = ""
    try:
        made(**{key: value})
    except ConfigError as error:
        line = str(error)
    assert len(line.splitlines()) <= 1


@pytest.mark.parametrize("part", ["origin", "edge"])
def test_what_the_real_parts_have_not_is_refused_by_name(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = {"parts": {part: "real"}}
    made(protections=",".join(NAMES), stack=real)  # they have all of the table
    monkeypatch.setattr(schema, "PYTHON_ALONE", ("fair-queue",))
    made(protections="today,fair-queue")
    with pytest.raises(ConfigError, match="'fair-queue' beside real parts"):
        made(protections="today,fair-queue", stack=real)

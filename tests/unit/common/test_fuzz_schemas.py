"""Any tree at all, and any change to a good file: it is valid, or it is one line. Never another exception."""

from __future__ import annotations

import copy
import math
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.errors import ConfigError
from common.strict import validate
from common.yaml_file import read_mapping
from run.checks import preflight
from scenarios import load as scenarios
from scenarios.schema import Scenario
from targets import load as targets
from targets.guard import GuardError
from targets.schema import Target

MOST_CALLS: Final = 20_000
TARGETS: Final = [
    {"name": "t", "base_url": "http://127.0.0.1:9", "limits": {"burst_per_s": 5}},
    yaml.safe_load((targets.FOLDER / "example.yaml").read_text()),
]
EXTRA: Final = [
    "count",
    "tier",
    "ips",
    "kind",
    "params",
    "for",
    "at",
    "until",
    "fault",
    "module",
    "tool",
    "weight",
    "options",
    "persona",
    "agent",
    "forger",
    "spike",
    "stages",
    "sub",
    "{account}",
    "http://127.0.0.1",
    "http://[::1]",
    "bundled",
    "today",
    "60s",
    "P1.7",
    "one",
    "health_failures",
]
WORDS: Final = sorted({*Scenario.model_fields, *Target.model_fields, *EXTRA, "p95 <= 2 s"})
SCALARS: Final = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12), st.sampled_from(WORDS),
    st.integers(-1, 5), st.sampled_from(["", "-1s", "1e400", "\x00", "\r\n", "{", "ü", "9" * 40, "../x"]),
)  # fmt: skip
TREES: Final = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=8), inner, max_size=5)
    ),
    max_leaves=12,
)
MAPPINGS: Final = st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=8), TREES, max_size=8)
QUICK: Final = settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))


@cache
def ours() -> tuple[Scenario, ...]:
    """Every scenario of the suite."""
    return tuple(map(scenarios.load, scenarios.names()))


def places(tree: Any, above: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of everything in a tree."""
    inner = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [path for key, value in inner for path in [(*above, key), *places(value, (*above, key))]]


def changed(tree: Any, path: tuple[Any, ...], value: Any, drop: bool) -> Any:
    """The tree with what is at `path` replaced, or taken away."""
    tree = copy.deepcopy(tree)
    holder = tree
    for key in path[:-1]:
        holder = holder[key]
    if drop:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return tree


def one_line(error: Exception) -> None:
    assert len(str(error).splitlines()) == 1, str(error)
    assert str(error).isprintable()


def valid_scenario(tree: Any) -> None:
    """As a run would take it: the schema, then everything that is looked at before load."""
    try:
        scenario = validate(Scenario, tree, "some.yaml")
        if scenario.rate * scenario.duration * _peak(tree) <= MOST_CALLS:
            target = Target.model_validate({"name": "t", "base_url": "http://127.0.0.1:9", "health": "/h"})
            preflight.check(scenario, target, "some.yaml")
    except (ConfigError, GuardError) as error:
        one_line(error)


def _peak(tree: Any) -> float:
    """How much a shape may multiply the rate; infinite where that is not simple to say."""
    shapes = [str(group.get("shape", "")) for group in tree.get("groups", ()) if isinstance(group, dict)]
    plain = all("constant" in shape or "stages" in shape or shape in ("", "{}") for shape in shapes)
    return 1.0 if plain and "shape" not in tree else math.inf


def valid_target(tree: Any) -> None:
    try:
        target = validate(Target, tree, "some.yaml")
        target.public()
        Target.model_validate(target.model_dump(mode="json", by_alias=True))
    except ConfigError as error:
        one_line(error)


@QUICK
@given(MAPPINGS)
def test_any_tree_is_a_scenario_or_one_line(tree: Any) -> None:
    valid_scenario({"title": "x", **tree})
    valid_scenario(tree)


@QUICK
@given(MAPPINGS)
def test_any_tree_is_a_target_or_one_line(tree: Any) -> None:
    valid_target({"name": "t", "base_url": "http://127.0.0.1", **tree})
    valid_target(tree)


@QUICK
@given(st.data())
def test_any_change_to_a_scenario_of_ours(data: Any) -> None:
    tree = data.draw(st.sampled_from(ours())).dump()
    path = data.draw(st.sampled_from(places(tree)))
    valid_scenario(changed(tree, path, data.draw(TREES), data.draw(st.booleans())))


@QUICK
@given(st.data())
def test_any_change_to_a_target_of_ours(data: Any) -> None:
    tree = data.draw(st.sampled_from(TARGETS))
    path = data.draw(st.sampled_from(places(tree)))
    valid_target(changed(tree, path, data.draw(TREES), data.draw(st.booleans())))


@QUICK
@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda text: text.encode())))
def test_any_bytes_are_a_mapping_or_one_line(tmp_path_factory: Any, content: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "fuzz.yaml"
    file.write_bytes(content)
    try:
        assert isinstance(read_mapping(file), dict)
    except ConfigError as error:
        one_line(error)


@QUICK
@given(st.data())
def test_any_bytes_within_a_file_of_ours(tmp_path_factory: Any, data: Any) -> None:
    """Cut, doubled or spoilt somewhere: read as a scenario, whatever that gives."""
    source = data.draw(st.sampled_from(sorted(scenarios.FOLDER.rglob("*.yaml")))).read_bytes()
    at, size = data.draw(st.integers(0, len(source))), data.draw(st.integers(0, 40))
    file: Path = tmp_path_factory.getbasetemp() / "fuzzed.yaml"
    file.write_bytes(source[:at] + data.draw(st.binary(max_size=20)) + source[at + size :])
    try:
        scenarios.load(file)
    except ConfigError as error:
        one_line(error)

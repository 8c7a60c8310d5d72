"""The grammar of `STACK=`."""

import pytest

from common import stack_parts as parts
from fakes.edge_worker import install
from fakes.settings import PartsSettings, StackSettings
from fakes.stack import programs
from scenarios import load
from scenarios.overrides import Overrides

FAKES = {"edge": "fakes", "origin": "fakes"}
REAL = {"edge": "real", "origin": "real"}


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("fakes", FAKES),
        ("real", REAL),
        ("fakes,origin=real", {**FAKES, "origin": "real"}),
        ("real, origin = fakes", {**REAL, "origin": "fakes"}),
        ("origin=real,fakes", FAKES),
        ("fakes,edge=real", {**FAKES, "edge": "real"}),
    ],
)
def test_a_later_item_overrules_those_before(text: str, chosen: dict[str, str]) -> None:
    assert parts.parse(text) == chosen
    assert parts.parse(parts.told(chosen) or "fakes") == chosen
    PartsSettings.model_validate(chosen)


@pytest.mark.parametrize("text", ["", "reel", "origin=", "upstream=real", "origin=real,", "real=origin"])
def test_what_is_no_part_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(ValueError, match=r"^'.*' is no part of a stack; allowed: fakes, real") as refused:
        parts.parse(text)
    assert "\n" not in str(refused.value)


def test_a_run_carries_its_parts_in_the_stack_settings() -> None:
    scenario = load.load("burst", Overrides.read({"stack": "fakes,origin=real", "nano": "unlimited"}))
    assert scenario.stack_settings().parts == PartsSettings(origin="real", nano="unlimited")
    assert type(scenario).restore(scenario.dump()).stack_settings().parts.origin == "real"


def test_the_fakes_are_the_default() -> None:
    assert StackSettings().parts == PartsSettings() == PartsSettings(edge="fakes", origin="fakes")
    assert load.load("burst", Overrides.read({"rate": "2"})).stack_settings().parts == PartsSettings()


def test_a_real_part_is_another_command_under_the_same_name() -> None:
    real = PartsSettings(origin="real")
    assert programs.command("origin-b", real) == (str(programs.ORIGIN),)
    assert programs.command("origin-b", PartsSettings())[1:] == ("-m", "fakes.origin")
    assert programs.command("upstream", real)[1:] == ("-m", "fakes.upstream")
    assert programs.command("edge", real)[1:] == ("-m", "fakes.edge")
    assert programs.command("edge", PartsSettings(edge="real"))[1:] == ("-m", "fakes.edge_worker")


def test_a_part_that_is_not_built_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "ORIGIN", programs.BUILT / "not-there")
    programs.check(PartsSettings())
    with pytest.raises(programs.PartMissingError, match="make real"):
        programs.check(PartsSettings(origin="real"))
    monkeypatch.setattr(install, "BINARY", programs.BUILT / "not-there")
    with pytest.raises(programs.PartMissingError, match=r"workerd .* `make real`"):
        programs.check(PartsSettings(edge="real"))

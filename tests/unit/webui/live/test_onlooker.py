"""Who looks on sees the run of now, each second of it once, and nothing where there is no run."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from gevent.event import Event

from scenarios.load import load
from targets.load import load as load_target
from webui.live.moment import Leading
from webui.live.onlooker import Onlooker


def attack(folder: Path, seconds: int) -> Any:
    folder.mkdir()
    lines = [{"t": t, "planned": 5 * t, "sent": 5 * t, "done": 5 * t} for t in range(1, seconds + 1)]
    (folder / "ledger-a.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    scenario = load("burst")
    return SimpleNamespace(
        dir=folder, scenario=scenario, target=load_target(), conductor=None, failure="", done=Event()
    )


def test_without_a_run_there_is_nothing() -> None:
    nobody = Onlooker(cast(Leading, SimpleNamespace(attack=None)))
    assert (nobody.curves(), nobody.target(), nobody.busy()) == (None, [], "")


def test_the_curves_are_those_of_the_run_of_now_and_come_once(tmp_path: Path) -> None:
    leader = SimpleNamespace(attack=attack(tmp_path / "first", 3))
    onlooker = Onlooker(cast(Leading, leader))
    found = onlooker.curves()
    assert found is not None
    assert found["charts"][0]["lines"][0]["y"] == [5, 5, 5]
    assert onlooker.curves(found["key"]) is None
    assert "under way" in onlooker.busy()
    leader.attack.done.set()
    assert onlooker.curves(found["key"]) is not None, "the end of a run is news"
    assert onlooker.busy() == ""
    leader.attack = attack(tmp_path / "second", 1)
    other = onlooker.curves(found["key"])
    assert other is not None
    assert (other["run"], other["charts"][0]["lines"][0]["y"]) == ("second", [5])

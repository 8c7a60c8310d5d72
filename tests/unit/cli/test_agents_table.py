"""The table of the P0 attacks by agents: which runs it has, what they send, what a line says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from cli import agents_table
from cli.launch import run_table
from scenarios.agent_presets import PRESETS
from scenarios.load import load
from scenarios.schema import Scenario
from telemetry.run_folder.verdict_file import FILE, PointAnswer, VerdictArrivals, VerdictFile
from tests.support.table_attacks import TableAttacks


def put(folder: Path, **changes: Any) -> Path:
    points = (
        PointAnswer(id="P0.1", question="?", value=16, status="pass"),
        PointAnswer(id="P0.2", question="?", value=40.9, status="pass"),
        PointAnswer(id="P0.4", question="?", value=99.5, status="pass", figures={"others_success": 0.995}),
        PointAnswer(id="P0.4.wait", question="?", value=1.0, status="pass", figures={"wait": 2.5}),
    )
    found = VerdictFile(
        scenario="agent-loop-naive", started="", target="bundled", protections=(), stop_reason="completed",
        arrivals=VerdictArrivals(sent=100, extra=151, retries=150), points=points,
        refusals={"burst_exceeded": 7},
        verdict="fail",
    )  # fmt: skip
    folder.mkdir(parents=True)
    (folder / FILE).write_bytes(msgspec.json.encode(msgspec.structs.replace(found, **changes)))
    return folder


def test_every_preset_stands_beside_the_plans_own_attack() -> None:
    names = agents_table.names(())
    for attack in ("agent-loop", "slow-api", "upstream-outage"):
        assert names.index(attack) < names.index(f"{attack}-naive")
        presets = {name.removeprefix(f"{attack}-") for name in names if name.startswith(f"{attack}-")}
        assert presets == set(PRESETS) - (set() if attack == "agent-loop" else {"stuck-loop"})
    assert agents_table.names(["fan-out"]) == [
        "agent-loop-fan-out", "slow-api-fan-out", "upstream-outage-fan-out",
    ]  # fmt: skip


@pytest.mark.parametrize("name", [name for name, (_, preset) in agents_table.rows().items() if preset])
def test_agents_take_the_place_of_the_attackers_at_the_same_rate_of_calls(name: str) -> None:
    attack, preset = agents_table.rows()[name]
    found, plan = Scenario.restore(agents_table.tree(name)), load(attack)
    fan_out = PRESETS[preset].get("fan_out", 1)
    for mine, theirs in zip(found.groups, plan.groups, strict=True):
        if any(group.attack for group in plan.groups) and not theirs.attack:
            assert mine == theirs, "innocents are as they were"
        else:
            assert (mine.persona.name, mine.persona.options) == ("agent", {"preset": preset})
            assert mine.rate * fan_out == pytest.approx(theirs.rate)
            assert mine.accounts == theirs.accounts
    assert (found.faults, found.thresholds, found.points) == (plan.faults, plan.thresholds, plan.points)


def test_a_run_is_a_line(tmp_path: Path) -> None:
    assert agents_table.line(put(tmp_path / "a")) == [
        "agent-loop-naive", "100", "7", "251", "150", "16", "40.9", "–", "99.5", "2.5", "–", "fail",
    ]  # fmt: skip
    assert len(agents_table.line(tmp_path / "a")) == len(agents_table.HEAD)


def test_what_is_there_is_not_run_again_and_agents_have_a_scenario_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    attacks = TableAttacks(put)
    monkeypatch.setattr(run_table, "Attacks", attacks)
    put(tmp_path / "agent-loop-polite")
    words = ["--only", "agent-loop", "--out", str(tmp_path), "--duration-scale", "6"]
    assert agents_table.main(words) == 0
    assert (attacks.asked[0].scenario, attacks.asked[0].duration_scale) == ("agent-loop", "6")
    assert ("agent-loop-polite" in str(attacks.asked)) is False
    made = load(tmp_path / "scenarios" / "agent-loop-naive.yaml")
    assert made.groups[0].persona.options == {"preset": "naive"}
    assert len(capsys.readouterr().out.splitlines()) == 2 + len(agents_table.names(["agent-loop"]))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--only", "nothing"], "command line: --only: 'nothing', allowed: parts of agent-loop, "),
        (["--frobnicate"], "command line: unrecognized arguments: --frobnicate"),
        (["--read", "/nowhere"], "agents-table: no verdicts: "),
    ],
)
def test_bad_usage_is_one_line(words: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert agents_table.main(words) == 2
    said = capsys.readouterr()
    assert said.err.startswith(says)
    assert len(said.err.splitlines()) == 1
    assert not said.out

"""The suite as an MCP server, used by a scripted client of the official SDK, over stdio and HTTP."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.launch.local_workers import free_port
from cli.mcp import SITE
from common.paths import RESULTS, ROOT
from tests.support.assistant_process import serving
from verdicts.judge.judge import EXIT_CODES

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
TARGET = "name: {}\nbase_url: http://{}\n"
CLIENT = ROOT / "tests" / "support" / "assistant_client.py"


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What the client saw; one server each way, one client."""
    folder = tmp_path_factory.mktemp("targets")
    for name in ("owned", "closed"):
        (folder / f"{name}.yaml").write_text(TARGET.format(name, f"127.0.0.1:{free_port()}"))
    (folder / "strange.yaml").write_text(TARGET.format("strange", "192.0.2.1"))
    before = set(RESULTS.iterdir()) if RESULTS.exists() else set()
    try:
        with serving() as url:
            words: list[str | Path] = [sys.executable, CLIENT, ROOT, url, folder]
            environment = {**os.environ, "PYTHONPATH": str(SITE)}
            done = subprocess.run(
                words, env=environment, capture_output=True, text=True, timeout=240, check=False
            )
            assert not done.returncode, done.stderr
            yield json.loads(done.stdout)
    finally:
        for made in (set(RESULTS.iterdir()) if RESULTS.exists() else set()) - before:
            if "single-burst" in made.name:
                shutil.rmtree(made, ignore_errors=True)


def test_every_tool_says_what_it_does_to_the_world(seen: dict[str, Any]) -> None:
    tools = {tool["name"]: tool for tool in seen["tools"]}
    assert set(tools) == {
        "list_scenarios", "describe_scenario", "check_target", "run", "run_plan", "run_breakpoint", "verdict",
        "explain_point", "compare", "plan_answers",
    }  # fmt: skip
    assert all(tool["output_schema"] and tool["description"] and tool["title"] for tool in tools.values())
    attacks = {name for name, tool in tools.items() if tool["annotations"]["destructive_hint"]}
    assert attacks == {"run", "run_plan", "run_breakpoint"}
    assert not any(tools[name]["annotations"]["read_only_hint"] for name in (*attacks, "compare"))
    assert "consent" not in tools["run"]["input_schema"]["properties"]
    assert {"resilience://docs/README.md", "resilience://docs/scenarios/db-pool.md"} <= set(seen["docs"])


def test_a_run_is_followed_and_its_verdict_has_its_figures(seen: dict[str, Any]) -> None:
    done = [one[0] for one in seen["progress"]]
    assert len(done) >= 2
    assert done == sorted(set(done))
    assert {one[1] for one in seen["progress"]} == {3.0}
    run = seen["run"]
    assert (run["scenario"], run["arrivals"]["planned"]) == ("single-burst", 75)
    assert run["exit_code"] == EXIT_CODES[run["verdict"]]  # of a machine that is busy it may be invalid
    assert seen["verdict"] == {**run, "exit_code": None}
    assert {one["id"] for one in run["points"]} >= {"arrival", "F1.1"}
    assert seen["point"]["findings"][0]["value"] == next(
        p["value"] for p in run["points"] if p["id"] == "F1.1"
    )
    assert seen["report"].lower().startswith("<!doctype html>")


def test_a_cancelled_run_ends_its_load_and_is_still_reported(seen: dict[str, Any]) -> None:
    told = seen["cancelled"]
    assert told["run"] != seen["run"]["run"]
    assert told["stop_reason"].startswith("stopped by")
    assert told["duration_s"] < 30
    assert seen["reported_after_s"] < 100  # a machine that is busy


def test_a_host_that_is_not_owned_is_refused_before_anybody_is_asked(seen: dict[str, Any]) -> None:
    assert "i_own_this_host" in seen["strange"]
    assert "\n" not in seen["strange"]
    assert seen["asked for the strange one"] == []


def test_nothing_but_the_bundled_stack_is_attacked_without_a_yes(seen: dict[str, Any]) -> None:
    assert seen["cannot ask"].startswith("-32021: ")
    assert "this client cannot ask for one" in seen["cannot ask"]
    assert "nobody said yes" in seen["no"]
    assert len(seen["asked"]) == 2
    assert "target owned" in seen["asked"][0]
    assert "requests in 1 s" in seen["asked"][0]
    assert "nobody said yes" not in str(
        seen["yes"]
    )  # what came of it is another matter: nobody listens there


def test_an_unknown_name_is_told_with_the_nearest(seen: dict[str, Any]) -> None:
    assert "did you mean burst?" in seen["unknown"]

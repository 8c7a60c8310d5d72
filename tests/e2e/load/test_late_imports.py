"""No module is read while load is sent: reading one stops the loop for 10 to 100 ms, and arrivals with it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from common.paths import ROOT
from telemetry.influx.local_influx import LocalInflux
from tests.support.influx.server import influx

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

TELLS: Final = """
import os, sys, time
if any("locustfile.py" in word for word in sys.orig_argv):
    told = open(os.path.join(os.path.dirname(__file__), f"{os.getpid()}.txt"), "a", buffering=1)
    def tell(event, given):
        if event == "import" and given[0] not in sys.modules:
            told.write(f"{time.monotonic()} {given[0]}\\n")
    sys.addaudithook(tell)
"""


def late(folder: Path, out: Path) -> list[str]:
    """What the processes that send load read between the run's zero and its last planned arrival."""
    start = json.loads((out / "run.json").read_text())["start_monotonic"]
    until = start + json.loads((out / "verdicts.json").read_text())["duration_s"]
    lines = [line.split() for file in folder.glob("*.txt") for line in file.read_text().splitlines()]
    assert lines, "nobody told what it reads"
    return [name for at, name in lines if start <= float(at) < until]


OPTIONS: Final = (
    ("burst", "--duration", "4s"),
    ("invalid-jwt", "--duration-scale", "10"),
    ("agent-loop", "--duration", "4s", "--workers", "2"),
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalInflux]:
    with influx(tmp_path_factory.mktemp("influx")) as found:
        yield found


@pytest.mark.parametrize("options", OPTIONS, ids=lambda one: str(one[0]))
def test_nothing_is_read_while_load_is_sent(
    tmp_path: Path, server: LocalInflux, options: tuple[str, ...]
) -> None:
    (tmp_path / "hook").mkdir()
    (tmp_path / "hook" / "sitecustomize.py").write_text(TELLS)
    env = {
        **os.environ, **server.env, "RESILIENCE_SPOOL": str(tmp_path / "spool"),
        "PYTHONPATH": str(tmp_path / "hook"),
    }  # fmt: skip
    command = [str(ROOT / "bin" / "attack"), *options, "--out", str(tmp_path / "run")]
    ended = subprocess.run(
        command, check=False, cwd=ROOT, env=env, capture_output=True, text=True, timeout=240
    )
    assert (tmp_path / "run" / "verdicts.json").exists(), ended.stderr
    assert late(tmp_path / "hook", tmp_path / "run") == []

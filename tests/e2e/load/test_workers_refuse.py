"""A master with its web UI and workers that must not or cannot take part; an independent recorder counts."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from cli.launch.local_workers import free_port
from common.paths import ROOT
from tests.support.recorder.attack import Plan, Run
from tests.support.recorder.handle import Recorder, recorder
from tests.support.web_ui_rig import BIND, WebUi, web_ui
from tests.support.workers_rig import processes, worker

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

PLAN: Final = Plan(accounts=10, rate=4, seconds=2)
WITHIN: Final = 60.0


@dataclass(frozen=True)
class Master:
    """A master with its web UI, as Locust's documentation has it, and the server that it attacks."""

    ui: WebUi
    server: Recorder
    port: int

    def has_workers(self, count: int) -> None:
        self._until(lambda: self._workers() == count)

    def _workers(self) -> int:
        return sum(one["state"] != "missing" for one in self.ui.json("/stats/requests")["workers"])

    def starts(self, **fields: str) -> None:
        """Start a run, which has its folder soon after."""
        before = self._runs()
        self._until(lambda: self.ui.swarm(**fields)["success"])
        self._until(lambda: len(self._runs()) > len(before))

    def ends(self) -> Path:
        """Wait for the end of the run; its folder."""
        self._until(lambda: 'data-going="yes"' not in self.ui.get("/attack/live")[1])
        return max(self._runs(), key=lambda folder: folder.stat().st_mtime)

    def _runs(self) -> list[Path]:
        return list(self.ui.results.glob("*-*"))

    def _until(self, holds: Callable[[], Any]) -> None:
        limit = time.monotonic() + WITHIN
        while not holds():
            assert time.monotonic() < limit, self.ui.console
            time.sleep(0.05)


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Master]:
    folder, port = tmp_path_factory.mktemp("master"), free_port()
    with recorder(0.0) as server:
        scenario = str(PLAN.scenario(folder))
        target = str(PLAN.target(folder, server.base_url.replace("127.0.0.1", "localhost")))
        more = ("--master", BIND, str(port), "--scenario", scenario, "--target", target)
        with web_ui(folder, *more) as ui:
            yield Master(ui, server, port)


def differing(folder: Path, line: str) -> str:
    """A locustfile of a worker that differs from its master by one line."""
    file = folder / "locustfile_differing.py"
    file.write_text(f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n{line}\nfrom locustfile import *\n")
    return str(file)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (
            "import run.workers.version as i; i.version = lambda: '0.0.9'",
            "is version 0.0.9, the master is 0.",
        ),
        (
            "import run.workers.version as i; i.machine = lambda: 'other'",
            "localhost is this worker's own loopback",
        ),
        (
            "import socket; socket.getaddrinfo = lambda *a, **k: [(2, 1, 6, '', ('192.0.2.7', 80))]",
            "localhost (192.0.2.7) is not on loopback, allowed: loopback, or the host named in i_own_this",
        ),
    ],
    ids=["version", "other-loopback", "resolves-elsewhere"],
)
def test_a_worker_that_differs_refuses_and_nothing_is_sent(
    master: Master, tmp_path: Path, line: str, says: str
) -> None:
    before = master.server.stats()["received"]
    with processes(tmp_path, [worker(master.port, differing(tmp_path, line))]) as (one,):
        master.has_workers(1)
        master.starts()
        master.ends()
        one.says("this worker refuses")
        assert says in one.console
        assert says in master.ui.console
        assert says in master.ui.get("/attack/live")[1].replace("&#39;", "'")
        one.signal(signal.SIGTERM)
        master.has_workers(0)
    assert master.server.stats()["received"] == before


def test_a_late_worker_is_told_and_takes_part_in_the_next_run(master: Master, tmp_path: Path) -> None:
    with processes(tmp_path, [worker(master.port)]) as (_,):
        master.has_workers(1)
        master.starts(duration="100s")
        with processes(tmp_path, [worker(master.port)], "late") as (late,):
            late.says("this worker sits it out and takes part in the next")
            assert "it takes part in the next" in master.ui.console
            master.ui.post("/stop", {})
            alone = Run(master.ends())
            master.starts(duration="2s")
            together = Run(master.ends())
    assert [run.manifest["workers"] for run in (alone, together)] == [1, 2]
    assert [run.verdicts["workers_lost"] for run in (alone, together)] == [[], []]
    assert together.arrivals["sent"] == PLAN.per_second * PLAN.seconds
    together.check_ledger()

"""The embedded Postgres as a process: it starts, is only reachable by its socket, and leaves nothing."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest

from common.files import derived
from common.paths import ROOT
from fakes.database import connection_limit, postgres
from fakes.database.postgres import EmbeddedPostgres, PostgresError
from tests.support import needs, processes

pytestmark = pytest.mark.e2e


async def ask(dsn: str, query: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


def listens_on_tcp(pid: int) -> bool:
    return any(one.status == psutil.CONN_LISTEN for one in psutil.Process(pid).net_connections("inet"))


def wait_gone(pid: int) -> None:
    assert not processes.left([pid], 20), "still running"


def test_it_serves_as_set_and_leaves_nothing() -> None:
    server = EmbeddedPostgres(max_connections=17)
    server.start()
    try:
        assert asyncio.run(ask(server.dsn(), "SHOW max_connections")) == "17"
        assert asyncio.run(ask(server.dsn(), "SHOW synchronous_commit")) == "off"
        assert not listens_on_tcp(server.pid)
        family = [server.pid, *(child.pid for child in psutil.Process(server.pid).children())]
    finally:
        server.stop()
    assert not server.home.exists()
    assert not processes.left(family, 0)
    server.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason=needs.ROOT_ALONE)
def test_programs_that_only_root_may_reach_are_brought_along(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a checkout below /root: nobody, as whom the server runs, may not go there."""
    monkeypatch.setattr(postgres, "_reachable", lambda program: False)
    server = EmbeddedPostgres()
    server.start()
    try:
        assert asyncio.run(ask(server.dsn(), "SELECT 1")) == 1
        programs = psutil.Process(server.pid).exe()
        libraries = [one.path for one in psutil.Process(server.pid).memory_maps() if ".libs/" in one.path]
    finally:
        server.stop()
    assert programs.startswith(str(server.home))
    assert all(path.startswith(str(server.home)) for path in libraries)


def test_nobody_is_counted_while_somebody_is_at_the_door() -> None:
    """A connection that is let in late, as one that is being turned away, has no role for a moment."""

    async def probed() -> dict[str, Any]:
        slow = {"application_name": "slow", "post_auth_delay": "1"}
        late = asyncio.create_task(asyncpg.connect(server.dsn(), server_settings=slow))
        await asyncio.sleep(0.3)
        try:
            return await connection_limit.probe(server.dsn(), server.dsn())
        finally:
            await (await late).close()

    server = EmbeddedPostgres(max_connections=17)
    server.start()
    try:
        found = asyncio.run(probed())
    finally:
        server.stop()
    assert found["held"]["slow"] == 1
    assert found["limit"] == sum(found["held"].values()) == 17


@pytest.mark.slow
def test_the_empty_data_are_made_once_for_a_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(derived, "CACHE", tmp_path)
    made: list[list[str]] = []
    run = postgres._run

    def counted(command: list[str], cwd: Path) -> None:
        made.append(command)
        run(command, cwd)

    monkeypatch.setattr(postgres, "_run", counted)
    for times in (1, 1, 2):
        if times == 2:  # a file that is torn is none
            (kept,) = (tmp_path / "derived" / "postgres").glob("*.tar")
            kept.write_bytes(kept.read_bytes()[: 2**20])
        server = EmbeddedPostgres()
        server.start()
        try:
            assert asyncio.run(ask(server.dsn(), "SELECT 7")) == 7
        finally:
            server.stop()
        assert len(made) == times


def test_it_may_live_in_a_given_folder() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        server = EmbeddedPostgres(Path(folder) / "pg", synchronous_commit=True)
        server.start()
        try:
            assert asyncio.run(ask(server.dsn(), "SHOW synchronous_commit")) == "on"
        finally:
            server.stop()
        assert list(Path(folder).iterdir()) == []


def test_a_server_that_cannot_start_says_why_and_leaves_nothing() -> None:
    server = EmbeddedPostgres(options={"shared_buffers": "nonsense"})
    with pytest.raises(PostgresError, match="shared_buffers"):
        server.start()
    assert not server.home.exists()


def test_a_path_that_is_too_long_for_a_socket_is_said_in_postgres_own_words() -> None:
    server = EmbeddedPostgres(Path(tempfile.gettempdir()) / ("x" * 110) / "pg")
    try:
        with pytest.raises(PostgresError, match=r"too long \(maximum 107 bytes\)") as refused:
            server.start()
        assert "\n" not in str(refused.value)
    finally:
        server.home.parent.rmdir()
    assert not server.home.exists()


def test_killed_it_comes_back_with_its_data() -> None:
    server = EmbeddedPostgres(synchronous_commit=True)
    server.start()
    try:
        asyncio.run(ask(server.dsn(), "CREATE TABLE kept AS SELECT 7 AS n"))
        before = server.pid
        server.kill()
        assert not psutil.pid_exists(before)
        server.resume()
        assert server.pid != before
        assert asyncio.run(ask(server.dsn(), "SELECT n FROM kept")) == 7
        server.kill()
    finally:
        server.stop()
    assert not server.home.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="the parent-death signal is Linux'")
def test_it_dies_with_its_starter() -> None:
    code = (
        "from fakes.database.postgres import EmbeddedPostgres\n"
        "server = EmbeddedPostgres(); server.start(); print(server.pid, server.home, flush=True); input()"
    )
    starter = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, text=True
    )
    with starter:
        assert starter.stdout is not None
        pid, home = starter.stdout.readline().split()
        starter.send_signal(signal.SIGKILL)
    wait_gone(int(pid))
    subprocess.run(["rm", "-rf", home], check=True)

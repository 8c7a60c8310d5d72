"""Started by root, Postgres and PgBouncer run as `nobody`: no way to our secrets, nor to a file of ours."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from fakes.database import pgbouncer
from fakes.database.handed_over import as_whom
from fakes.database.postgres import EmbeddedPostgres
from fakes.settings import DatabaseSettings, StackSettings
from fakes.stack.start import start_stack
from tests.support import needs

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(os.geteuid() != 0 or sys.platform != "linux", reason=needs.ROOT_ALONE),
]
SENTINEL = "s3ntinel-of-the-environment"


def environment(pid: int) -> str:
    return Path(f"/proc/{pid}/environ").read_bytes().replace(b"\0", b"\n").decode(errors="replace")


def test_no_child_of_the_stack_holds_our_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INFLUXDB_V2_TOKEN", SENTINEL)
    monkeypatch.setenv("WEB_PASSWORD", SENTINEL)
    monkeypatch.setenv("SOMETHING_OF_THE_SHELL", SENTINEL)
    stack = start_stack(StackSettings(database=DatabaseSettings(mode="pooler")), [], tmp_path / "log")
    try:
        supervisor = psutil.Process(stack.pids["stack"])
        family = {child.pid: child.name() for child in supervisor.children(recursive=True)}
        assert len(family) > 10, family
        assert {"postgres"} <= set(family.values())
        assert pgbouncer.installed() is None or "pgbouncer" in family.values()
        for pid, name in {**family, supervisor.pid: "stack"}.items():
            assert SENTINEL not in environment(pid), name
            assert name == "postgres" or "PATH=" in environment(pid), name  # it writes its title over it
    finally:
        stack.stop()


def test_no_link_of_nobodys_is_followed(tmp_path: Path) -> None:
    """What `nobody` puts into its folder while the server is down is neither written through nor read."""
    tmp_path.parent.chmod(0o755)
    victim = tmp_path / "victim"
    victim.write_text("ours\n")
    victim.chmod(0o600)
    server = EmbeddedPostgres()
    server.start()
    try:
        server.kill()
        for name in ("log", "data/postmaster.pid"):
            place = server.home / name
            relink = f"rm -f {place} && ln -s {victim} {place}"
            subprocess.run(["sh", "-c", relink], check=True, **as_whom())
            assert place.is_symlink()
        (server.home / "data" / "postmaster.pid").unlink()  # Postgres itself would not start over a link
        before = server.log_size
        server.resume()
        assert server.log_size > before
    finally:
        server.stop()
    assert victim.read_text() == "ours\n"
    assert victim.stat().st_uid == 0


def test_what_is_ours_is_handed_over_empty() -> None:
    server = EmbeddedPostgres()
    server.start()
    try:
        assert server.home.stat().st_uid != 0
        assert (server.home / "log").stat().st_uid == 0
        assert server.home.stat().st_mode & 0o777 == 0o700
    finally:
        server.stop()

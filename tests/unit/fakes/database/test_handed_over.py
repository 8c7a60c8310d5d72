"""A server's folder: new, its log open before anybody else may put anything there; no link is followed."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from typing import Any

import pytest

from fakes.database.handed_over import HandedOver, as_whom, read_unlinked, unprivileged
from fakes.database.postgres import EmbeddedPostgres, PostgresError, complaint
from fakes.processes import libc


def test_it_is_new_and_closed_to_others(tmp_path: Path) -> None:
    folder = HandedOver(tmp_path / "a" / "pg")
    assert folder.folder.stat().st_mode & 0o777 == 0o700
    assert (folder.folder / "log").stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        HandedOver(tmp_path / "a" / "pg")
    folder.close()
    folder.close()


def test_its_log_is_what_was_opened_whatever_is_there_now(tmp_path: Path) -> None:
    folder = HandedOver(tmp_path / "pg")
    victim = tmp_path / "victim"
    victim.write_text("ours")
    (folder.folder / "log").unlink()
    (folder.folder / "log").symlink_to(victim)
    os.write(folder.log, "début\nend\n".encode())
    assert folder.said() == "début\nend\n"
    assert folder.said(7) == "end\n"
    assert folder.log_size == 11
    assert victim.read_text() == "ours"
    folder.close()


def test_a_link_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    assert read_unlinked(tmp_path / "file") == "text"
    for name in ("link", "nothing"):
        with pytest.raises(OSError, match=name):
            read_unlinked(tmp_path / name)


@pytest.mark.parametrize("uid", [0, 1000])
def test_root_has_nobody_stand_in(uid: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    monkeypatch.setenv("WEB_PASSWORD", "s3cret")
    nobody = pwd.getpwnam("nobody")
    assert unprivileged() == (None if uid else (nobody.pw_uid, nobody.pw_gid))
    whom = as_whom()
    assert "s3cret" not in str(whom)
    assert ("user" in whom) == (uid == 0)


def test_a_passwd_without_nobody_and_without_us(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any) -> Any:
        raise KeyError

    monkeypatch.setattr(pwd, "getpwnam", unknown)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert unprivileged() == (65534, 65534)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.setattr(os, "geteuid", lambda: 54321)
    server = EmbeddedPostgres()
    with pytest.raises(
        PostgresError, match=r"^user 54321 has no name in passwd, .* allowed: a user with one, or"
    ):
        server.start()
    assert not server.home.exists()


WHEN = "2026-11-26 10:00:00.123 UTC "
TOO_LONG = (
    '[7] LOG:  Unix-domain socket path "/x" is too long (maximum 107 bytes)',
    '[7] WARNING:  could not create Unix-domain socket in directory "/x"',
    "[7] FATAL:  could not create any Unix-domain sockets",
)
SHUT_DOWN = "[7] LOG:  database system is shut down"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ((), "its log is empty"),
        (("[7] LOG:  starting",), "[7] LOG:  starting"),
        (("[7] LOG:  starting", *TOO_LONG, SHUT_DOWN), "; ".join(TOO_LONG)),
    ],
)
def test_postgres_own_words_are_told(said: tuple[str, ...], told: str) -> None:
    assert complaint("".join(f"{WHEN}{line}\n" for line in said)) == told


def test_only_its_own_shared_memory_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As root we could remove anybody's, and the file that names it is not ours."""
    file = tmp_path / "postmaster.pid"
    file.write_text("1\n/d\n0\n5432\n/s\n\n  5432001  4711\nready\n")
    removed: list[int] = []

    class Library:
        def shmctl(self, segment: int, *_: Any) -> None:
            removed.append(segment)

    monkeypatch.setattr(libc, "_libc", Library())
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    for owner in (None, 99_999, file.stat().st_uid):
        monkeypatch.setattr(libc, "_owner_of", lambda segment, owner=owner: owner)
        libc.remove_shared_memory(file)
    assert removed == [4711]
    (tmp_path / "link").symlink_to(file)
    libc.remove_shared_memory(tmp_path / "link")
    assert removed == [4711]

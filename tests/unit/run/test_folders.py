"""Where runs go, wherever the command was started."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli.launch import carried_on
from common.errors import ConfigError
from common.paths import ROOT
from run import active_runs, folders
from run.folders import check_out, make_dir, run_dir, stamped


def test_a_runs_folder_is_the_starters_own_and_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Probes and the verdict run in the checkout, and must find it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(folders, "RESULTS", tmp_path / "results")
    assert run_dir("mine", "burst") == tmp_path / "mine"
    assert run_dir(None, "burst").parent == tmp_path / "results"


def test_a_folder_of_its_own_is_made_at_once_and_taken_by_one_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = stamped("burst", tmp_path)
    named = [one, one, tmp_path / "next"]
    monkeypatch.setattr(folders, "new_dir", lambda results, name: named.pop(0))  # both saw the first free
    first, second = (make_dir(tmp_path, "burst") for _ in range(2))
    assert first.is_dir()
    assert (second, second.is_dir()) == (tmp_path / "next", True)


def test_where_no_folder_can_be_made_the_run_that_wants_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("no folder can be made here")
    made = make_dir(tmp_path / "results", "burst")
    with pytest.raises(NotADirectoryError):
        made.mkdir(parents=True, exist_ok=True)


ANNOUNCED = """
import sys
from pathlib import Path
from run import active_runs
with active_runs.announced(Path(sys.argv[1]), Path(sys.argv[2])):
    print("ready", flush=True)
    sys.stdin.read()
"""


def test_a_folder_that_another_command_works_in_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "RESULTS", tmp_path)
    out = tmp_path / "mine"
    out.mkdir()
    (tmp_path / "link").symlink_to(out)
    with active_runs.announced(tmp_path, out):  # it is this very process
        check_out(str(out))
    with subprocess.Popen(
        [sys.executable, "-c", ANNOUNCED, str(tmp_path), str(out)], cwd=ROOT,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as other:  # fmt: skip
        assert other.stdout is not None
        assert other.stdout.readline() == b"ready\n"
        for name in ("mine", "link"):
            with pytest.raises(ConfigError, match=f"--out: .* is in use by process {other.pid}, allowed: "):
                check_out(str(tmp_path / name))
        (out / "tune.json").touch()
        with pytest.raises(ConfigError, match="is in use by process"):
            carried_on.before(out, "tune.json", Path.read_text, {})
        check_out(str(tmp_path / "another"))
        other.communicate()
    (out / "tune.json").unlink()
    check_out(str(out))


def test_a_mark_that_cannot_be_taken_away_ends_no_run(tmp_path: Path) -> None:
    with active_runs.announced(tmp_path, tmp_path / "run"):
        (tmp_path / ".running" / f"{os.getpid()}.json").unlink()
        (tmp_path / ".running" / f"{os.getpid()}.json").mkdir()

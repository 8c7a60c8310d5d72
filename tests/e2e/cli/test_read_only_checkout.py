"""A checkout that cannot be written, as in a container: a run goes where OUT says, wherever it is started."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Final

import pytest

from common.paths import ROOT
from tests.support import needs
from tests.support.recorder.attack import Plan, Run, as_a_user
from tests.support.recorder.handle import recorder

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

PLAN: Final = Plan(accounts=5, rate=4, seconds=1)
READ_ONLY: Final = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift && exec "$@"'
REPORT: Final = ("verdicts.json", "report.html", "junit.xml", "end.json", "run.log")


def mounted(*command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The command, where the checkout is read-only; needs a namespace of its own."""
    words = ["unshare", "--mount", "sh", "-c", READ_ONLY, "sh", str(ROOT), *command]
    return subprocess.run(
        words, check=False, cwd=cwd, capture_output=True, text=True, timeout=90, env=as_a_user()
    )


def may_mount() -> bool:
    return os.geteuid() == 0 and mounted("true", cwd=Path("/")).returncode == 0


@pytest.mark.skipif(not may_mount(), reason=needs.ROOT_ALONE)
@pytest.mark.parametrize("empty", [False, True], ids=["new", "empty-folder"])
def test_a_run_of_a_read_only_checkout_goes_where_it_is_told(tmp_path: Path, empty: bool) -> None:
    out = tmp_path / "artifacts" / "run"
    if empty:
        out.mkdir(parents=True)
    with recorder(0.01) as server:
        words = [str(PLAN.scenario(tmp_path)), "--target", str(PLAN.target(tmp_path, server.base_url))]
        done = mounted(str(ROOT / "bin" / "attack"), *words, "--out", "artifacts/run", cwd=tmp_path)
    assert done.returncode in (0, 3), done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert [name for name in REPORT if not (out / name).exists()] == []
    run = Run(out)
    run.check_ledger()
    assert run.arrivals["sent"] == PLAN.per_second * PLAN.seconds

"""The prober as its starter sees it: that it died, or was killed, is never passed over."""

from __future__ import annotations

import subprocess
from io import BytesIO
from pathlib import Path

import pytest

from telemetry.probing.probe_process import ProbeProcess


class Prober:
    """A process that is ready; `code`: what it ended with by itself, None: it does not end."""

    def __init__(self, code: int | None) -> None:
        self.returncode = code
        self.stdin, self.stdout = BytesIO(), BytesIO(b"ready\n")

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            raise subprocess.TimeoutExpired("probes", timeout or 0.0)
        return self.returncode

    def kill(self) -> None:
        self.returncode = -9


def probes(code: int | None, folder: Path, monkeypatch: pytest.MonkeyPatch) -> ProbeProcess:
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: Prober(code))
    return ProbeProcess(folder, 100.0, {"edge": "http://127.0.0.1:1/metrics"})


@pytest.mark.parametrize(
    ("code", "said"), [(-9, -9), (3, 3), (None, -9)], ids=["killed", "disk full", "does not end"]
)
def test_probes_that_did_not_look_to_the_end_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int | None, said: int
) -> None:
    made = probes(code, tmp_path, monkeypatch)
    assert made.ended == (code is not None)
    with pytest.raises(OSError, match=rf"not looked at to the end \(exit code {said}\): see .*run\.log"):
        made.finish()


def test_those_that_did_say_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    probes(0, tmp_path, monkeypatch).finish()

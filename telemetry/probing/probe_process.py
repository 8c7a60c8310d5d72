"""Starts and ends the probes (`telemetry.probing.probes`) beside a run; subprocess and pipes only."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO, Final

from common.paths import ROOT
from common.secrets.environment import minimal

END_WITHIN: Final = 10.0


class ProbeProcess:
    """A running prober; it ends with its starter, because its stdin is a pipe of ours."""

    def __init__(
        self,
        run_dir: Path,
        start_at: float,
        sources: Mapping[str, str],
        *,
        pinned: Mapping[str, str] | None = None,
        names: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        ca: str | None = None,
        verify: bool = True,
    ) -> None:
        """Start, and return when the baseline is on disk. `start_at` is monotonic seconds.

        `pinned`: source → the address of its host, where the name must not be asked for again. `headers` go
        with every scrape; they may be secrets, so they reach the process through memory alone.
        """
        command = [sys.executable, "-m", "telemetry.probing.probes", "--out", str(run_dir / "target.jsonl")]
        command += ["--start-monotonic", repr(start_at), "--sources-on-stdin"]
        for name, address in (pinned or {}).items():
            command += ["--pin", f"{name}={address}"]
        if names:
            mapping = run_dir / "metric-names.json"
            mapping.write_text(json.dumps(dict(names)))
            command += ["--map", str(mapping)]
        command += ["--ca", ca] if ca else []
        command += [] if verify else ["--insecure"]
        with (run_dir / "run.log").open("ab") as log, _in_memory(headers or {}) as held:
            self._process = subprocess.Popen(
                [*command, "--headers", f"/proc/self/fd/{held.fileno()}"], cwd=ROOT, stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=log, pass_fds=[held.fileno()], process_group=0, env=minimal(),
            )  # fmt: skip
        self._log = run_dir / "run.log"
        self._tell_sources(sources)
        assert self._process.stdout is not None
        if not self._process.stdout.readline():
            raise OSError(f"the probes did not start: see {self._log}")

    def _tell_sources(self, sources: Mapping[str, str]) -> None:
        """By its stdin: a URL may hold a key, and everybody may read a command line."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it ended at once, and says why in the log
            self._process.stdin.write(json.dumps(dict(sources)).encode() + b"\n")
            self._process.stdin.flush()

    @property
    def ended(self) -> bool:
        """Nobody looks at the target any more."""
        return self._process.poll() is not None

    def finish(self) -> None:
        """Have it scrape once more, and end. Raises OSError where it did not look to the end."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(END_WITHIN)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        if code := self._process.returncode:
            raise OSError(f"the target was not looked at to the end (exit code {code}): see {self._log}")


def _in_memory(headers: Mapping[str, str]) -> BinaryIO:
    """A file that no disk sees."""
    held = os.fdopen(os.memfd_create("headers"), "w+b")
    held.write(json.dumps(dict(headers)).encode())
    held.flush()
    return held

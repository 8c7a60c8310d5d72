"""Starts the bundled stack from another program and gives a handle to it.

    stack = start_stack(settings, ["ip-limit"], log=run_dir / "run.log")

Made for a process that gevent has patched: nothing but subprocesses, pipes, select and urllib; no asyncio
and no thread. The stack ends when `stop` is called, and when this process dies in any way: it holds the
only writing end of a pipe that the supervisor reads.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import Any, Final

from common.paths import ROOT
from common.secrets.environment import minimal
from common.secrets.secret import REVEALED
from fakes.settings import StackSettings
from fakes.stack.attach import STATE, attach
from fakes.stack.handle import StackError, StackHandle

EXIT_TIMEOUT: Final = 5.0


class StartedStack(StackHandle):
    """A stack of our own: it ends with this handle."""

    def __init__(self, process: subprocess.Popen[bytes], life: FileIO, state: Mapping[str, Any]) -> None:
        super().__init__(state)
        self._process, self._life = process, life

    def alive(self) -> bool:
        """Whether its supervisor runs."""
        return self._process.poll() is None

    def stop(self, timeout: float = 20.0) -> None:
        """End the stack and wait until nothing of it is left."""
        self._life.close()
        try:
            code = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()  # its children and the reaper see that and clean up
            self._process.wait()
            raise StackError(f"the stack did not end within {timeout:g} s and was killed") from None
        if code > 0:
            raise StackError(f"the stack ended with exit code {code}")


def start_stack(
    settings: StackSettings,
    protections: Iterable[str],
    log: Path,
    timeout_s: float = 60.0,
    owned: str | None = None,
) -> StackHandle:
    """Start a stack and wait until it is healthy; what it has to say is appended to `log`.

    `owned`: the host, off loopback, whose database the settings may name.

    Where `STACK_STATE` names the state file of a stack that runs already, it is used instead
    (`fakes.stack.attach`). Raises StackError if it is not healthy within `timeout_s` seconds.
    """
    if running := os.environ.get(STATE):
        return attach(Path(running), settings, protections, timeout_s)
    began = log.stat().st_size if log.exists() else 0
    process, life, stdout_read = _spawn(protections, log, timeout_s, owned)
    try:
        _send_settings(process, settings)
        line = _first_line(stdout_read, time.monotonic() + timeout_s + EXIT_TIMEOUT)
        if not line.startswith("ready "):
            raise StackError(_last_log_line(log, began))
        state = json.loads(Path(line.removeprefix("ready ")).read_text())
    except BaseException:
        life.close()
        _await_end(process)
        raise
    finally:
        os.close(stdout_read)
    return StartedStack(process, life, state)


def _spawn(
    protections: Iterable[str], log: Path, timeout_s: float, owned: str | None
) -> tuple[subprocess.Popen[bytes], FileIO, int]:
    theirs, life = os.pipe()
    stdout_read, stdout_write = os.pipe()
    command = [
        sys.executable, "-m", "fakes.stack", "--settings", "-", "--protections", ",".join(protections),
        "--life-fd", str(theirs), "--timeout", str(timeout_s),
        *(["--i-own-this-host", owned] if owned is not None else []),
    ]  # fmt: skip
    try:
        with log.open("ab") as errors:
            process = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.PIPE, stdout=stdout_write, stderr=errors,
                pass_fds=(theirs,), start_new_session=True, env=minimal(),
            )  # fmt: skip
    except BaseException:
        os.close(life)
        os.close(stdout_read)
        raise
    finally:
        os.close(theirs)
        os.close(stdout_write)
    # A file, because gevent's os.close does not close before its loop has turned once more.
    return process, FileIO(life, "wb"), stdout_read


def _send_settings(process: subprocess.Popen[bytes], settings: StackSettings) -> None:
    assert process.stdin is not None
    with suppress(BrokenPipeError), process.stdin as stdin:
        stdin.write(settings.model_dump_json(context=REVEALED).encode())


def _first_line(fd: int, deadline: float) -> str:
    """The first line of a pipe; what there was of it at EOF or at the deadline (monotonic seconds)."""
    text = b""
    while b"\n" not in text and (left := deadline - time.monotonic()) > 0:
        if select.select([fd], [], [], left)[0]:
            chunk = os.read(fd, 4096)
            if not chunk:
                break
            text += chunk
    return text.decode().partition("\n")[0]


def _await_end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(EXIT_TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _last_log_line(log: Path, began: int) -> str:
    """The last line that the stack left in the log."""
    with log.open("rb") as file:
        file.seek(began)
        lines = [line.strip() for line in file.read().decode(errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else "the stack did not start, and left no word in its log"

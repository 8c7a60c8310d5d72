"""Starts the bundled stack from another program and gives a handle to it.

    stack = launch.start(settings, ["ip-limit"], log=run_dir / "run.log")
    stack.base_url, stack.metrics, stack.signing, stack.put_protections([…]), stack.stop()

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
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any, Final

from fakes.settings import StackSettings

ROOT: Final = Path(__file__).resolve().parents[1]
ANSWER_WITHIN: Final = 30.0  # seconds; a restart of a process is part of it
LAST_WORDS: Final = 5.0
_DIRECT: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class StackError(RuntimeError):
    """The stack did not start, or did not obey; one line that says why."""


@dataclass(frozen=True, slots=True)
class Signing:
    """How tokens for this stack are signed: the private key as PEM, its kid, issuer and algorithm."""

    key: str
    kid: str
    issuer: str
    algorithm: str


class Handle:
    """A running stack. Every command raises StackError with one line if it was not obeyed."""

    def __init__(self, process: subprocess.Popen[bytes], life: FileIO, state: Mapping[str, Any]) -> None:
        self._process, self._life = process, life
        self.base_url: str = state["base_url"]
        self.metrics: dict[str, str] = state["metrics"]
        self.control_url: str = state["control_url"]
        self.control_token: str = state["control_token"]
        self.signing = Signing(**state["signing"])
        self.pids: dict[str, int | None] = state["pids"]

    def state(self) -> dict[str, Any]:
        """What is in force, how each process is, and the events so far (`monotonic` times)."""
        return self._ask("GET", "/state")

    def put_protections(self, names: Iterable[str]) -> None:
        """Put exactly these protections in force."""
        self._ask("PUT", "/protections", {"names": list(names)})

    def put_settings(self, part: Mapping[str, Any]) -> None:
        """Merge a part of the settings tree into those in force."""
        self._ask("PUT", "/settings", part)

    def add_fault(self, fault: Mapping[str, Any]) -> str:
        """Put one more fault in force; gives its id."""
        return str(self._ask("POST", "/faults", fault)["id"])

    def clear_fault(self, fault_id: str) -> None:
        """Undo one fault."""
        self._ask("DELETE", f"/faults/{fault_id}")

    def clear_faults(self) -> None:
        """Undo every fault."""
        self._ask("DELETE", "/faults")

    def reset(self) -> None:
        """Forget counters, windows, quotas and peaks; empty the money's tables."""
        self._ask("POST", "/reset")

    def consistency(self) -> dict[str, Any]:
        """The books of the run so far, once nothing moves (`fakes.consistency`)."""
        return self._ask("GET", "/consistency")

    def connections(self) -> dict[str, Any]:
        """Where the connection limit is: opens connections until refused (`fakes.connection_limit`)."""
        return self._ask("POST", "/connections")

    def kill(self, process: str, signal: str = "KILL") -> None:
        """Send a process KILL, TERM, STOP or CONT."""
        self._ask("POST", "/kill", {"process": process, "signal": signal})

    def restart(self, process: str) -> None:
        """Start a process again; returns when it answers."""
        self._ask("POST", "/restart", {"process": process})

    def alive(self) -> bool:
        """Whether the supervisor runs."""
        return self._process.poll() is None

    def stop(self, timeout: float = 20.0) -> None:
        """End the stack and wait until nothing of it is left. May be called twice."""
        self._life.close()
        try:
            code = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()  # its children and the reaper see that and clean up
            self._process.wait()
            raise StackError(f"the stack did not end within {timeout:g} s and was killed") from None
        if code > 0:
            raise StackError(f"the stack ended with exit code {code}")

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        request = urllib.request.Request(
            self.control_url + path, None if body is None else json.dumps(body).encode(), method=method,
            headers={"X-Control-Token": self.control_token, "Content-Type": "application/json"},
        )  # fmt: skip
        try:
            with _DIRECT.open(request, timeout=ANSWER_WITHIN) as answer:
                return dict(json.load(answer))
        except urllib.error.HTTPError as error:
            with error:
                raise StackError(_reason(error)) from None
        except (OSError, ValueError) as error:
            raise StackError(f"the stack's control API gave no answer: {error}") from None


def start(settings: StackSettings, protections: Iterable[str], log: Path, timeout_s: float = 60.0) -> Handle:
    """Start a stack and wait until it is healthy; what it has to say is appended to `log`.

    Where `STACK_STATE` names the state file of a stack that runs already, it is used instead
    (`fakes.attach`). Raises StackError if it is not healthy within `timeout_s` seconds.
    """
    if running := os.environ.get("STACK_STATE"):
        from fakes.attach import attach

        return attach(Path(running), settings, protections, timeout_s)
    began = log.stat().st_size if log.exists() else 0
    process, life, said = _spawn(protections, log, timeout_s)
    try:
        _tell(process, settings)
        line = _first_line(said, time.monotonic() + timeout_s + LAST_WORDS)
        if not line.startswith("ready "):
            raise StackError(_why(log, began))
        state = json.loads(Path(line.removeprefix("ready ")).read_text())
    except BaseException:
        life.close()
        _await_end(process)
        raise
    finally:
        os.close(said)
    return Handle(process, life, state)


def _spawn(
    protections: Iterable[str], log: Path, timeout_s: float
) -> tuple[subprocess.Popen[bytes], FileIO, int]:
    theirs, life = os.pipe()
    said, saying = os.pipe()
    command = [
        sys.executable, "-m", "fakes.stack", "--settings", "-", "--protections", ",".join(protections),
        "--life-fd", str(theirs), "--timeout", str(timeout_s),
    ]  # fmt: skip
    try:
        with log.open("ab") as errors:
            process = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.PIPE, stdout=saying, stderr=errors,
                pass_fds=(theirs,), start_new_session=True,
            )  # fmt: skip
    except BaseException:
        os.close(life)
        os.close(said)
        raise
    finally:
        os.close(theirs)
        os.close(saying)
    # A file, because gevent's os.close does not close before its loop has turned once more.
    return process, FileIO(life, "wb"), said


def _tell(process: subprocess.Popen[bytes], settings: StackSettings) -> None:
    assert process.stdin is not None
    with suppress(BrokenPipeError), process.stdin as stdin:
        stdin.write(settings.model_dump_json().encode())


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
        process.wait(LAST_WORDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _why(log: Path, began: int) -> str:
    """The last line that the stack left in the log."""
    with log.open("rb") as file:
        file.seek(began)
        lines = [line.strip() for line in file.read().decode(errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else "the stack did not start, and left no word in its log"


def _reason(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.load(error)["error"])
    except (ValueError, LookupError, OSError):
        return f"the stack's control API answered {error.code}"

"""Start a whole run of the load engine as a user would, and read what it left behind.

It knows the run folder by docs/architecture.md and imports none of the engine.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import psutil
import yaml
from numpy.typing import NDArray

from common.paths import ROOT
from telemetry.recording.sample import REASONS, SAMPLE, Flag, Outcome, read_samples
from tests.support import warm_runs

START_WITHIN: Final = 60.0
END_WITHIN: Final = 90.0


@dataclass(frozen=True)
class Plan:
    """An attack on a server of the tests: `accounts` × `rate` per second for `seconds`."""

    accounts: int = 100
    rate: float = 3.0
    seconds: float = 8.0
    timeout: float = 35.0
    path: str = "/v1/mcp"
    text: str = "x"  # travels in each request
    workers: int = 0
    scenario_keys: dict[str, Any] = field(default_factory=dict)  # beside, or in place of, the usual ones
    target_keys: dict[str, Any] = field(default_factory=dict)

    @property
    def per_second(self) -> float:
        return self.accounts * self.rate

    def scenario(self, folder: Path) -> Path:
        """The scenario's file."""
        file = folder / "attack.yaml"
        tool = {"module": "notion", "tool": "get_page", "params": {"page_id": self.text}}
        content = {
            "title": "Attack of a test",
            "duration": self.seconds,
            "accounts": {"count": self.accounts, "ips": "per-account"},
            "rate": self.rate,
            "tools": [tool],
            **self.scenario_keys,
        }
        file.write_text(yaml.safe_dump(content))
        return file

    def target(self, folder: Path, base_url: str) -> Path:
        """The target's file."""
        file = folder / "target.yaml"
        content = {
            "name": "test-server",
            "base_url": base_url,
            "path": self.path,
            "client_ip_header": "CF-Connecting-IP",
            "auth": {"algorithm": "EdDSA", "kid": "key-1", "claims": {"sub": "{account}"}, "ttl": "30s"},
            "timeout": self.timeout,
            **self.target_keys,
        }
        file.write_text(yaml.safe_dump(content))
        return file

    def words(self, base_url: str, folder: Path) -> list[str]:
        """What `bin/attack` is told of it."""
        workers = ["--workers", str(self.workers)] if self.workers else []
        return [str(self.scenario(folder)), *workers, "--target", str(self.target(folder, base_url))]


def as_a_user() -> dict[str, str]:
    """The environment without what the tests set for themselves: Locust patches what it always does."""
    return {key: value for key, value in os.environ.items() if key != "LOCUST_SKIP_MONKEY_PATCH"}


class Run:
    """A run folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def _json(self, name: str) -> Any:
        return json.loads((self.folder / name).read_text())

    @cached_property
    def manifest(self) -> Any:
        return self._json("run.json")

    @cached_property
    def verdicts(self) -> Any:
        return self._json("verdicts.json")

    @property
    def arrivals(self) -> Any:
        return self.verdicts["arrivals"]

    @property
    def start(self) -> float:
        """The schedule's zero on the monotonic clock."""
        return float(self.manifest["start_monotonic"])

    @property
    def lag(self) -> float:
        """Seconds that the run itself was behind at most: what a busy machine adds to bounds on its times."""
        return float(self.arrivals["start_delay_ms"]["max"] or 0.0) / 1000

    @cached_property
    def samples(self) -> NDArray[np.void]:
        """Every sample of every worker."""
        files = sorted(self.folder.glob("samples-*.bin"))
        return np.asarray(np.concatenate([np.empty(0, dtype=SAMPLE), *map(read_samples, files)]))

    @property
    def planned(self) -> NDArray[np.void]:
        """The samples of scheduled arrivals alone."""
        return np.asarray(self.samples[(self.samples["flags"] & Flag.EXTRA) == 0])

    @cached_property
    def ledger(self) -> list[dict[str, Any]]:
        """Every whole ledger line of every worker, in order of time."""
        lines = []
        for file in self.folder.glob("ledger-*.jsonl"):
            for line in file.read_text().splitlines():
                with contextlib.suppress(json.JSONDecodeError):
                    lines.append(json.loads(line))
        return sorted(lines, key=lambda line: float(line["t"]))

    @property
    def log(self) -> str:
        """All of run.log; "" if there is none."""
        file = self.folder / "run.log"
        return file.read_text() if file.exists() else ""

    def outcomes(self) -> Counter[str]:
        """How scheduled arrivals ended: `ok`, `aborted`, `dropped`, or the reason of a failure."""
        return Counter(
            REASONS[sample["reason"]]
            if sample["outcome"] == Outcome.FAILED
            else Outcome(sample["outcome"]).name.lower()
            for sample in self.planned
        )

    def check_ledger(self) -> None:
        """The sums that hold for every run, and that samples and verdict say the same."""
        a, outcomes, flags = self.arrivals, self.planned["outcome"], self.samples["flags"]
        assert a["planned"] == a["sent"] + a["dropped"] + a["unknown"]
        assert a["sent"] == a["ok"] + a["failed"] + a["aborted"]
        for outcome in Outcome:
            assert a[outcome.name.lower()] == (outcomes == outcome).sum(), outcome.name
        assert a["extra"] == ((flags & Flag.EXTRA) != 0).sum()
        assert len(np.unique(self.planned["index"])) == len(self.planned), "an arrival has two samples"


def planned(plan: Plan, base_url: str, folder: Path) -> list[str]:
    """The command of a plan: plain Locust, or `bin/attack` where there are workers."""
    words = plan.words(base_url, folder)
    if plan.workers:
        return [str(ROOT / "bin" / "attack"), *words]
    return [*(sys.executable, "-m", "locust", "-f", "locustfile.py", "--headless", "--scenario"), *words]


class Attack:
    """A run in progress, in a session of its own so that whatever it leaves behind is found."""

    def __init__(
        self,
        plan: Plan,
        base_url: str,
        folder: Path,
        end_within: float,
        env: Mapping[str, str] | None = None,
        more: Sequence[str] = (),
        command: list[str] | None = None,
        warm: bool = False,
    ) -> None:
        """`command`: words for `bin/attack` in place of the plan's; `warm`: see `attack`."""
        self.run = Run(folder / "run")
        self.exit_code: int | None = None
        self._end_within = end_within
        self._console = folder / "console.log"
        environment = as_a_user() if env is None else dict(env)
        out = ["--out", str(self.run.folder), *more]
        self._process: subprocess.Popen[bytes] | warm_runs.WarmRun
        if warm:
            words = [*(plan.words(base_url, folder) if command is None else command), *out]
            self._process = warm_runs.start(words, ROOT, environment, self._console)
            return
        given = [str(ROOT / "bin" / "attack"), *(command or ())]
        words = planned(plan, base_url, folder) if command is None else given
        with self._console.open("wb") as console:
            self._process = subprocess.Popen(
                [*words, *out], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=console, stderr=console,
                start_new_session=True, env=environment,
            )  # fmt: skip

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def console(self) -> str:
        return self._console.read_text(errors="replace")

    def wait_until(self, t: float) -> float:
        """Sleep until `t` seconds after the schedule's zero; the zero on the monotonic clock."""
        limit = time.monotonic() + START_WITHIN
        while not (self.run.folder / "run.json").exists():
            assert self._process.poll() is None, self.console
            assert time.monotonic() < limit, f"the run did not start: {self.console}"
            time.sleep(0.05)
        time.sleep(max(0.0, self.run.start + t - time.monotonic()))
        return self.run.start

    def signal(self, number: signal.Signals) -> float:
        """Send a signal to the run's process; the instant before."""
        now = time.monotonic()
        self._process.send_signal(number)
        return now

    def ctrl_c(self) -> None:
        """What a terminal does: every process of the group in front hears it."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGINT)

    def wait(self) -> Run:
        """Wait for its end; subprocess.TimeoutExpired when it takes longer than it was given."""
        self.exit_code = self._process.wait(self._end_within)
        return self.run

    def wait_for_refusal(self, says: str) -> None:
        """It ends with exit code 2 and one line, and leaves no folder and no process."""
        self.exit_code = self._process.wait(self._end_within)
        assert self.exit_code == 2, self.console
        assert says in self.console
        said = [line for line in self.console.splitlines() if "/INFO/locust.main: " not in line]
        assert len(said) == 1, self.console
        assert not self.run.folder.exists()
        assert not self.left_over()

    def ended_by_itself(self) -> bool:
        """With a verdict; of so few calls one that a machine's pause made late is enough for `invalid`."""
        late_alone = all("calls late" in why for why in self.run.verdicts["invalid_because"])
        return self.exit_code in (0, 3) and late_alone

    def left_over(self) -> list[str]:
        """What still runs of it."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, ProcessLookupError):
                if os.getsid(process.pid) == self._process.pid and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(" ".join(process.cmdline()))
        return found

    def end(self) -> None:
        """Kill it, with all that it started, if it still runs."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


@contextlib.contextmanager
def attack(
    plan: Plan,
    base_url: str,
    folder: Path,
    end_within: float = END_WITHIN,
    env: Mapping[str, str] | None = None,
    more: Sequence[str] = (),
    warm: bool = False,
) -> Iterator[Attack]:
    """A run for the length of a `with` block.

    `env`: its whole environment, this process's if None; `more`: arguments for Locust. `warm`: `bin/attack`,
    forked from a process that has read the suite already, for tests that are about the load alone.
    """
    running = Attack(plan, base_url, folder, end_within, env, more, warm=warm)
    try:
        yield running
    finally:
        running.end()

"""What the phases of one run share: the checked request, its folder, who loads, what was started for it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fakes.settings import StackSettings
from fakes.stack.handle import StackHandle
from run.progress import Progress
from run.stop_watch import StopWatch
from scenarios.schema import Scenario
from targets.schema import Target
from telemetry.exporter import process as exporter_process
from telemetry.recording.event_log import EventLog
from users.accounts.account_client import Token
from users.accounts.jwks_server import JwksServer
from users.cluster.conductor import Conductor
from users.cluster.wire import Wire
from users.mcp.dialect import Dialect


class Once:
    """A clean-up that happens at most once: by the phase whose turn it is, or at the end of a broken run."""

    def __init__(self, call: Callable[[], object]) -> None:
        self._call: Callable[[], object] | None = call

    def __call__(self) -> None:
        """Do it, unless it was done or tried."""
        call, self._call = self._call, None
        if call is not None:
            call()


@dataclass
class RunState:
    """One run under way; filled in by `run.prepare`, then `run.lead`."""

    scenario: Scenario
    target: Target
    dir: Path
    wire: Wire
    baseline: dict[str, Any] | None = None  # the figures of the earlier runs that it is held against
    progress: Progress = field(default_factory=Progress)
    watch: StopWatch = field(init=False)
    stopped: str = ""  # why somebody wants it to end
    exporter: exporter_process.ExporterProcess | None = None
    stack: StackHandle | None = None
    stack_settings: StackSettings | None = None  # that it has in this run
    key_set: JwksServer | None = None  # where the target fetches it from us
    base_url: str = ""
    sources: dict[str, str] = field(default_factory=dict)  # of metrics: name → URL
    pinned: dict[str, str] = field(default_factory=dict)  # source → address
    addresses: tuple[str, ...] = ()  # of the target, for every worker
    quiet: dict[str, float] = field(default_factory=dict)  # label of a slow tool → seconds, before load
    asked_before: list[float] = field(default_factory=list)  # when what was asked was over, monotonic seconds
    dialect: Dialect | None = None  # that the target speaks; None: each group its own
    conductor: Conductor | None = None
    token: Token | None = None  # of a target's first account
    intents: str = field(default_factory=lambda: secrets.token_hex(6))  # what intents' keys begin with
    trace: str = field(default_factory=lambda: secrets.token_hex(8))  # what its traces' ids begin with
    start_at: float = float("nan")  # the run's zero, monotonic seconds
    load_began: bool = False

    def __post_init__(self) -> None:
        asked = (
            (f"target {self.target.name}", self.target.stop_when),
            ("the scenario", self.scenario.stop_when),
        )
        self.watch = StopWatch(asked)

    def say(self, line: str) -> None:
        """A line for whoever looks on."""
        self.progress.say(line)

    def leader(self) -> Conductor:
        """The conductor of a run that is prepared."""
        assert self.conductor is not None
        return self.conductor


@dataclass(frozen=True)
class Load:
    """A load that was led to its end, and the clean-ups that `run.gather` makes in their turn."""

    events: EventLog
    finish_faults: Once
    finish_conductor: Once
    finish_probes: Once

"""`verdicts.json`: what a run came to, as docs and CI rely on it. What could not be seen is null."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal

from msgspec import UNSET, Struct, UnsetType, field

from telemetry.run_folder.end import TelemetryCounts
from telemetry.run_folder.machine import LoadMachine
from telemetry.run_folder.reading import as_struct, json_object

FILE: Final = "verdicts.json"
SCHEMA_VERSION: Final = 1
Number = int | float | None


class VerdictArrivals(Struct, frozen=True, kw_only=True):
    """The ledger: planned = sent + dropped + unknown, sent = ok + failed + aborted."""

    planned: int = 0
    sent: int = 0
    late: int = 0
    dropped: int = 0
    unknown: int = 0
    extra: int = 0
    retries: int = 0
    ok: int = 0
    failed: int = 0
    aborted: int = 0
    start_delay_ms: dict[str, Number] = field(default_factory=dict)


class PointAnswer(Struct, frozen=True, kw_only=True):
    """A point's answer; `figures` by name in base units, `rows` of the table that goes with it."""

    id: str
    question: str
    value: int | float | str | None
    unit: str = ""
    basis: Literal["measured", "modelled"] = "measured"
    subject: str = ""
    threshold: str = ""
    status: Literal["pass", "fail", "info", "invalid"]
    evidence: str = ""
    figures: dict[str, Number] | UnsetType = UNSET
    rows: list[dict[str, Any]] | UnsetType = UNSET


class Failure(Struct, frozen=True, kw_only=True):
    """One kind of failed calls. `status` 0: no answer came; `text`: one example of what was said."""

    status: int
    reason: str
    text: str
    count: int
    first: int | float


class FaultCounts(Struct, frozen=True, kw_only=True):
    """The fault ledger: of a run that proves anything all four are the same."""

    planned: int = 0
    begun: int = 0
    ended: int = 0
    observed: int = 0


class VerdictFile(Struct, frozen=True, kw_only=True):
    """The whole file. Times are seconds, `*_ms` percentiles in milliseconds with their `count`."""

    schema_version: int = SCHEMA_VERSION
    scenario: str
    run: str = ""
    started: str
    duration_s: int | float = 0.0
    target: str
    subject: str = ""
    stack: str = ""
    protections: tuple[str, ...]
    preset: str | None = None
    version: str = ""
    seed: int = 0
    machine: LoadMachine | UnsetType = UNSET
    stop_reason: str
    time_scale: int | float = 1
    workers: int = 1
    workers_lost: tuple[str, ...] = ()
    clocks_ms: dict[str, Number] = field(default_factory=dict)
    telemetry: TelemetryCounts = TelemetryCounts()
    arrivals: VerdictArrivals
    response_ms: dict[str, Number] = field(default_factory=dict)
    service_ms: dict[str, Number] = field(default_factory=dict)
    overhead_ms: dict[str, Number] = field(default_factory=dict)
    status: dict[str, int] = field(default_factory=dict)
    errors: dict[str, int] = field(default_factory=dict)
    refusals: dict[str, int] = field(default_factory=dict)
    failures: tuple[Failure, ...] = ()
    own_limits: dict[str, int] = field(default_factory=dict)
    protocol: str = ""
    sessions: dict[str, int] = field(default_factory=dict)
    addresses: dict[str, dict[str, int]] = field(default_factory=dict)
    faults: FaultCounts = FaultCounts()
    peak_in_flight: int = 0
    points: tuple[PointAnswer, ...]
    unseen_bounds: tuple[str, ...] = ()
    invalid_because: tuple[str, ...] = ()
    starved: str = ""
    broke_first: str = ""
    verdict: Literal["pass", "fail", "invalid", "inconclusive"]


def text(run_dir: Path) -> str:
    """The file as it stands; "" where there is none."""
    path = run_dir / FILE
    return path.read_text("utf-8") if path.exists() else ""


def read(run_dir: Path) -> VerdictFile:
    """A run's verdicts. Raises RunFolderError where there are none, or they are torn."""
    path = run_dir / FILE
    return as_struct(path, json_object(path), VerdictFile)

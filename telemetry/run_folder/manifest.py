"""`run.json`, the manifest: everything that a reader of the run folder needs beside the samples."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct, field

from common.files.atomic_write import write_whole
from common.paths import is_folder
from telemetry.run_folder.machine import LoadMachine
from telemetry.run_folder.reading import RunFolderError, as_struct, json_object

FILE: Final = "run.json"
SCHEMA_VERSION: Final = 1
_NEEDED: Final[dict[str, tuple[type, ...]]] = {
    **dict.fromkeys(("scenario", "target", "machine"), (dict,)),
    **dict.fromkeys(("protections", "tools", "groups", "reasons"), (list,)),
    **dict.fromkeys(("run", "version"), (str,)),
    **dict.fromkeys(("duration_s", "start_wall"), (int, float)),
    "seed": (int,),
    "bundled": (bool,),
}


class RunAccount(Struct, frozen=True, kw_only=True):
    """One account of the run; `group` is the name of its group.

    To the target, accounts of one `user` are one; "" is a user of its own.
    """

    id: str
    ip: str = ""
    tier: str = ""
    group: str = ""
    user: str = ""


class RunStack(Struct, frozen=True, kw_only=True):
    """The bundled stack: its settings by part (`fakes.settings`), its processes' ids by name."""

    settings: dict[str, Any] = field(default_factory=dict)
    processes: dict[str, int | None] = field(default_factory=dict)


class Manifest(Struct, frozen=True, kw_only=True):
    """Codes in samples are places in the tables `tools`, `accounts`, `groups` and `reasons`.

    `scenario` and `target` are plain data as their own rooms write them (`Scenario.dump`, `Target.public`,
    without secrets). `quiet`: label of a tool → the seconds that it took before load, with nobody else about;
    `asked_before`: when each request was over that the first account made then, beside the load (s, below 0);
    `protocol`: the revision of MCP that the run spoke with a target of the user's, `none` for plain JSON-RPC.
    `commit`: of what was attacked, where it is known; of the bundled stack the suite's own checkout.
    `trace`: 16 hexadecimal digits with which the ids of its traces begin (`telemetry.recording.trace_ids`).
    `start_wall` is Unix seconds, `start_monotonic` the same instant of time.monotonic().
    """

    schema_version: int
    run: str
    reasons: tuple[str, ...]
    machine: LoadMachine
    version: str
    commit: str = ""
    scenario: dict[str, Any]
    target: dict[str, Any]
    bundled: bool
    protections: tuple[str, ...]
    preset: str | None = None
    seed: int
    time_scale: int | float = 1
    start_wall: int | float
    start_monotonic: int | float = 0.0
    duration_s: int | float
    accounts: tuple[RunAccount, ...] = ()
    tools: tuple[str, ...]
    groups: tuple[str, ...]
    workers: int = 1
    stack: RunStack | None = None
    quiet: dict[str, float] = field(default_factory=dict)
    asked_before: tuple[float, ...] = ()
    protocol: str = ""
    trace: str = ""

    @property
    def traced(self) -> bool:
        """Its requests said which trace they were of."""
        return bool(self.trace and self.target.get("trace"))

    @property
    def target_name(self) -> str:
        """What the target file calls it."""
        return str(self.target.get("name", ""))

    @property
    def path(self) -> str:
        """The path that load goes to."""
        return str(self.target.get("path", ""))

    @property
    def limits(self) -> Mapping[str, Any]:
        """What the target file promises; empty without any promise."""
        return self.target.get("limits") or {}

    def settings(self, part: str) -> Mapping[str, Any]:
        """The stack's settings of one part (`edge`, `nano`, …); empty for a target of the user."""
        found: Mapping[str, Any] = self.stack.settings.get(part, {}) if self.stack else {}
        return found


def read(run_dir: Path) -> Manifest:
    """A run's manifest. Raises RunFolderError."""
    path = run_dir / FILE
    if not is_folder(run_dir):
        raise RunFolderError(f"{run_dir}: not a folder, allowed: results/<run>")
    if not path.exists():
        raise RunFolderError(f"{run_dir}: holds no {FILE}, allowed: the folder of a run")
    found = json_object(path)
    version = found.get("schema_version")
    if version != SCHEMA_VERSION:
        raise RunFolderError(f"{path}: schema_version: {version!r}, allowed: {SCHEMA_VERSION}")
    for key, kinds in _NEEDED.items():
        if not isinstance(found.get(key), kinds):
            allowed = " or ".join(kind.__name__ for kind in kinds)
            raise RunFolderError(f"{path}: {key}: is missing or wrong, allowed: {allowed}")
    return as_struct(path, found, Manifest)


def write(run_dir: Path, manifest: Manifest) -> None:
    """Write `run.json`, whole or not at all."""
    text = json.dumps(msgspec.to_builtins(manifest), indent=1, ensure_ascii=False)
    write_whole(run_dir / FILE, text)

"""Reads a run folder (docs/architecture.md) into a `Run`; nothing else of verdicts/ reads one.

A run whose process was killed loads as well: `end` is None, torn last records and lines are left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from telemetry.probing import target_log
from telemetry.recording.sample import SAMPLE, read_samples
from verdicts.run.run import BUNDLED, TARGET, Event, Floats, Mask, Run, counted

__all__ = ["BUNDLED", "TARGET", "Event", "Floats", "Mask", "Run", "RunFolderError", "counted", "load"]

SCHEMA_VERSION: Final = 1
_MANIFEST: Final[dict[str, tuple[type, ...]]] = {
    **dict.fromkeys(("scenario", "target", "machine"), (dict,)),
    **dict.fromkeys(("protections", "tools", "groups", "reasons"), (list,)),
    **dict.fromkeys(("run", "version"), (str,)),
    **dict.fromkeys(("duration_s", "start_wall"), (int, float)),
    "seed": (int,),
    "bundled": (bool,),
}


class RunFolderError(ValueError):
    """The folder is not a run that can be read; the text is one line. The caller exits 2."""


def load(folder: Path) -> Run:
    """Read a run folder. Raises RunFolderError."""
    manifest = read_manifest(folder)
    workers = _workers(folder)
    parts = [_samples(folder / f"samples-{worker}.bin") for worker in workers]
    return Run(
        folder=folder,
        manifest=manifest,
        workers=workers,
        samples=np.concatenate(parts) if parts else np.empty(0, SAMPLE),
        worker=np.repeat(np.arange(len(parts)), [len(part) for part in parts]),
        ledgers={worker: tuple(_lines(folder / f"ledger-{worker}.jsonl")) for worker in workers},
        instances={worker: _instances(folder / f"instances-{worker}.json") for worker in workers},
        target=_target(folder / "target.jsonl"),
        events=tuple(_events(_lines(folder / "events.jsonl"))),
        end=_json_if_there(folder / "end.json"),
        consistency=_json_if_there(folder / "consistency.json"),
        connections=_json_if_there(folder / "connections.json"),
        baseline=_json_if_there(folder / "baseline.json"),
        texts=tuple(text for worker in workers for text in _lines(folder / f"errors-{worker}.jsonl")),
    )


def read_manifest(folder: Path) -> Mapping[str, Any]:
    """A run's manifest alone. Raises RunFolderError."""
    if not folder.is_dir():
        raise RunFolderError(f"{folder}: not a folder, allowed: results/<run>")
    if not (folder / "run.json").exists():
        raise RunFolderError(f"{folder}: holds no run.json, allowed: the folder of a run")
    manifest = _json(folder / "run.json")
    version = manifest.get("schema_version")
    if version != SCHEMA_VERSION:
        raise RunFolderError(f"{folder / 'run.json'}: schema_version: {version!r}, allowed: {SCHEMA_VERSION}")
    for key, kinds in _MANIFEST.items():
        if not isinstance(manifest.get(key), kinds):
            allowed = " or ".join(kind.__name__ for kind in kinds)
            raise RunFolderError(f"{folder / 'run.json'}: {key}: is missing or wrong, allowed: {allowed}")
    return manifest


def _workers(folder: Path) -> tuple[str, ...]:
    samples = {path.stem.removeprefix("samples-") for path in folder.glob("samples-*.bin")}
    ledgers = {path.stem.removeprefix("ledger-") for path in folder.glob("ledger-*.jsonl")}
    return tuple(sorted(samples | ledgers))


def _target(path: Path) -> target_log.TargetLog:
    try:
        return target_log.read(path)
    except msgspec.DecodeError as error:
        raise RunFolderError(f"{path}: {error}, allowed: a JSON object a line") from None


def _samples(path: Path) -> NDArray[np.void]:
    return read_samples(path) if path.exists() else np.empty(0, SAMPLE)


def _json(path: Path) -> Mapping[str, Any]:
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise RunFolderError(f"{path}: {error}, allowed: a JSON object") from None
    if not isinstance(found, dict):
        raise RunFolderError(f"{path}: {type(found).__name__}, allowed: a JSON object")
    return found


def _json_if_there(path: Path) -> Mapping[str, Any] | None:
    return _json(path) if path.exists() else None


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    if not path.exists():
        return
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n"):
                return
            try:
                yield msgspec.json.decode(line, type=dict[str, Any])
            except msgspec.DecodeError as error:
                raise RunFolderError(f"{path}:{number}: {error}, allowed: a JSON object a line") from None


def _events(lines: Iterable[Mapping[str, Any]]) -> Iterator[Event]:
    for line in lines:
        yield Event(float(line["t"]), line["kind"], line["name"], line.get("detail") or {})


def _instances(path: Path) -> tuple[str, ...]:
    return tuple(json.loads(path.read_bytes())) if path.exists() else ("",)

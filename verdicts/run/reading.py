"""Reads a run folder (docs/architecture.md) into a `Run`; nothing else of verdicts/ reads one.

A run whose process was killed loads as well: `end` is None, torn last records and lines are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from telemetry.probing import target_log
from telemetry.recording.sample import SAMPLE
from telemetry.run_folder import end, instances, manifest
from telemetry.run_folder.lines import ErrorText, Event, ForeignAnswer, LedgerLine
from telemetry.run_folder.reading import RunFolderError, lines, object_whole
from verdicts.run.run import BUNDLED, TARGET, Floats, Mask, Run, counted
from verdicts.run.samples import Samples

__all__ = ["BUNDLED", "TARGET", "Event", "Floats", "Mask", "Run", "RunFolderError", "counted", "load"]


def load(folder: Path) -> Run:
    """Read a run folder. Raises RunFolderError."""
    about = manifest.read(folder)
    workers = _workers(folder)
    texts = (_texts(folder / f"errors-{worker}.jsonl") for worker in workers)
    foreign = (lines(folder / f"foreign-{worker}.jsonl", ForeignAnswer) for worker in workers)
    samples = Samples(_samples(folder / f"samples-{worker}.bin") for worker in workers)
    return Run(
        folder=folder,
        manifest=about,
        workers=workers,
        samples=samples,
        worker=_numbers(samples.lengths),
        ledgers={worker: tuple(lines(folder / f"ledger-{worker}.jsonl", LedgerLine)) for worker in workers},
        instances={worker: instances.read(folder, worker) for worker in workers},
        target=target_log.read(folder / "target.jsonl"),
        events=tuple(lines(folder / "events.jsonl", Event)),
        end=end.read(folder),
        consistency=object_whole(folder / "consistency.json"),
        connections=object_whole(folder / "connections.json"),
        effects=object_whole(folder / "effects.json"),
        baseline=object_whole(folder / "baseline.json"),
        texts=tuple(chain.from_iterable(texts)),
        foreign=tuple(chain.from_iterable(foreign)),
    )


def _workers(folder: Path) -> tuple[str, ...]:
    samples = {path.stem.removeprefix("samples-") for path in folder.glob("samples-*.bin")}
    ledgers = {path.stem.removeprefix("ledger-") for path in folder.glob("ledger-*.jsonl")}
    return tuple(sorted(samples | ledgers))


def _numbers(lengths: list[int]) -> NDArray[np.uint16]:
    """Which file each record is of; of one file alone a single number is held."""
    if len(lengths) == 1:
        return np.broadcast_to(np.uint16(0), lengths)
    return np.repeat(np.arange(len(lengths), dtype=np.uint16), lengths)


def _samples(path: Path) -> Path | NDArray[np.void]:
    return path if path.exists() else np.empty(0, SAMPLE)


def _texts(path: Path) -> Iterator[ErrorText]:
    """The last line of each kind."""
    last: dict[tuple[object, ...], ErrorText] = {}
    for text in lines(path, ErrorText):
        last[text.t, text.reason, text.status, text.code, text.words] = text
    return iter(last.values())

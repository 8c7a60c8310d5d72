"""Runs for comparisons: made of arithmetic, several a side, equal but for what a test changes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tests.support.synthetic_run import Samples, Spec, write
from verdicts.run.reading import Run, load

SPEC = Spec(duration=12.0, accounts=20, chances={})
START = 1764000000.0


def noisy(number: int, slower: float = 1.0, noise: float = 0.03) -> Any:
    """A change of the samples: service times by a factor that is this run's own."""
    factor = slower * float(np.exp(np.random.default_rng(number).normal(0, noise)))

    def change(samples: Samples) -> Samples:
        samples["done"] = samples["sent"] + (samples["done"] - samples["sent"]) * factor
        return samples

    return change


def folder(parent: Path, number: int, spec: Spec = SPEC, *, slower: float = 1.0) -> Path:
    """One run, the `number`th in time."""
    manifest = {**spec.manifest, "start_wall": START + 100 * number}
    made = replace(spec, change=spec.change or noisy(number, slower), manifest=manifest)
    return write(parent / f"run-{number:02d}", made)


def crowd(run: Path) -> Path:
    """Others fill the machine of a run of the bundled stack: 1.95 of its two cores are busy."""
    lines = [json.loads(line) for line in (run / "target.jsonl").read_text().splitlines()]
    for line in lines:
        if line["source"] == "stack":
            line["values"]["stack_machine_cpu_seconds_total"] = 100 + 1.95 * line["t"]
    (run / "target.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return run


def folders(parent: Path, numbers: Any, spec: Spec = SPEC, *, slower: float = 1.0) -> list[Path]:
    """Several of them."""
    return [folder(parent, number, spec, slower=slower) for number in numbers]


def runs(parent: Path, numbers: Any, spec: Spec = SPEC, *, slower: float = 1.0) -> tuple[Run, ...]:
    """The same, read."""
    return tuple(map(load, folders(parent, numbers, spec, slower=slower)))

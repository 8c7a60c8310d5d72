"""What a seed stands for: a small run, a network, clocks, and the faults that come on the way.

`draw` makes it; `shrink.py` takes parts of it away. The same case is always the same world.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final

LEAD: Final = 1.0  # seconds from the start to the run's zero
KINDS: Final = {  # kind → how often it is drawn beside the others
    "crash a worker": 3,
    "crash the master": 1,
    "freeze a worker": 4,
    "freeze the master": 2,
    "part both ways": 3,
    "part from the master": 2,
    "part to the master": 2,
    "slow link": 2,
    "tell a worker to end": 2,
    "stop the run": 2,
    "restart a worker": 2,
    "stranger": 2,
    "disk full": 2,
    "disk fails": 1,
    "disk slow": 1,
    "target silent": 1,
    "target resets": 1,
    "power cut": 1,
    "step the wall clock": 1,
    "exporter dies": 2,
    "database away": 3,
    "database deaf": 2,
    "bad points": 2,
    "batches too large": 1,
}
TELEMETRY: Final = ("exporter dies", "database away", "database deaf", "bad points", "batches too large")
_NAMES: Final = tuple(KINDS)
_WEIGHTS: Final = tuple(KINDS.values())
_LASTING: Final = (0.06, 0.3, 0.8, 1.5, 3.0, 4.5, 6.0, 9.0)  # seconds


@dataclass(frozen=True)
class Fault:
    """`at` and `lasts` in true seconds since the world began; `who`: the worker's place."""

    kind: str
    at: float
    who: int = 0
    lasts: float = 0.0

    def __str__(self) -> str:
        return f"{self.kind} at {self.at:.2f} s (worker {self.who + 1}, for {self.lasts:g} s)"


@dataclass(frozen=True)
class Case:
    """`rates`, `offsets`: of the master's clock and each worker's."""

    seed: int
    workers: int
    arrivals: int
    span: float  # seconds of load
    ordered: bool
    delay: float
    loss: float
    twice: float
    rates: tuple[float, ...]
    offsets: tuple[float, ...]
    drain: float | None
    faults: tuple[Fault, ...]
    telemetry: bool

    @property
    def last_fault(self) -> float:
        """When the last of them is over, seconds since the world began."""
        return max((one.at + one.lasts for one in self.faults), default=0.0)

    @property
    def calm(self) -> bool:
        """Nothing goes wrong in it, and a message is never late by much."""
        return not self.faults and self.ordered


def draw(seed: int) -> Case:
    """The case of a seed."""
    random = Random(seed)
    workers = random.choice((1, 2, 2, 3, 3, 4))
    span = random.choice((2.0, 4.0, 6.0, 9.0))
    ordered = random.random() < 0.5
    bad = not ordered and random.random() < 0.7
    kinds = random.choices(_NAMES, _WEIGHTS, k=random.choice((0, 1, 1, 2, 2, 3, 4)))
    faults = tuple(
        Fault(kind, random.random() * (LEAD + span + 3.0), random.randrange(workers), random.choice(_LASTING))
        for kind in kinds
    )
    drift = random.choice((0.0, 0.0, 1e-5, 2e-4))
    return Case(
        seed=seed,
        workers=workers,
        arrivals=random.choice((6, 12, 20, 32)),
        span=span,
        ordered=ordered,
        delay=random.choice((0.001, 0.01, 0.05, 0.3)),
        loss=random.choice((0.0, 0.02, 0.1)) if bad else 0.0,
        twice=random.choice((0.0, 0.05, 0.3)) if bad else 0.0,
        rates=tuple(1.0 + random.uniform(-drift, drift) for _ in range(workers + 1)),
        offsets=tuple(random.uniform(0.0, 5000.0) for _ in range(workers + 1)),
        drain=random.choice((None, None, 1.0)),
        faults=faults,
        telemetry=any(kind in TELEMETRY for kind in kinds) or random.random() < 0.1,
    )

"""The nano by its model: the settings that the stack ran with, and what they hold by arithmetic.

memory = base + goroutines × (stack + HTTP buffers)      goroutines = base + calls × goroutines a call
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from verdicts.run.reading import Run

MIB: Final = 2**20
MEMORY_ALERT: Final = 200e6  # bytes: the operator's
DEFAULTS: Final[Mapping[str, Any]] = {  # a stack that tells none of its settings has these
    **{"memory_limit": 256 * MIB, "memory_base": 40 * MIB, "stack_bytes": 8192, "buffer_bytes": 10240},
    **{"goroutines_base": 20, "goroutines_per_call": 2, "cpu_share": 0.1},
}


def settings(run: Run) -> Mapping[str, Any]:
    """Those of a run."""
    return {**DEFAULTS, **run.manifest.settings("nano")}


def each(nano: Mapping[str, Any]) -> int:
    """Bytes a goroutine."""
    return int(nano["stack_bytes"] + nano["buffer_bytes"])


def goroutines(nano: Mapping[str, Any], calls: float) -> float:
    """How many there are with so many calls in flight."""
    return float(nano["goroutines_base"] + calls * nano["goroutines_per_call"])


def memory(nano: Mapping[str, Any], goroutines: float) -> float:
    """Bytes with so many goroutines."""
    return float(nano["memory_base"] + goroutines * each(nano))


def holds(nano: Mapping[str, Any], memory: float | None = None) -> int:
    """How many calls fit into `memory` bytes; by default into all that the instance has."""
    room = (nano["memory_limit"] if memory is None else memory) - nano["memory_base"]
    count = int(room // each(nano)) - nano["goroutines_base"]
    return max(0, int(count // nano["goroutines_per_call"]))

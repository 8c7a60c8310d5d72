"""The plan's arithmetic of goroutines beside the nano model's, for the breakpoint page; none is measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from verdicts.measure.target.goroutines import basis_of

KIB: Final = 1024
MIB: Final = 2**20
PLAN: Final = "the plan's arithmetic"
MODELLED: Final = "modelled"
REASONED: Final = "the plan's reasoning"


class ArithmeticLine(NamedTuple):
    """One row. `basis` is never "measured"."""

    what: str
    plan: str
    model: str
    basis: str


HEAD: Final = ("what", "the plan", "the nano model", "basis")


def lines(nano: Mapping[str, Any]) -> list[ArithmeticLine]:
    """The rows; `nano` are the settings of `fakes.settings.NanoSettings`, empty for a target of one's own."""
    return [*_plan(nano), *(_model(nano) if nano else ()), *REASONING]


REASONING: Final = (
    ArithmeticLine(
        "scheduler",
        "named as a limit, without a figure",
        "not in it: a parked goroutine costs no CPU",
        REASONED,
    ),
    ArithmeticLine(
        "garbage collector",
        "named as a limit, without a figure",
        "not in it: Go lets the heap grow between collections, so the kill would come earlier, never later",
        REASONED,
    ),
)


def _plan(nano: Mapping[str, Any]) -> list[ArithmeticLine]:
    return [
        ArithmeticLine(
            "1,500 calls", "1,500 × 18 KB = 27 MB", _at(nano, 1500 * nano.get("goroutines_per_call", 2)), PLAN
        ),
        ArithmeticLine("5,000 goroutines", "5,000 × 18 KB = 90 MB", _at(nano, 5000), PLAN),
        ArithmeticLine(
            "10,000 goroutines", "the limit: 10,000 × 18 KB = 180 MB of 256 MB", _at(nano, 10_000), PLAN
        ),
    ]


def _model(nano: Mapping[str, Any]) -> list[ArithmeticLine]:
    room = (nano["memory_limit"] - nano["memory_base"]) // _each(nano) - nano["goroutines_base"]
    calls = room // nano["goroutines_per_call"]
    most = nano["goroutines_base"] + calls * nano["goroutines_per_call"]
    killed = f"{most:,} goroutines, {calls:,} calls: one more is over {nano['memory_limit'] / MIB:g} MiB"
    cost = nano["cpu_per_request"]
    by_cpu = f"{nano['cpu_share']:g} vCPU / {cost * 1000:g} ms a request ({basis_of(nano, 'assumed')})"
    rate = f"{nano['cpu_share'] / cost:,.0f} req/s" if cost and nano["cpu_enforced"] else "no limit"
    return [
        ArithmeticLine("killed at", "256 MB", killed, MODELLED),
        ArithmeticLine("CPU", "no figure", f"{by_cpu} = {rate}", MODELLED),
    ]


def _each(nano: Mapping[str, Any]) -> int:
    return int(nano["stack_bytes"] + nano["buffer_bytes"])


def _at(nano: Mapping[str, Any], goroutines: int) -> str:
    if not nano:
        return "–"
    memory = nano["memory_base"] + (nano["goroutines_base"] + goroutines) * _each(nano)
    base = f"base {nano['memory_base'] / MIB:.4g} MiB + {goroutines:,} × {_each(nano) / KIB:.4g} KiB"
    return f"{base} = {memory / MIB:.1f} MiB"

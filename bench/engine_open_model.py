"""The engine at a fixed rate: the run that anyone starts, with the recorder as its target."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tests.support.recorder.attack import Plan, attack

ACCOUNTS: Final = 100


def engine(url: str, rate: int, seconds: float, folder: Path, protocol: str = "none") -> float:
    """CPU seconds of the loading process, from the making of its engine to its last ledger line.

    RuntimeError when the run could not start or was not valid.
    """
    plan = Plan(ACCOUNTS, rate / ACCOUNTS, seconds, target_keys={"protocol": protocol})
    with attack(plan, url, folder) as running:
        run = running.wait()
        if running.exit_code not in (0, 1) or not (run.folder / "end.json").exists():
            raise RuntimeError(f"the engine's run ended with {running.exit_code}: {running.console[-2000:]}")
    return float(run.ledger[-1]["cpu_s"])

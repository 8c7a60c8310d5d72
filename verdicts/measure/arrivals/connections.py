"""What all workers' last words add up to: sessions, and what each address of the target got."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping

from verdicts.run.reading import Run


def sessions(run: Run) -> Mapping[str, int]:
    """Opened, lost, reopened, closed; nothing of a run that had none."""
    found: Counter[str] = Counter()
    for lines in run.ledgers.values():
        found.update(lines[-1].sessions if lines else {})
    return dict(found) if any(found.values()) else {}


def addresses(run: Run) -> Mapping[str, Mapping[str, int]]:
    """Address → sent, ok, failed, aborted; nothing of a target with one."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for lines in run.ledgers.values():
        for address, counts in (lines[-1].addresses if lines else {}).items():
            found[address].update(counts)
    return {address: dict(counts) for address, counts in found.items()}

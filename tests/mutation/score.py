"""What came of the mutants, file by file, as docs/testing.md tells it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class FileScore:
    """One file's mutants, or all files' together."""

    name: str
    killed: int
    timed_out: int
    survived: int

    @property
    def mutants(self) -> int:
        """All of them."""
        return self.killed + self.timed_out + self.survived

    @property
    def share(self) -> float:
        """Of all mutants those that were noticed; NaN where there are none."""
        return (self.killed + self.timed_out) / self.mutants if self.mutants else float("nan")


def score(name: str, outcomes: Sequence[str]) -> FileScore:
    """Of one file."""
    counts = Counter(outcomes)
    return FileScore(name, counts["killed"], counts["timed out"], counts["survived"])


def total(files: Sequence[FileScore]) -> FileScore:
    """All files as one."""
    return FileScore(
        "all",
        sum(one.killed for one in files),
        sum(one.timed_out for one in files),
        sum(one.survived for one in files),
    )


def table(files: Sequence[FileScore]) -> str:
    """As Markdown."""
    rows = [
        f"| `{one.name}` | {one.mutants:,} | {one.killed:,} | {one.timed_out} | {one.survived} "
        f"| {one.share:.1%} |"
        for one in [*files, total(files)]
    ]
    head = "| file | mutants | killed | timed out | survived | score |"
    return "\n".join([head, "|---|--:|--:|--:|--:|--:|", *rows])

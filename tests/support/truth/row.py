"""A row of the truth table: a made target, the attack on it, and what a careful engineer would say of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

EXIT_CODES: Final = {"pass": 0, "fail": 1, "refused": 2, "invalid": 3, "inconclusive": 3}
PORT: Final = "PORT-OF-IT"  # in a row's keys: the target's own
ECHO: Final = {"module": "fast", "tool": "echo", "params": {"text": "hello"}}
BURST: Final = {
    "extends": "burst",
    "duration": "2s",
    "accounts": {"count": 20},
    "rate": 4,
}


@dataclass(frozen=True)
class Row:
    """`name` tells the target's story; `target` is a behaviour; `verdict` is the engineer's.

    `point` must have `status` (the verdict, unless given) in verdicts.json; `says` is a regular expression
    that the terminal's text holds, `evidence` one that the point's does. "refused" is exit 2, before anything
    starts: there is no verdict then.
    """

    name: str
    target: str
    verdict: str
    point: str = "service"
    status: str = ""
    scenario: dict[str, Any] = field(default_factory=lambda: BURST)
    keys: dict[str, Any] = field(default_factory=dict)  # of the target file
    options: tuple[str, ...] = ()
    says: str = ""
    evidence: str = ""
    how: str = ""  # a limit of our own that the run has: "few-ports", "few-files", "full-disk", "stopped"
    control: str = ""  # what is wrong with the made stack's control API: the run attaches to it
    expects: dict[str, Any] = field(default_factory=dict)  # path in verdicts.json → value
    pending: str = ""  # the rule is not there yet

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.verdict]

"""The fault `answer-drop` at an origin: which answers of tools are lost (`fakes.faults.answer_drop`)."""

from __future__ import annotations

from collections import Counter
from typing import Final

from fakes.control.state import Control
from fakes.http.asgi import Answer

TIMING: Final = b"server-timing"  # only what came from an upstream just now has it


class AnswerDrop:
    """Of the origin `name`."""

    def __init__(self, control: Control, name: str) -> None:
        self._control, self._name = control, name
        self._answers: Counter[str] = Counter()  # by the fault's id

    def takes(self, reply: Answer) -> bool:
        """Whether this answer is lost."""
        fault = self._control.snapshot.fault("answer-drop", self._name)
        if fault is None or reply.status != 200 or all(name != TIMING for name, _ in reply.headers):
            return False
        self._answers[fault.id] += 1
        due = self._answers[fault.id] % int(fault.options.get("every", 1)) == 0
        if not due or self._control.effects[fault.id] >= fault.options.get("count", float("inf")):
            return False
        self._control.saw(fault)
        return True

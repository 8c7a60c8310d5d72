"""Whose answers calls got, where a run could tell: which calls were looked at, and what was another's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from common.nonce import holds_nonce
from verdicts.run.reading import Mask, Run

FOREIGN: Final = "foreign_answer"
WRONG: Final = "wrong_answer"
RULE_OF_THREE: Final = 3.0
"""Where none of n was seen, the rate is below 3/n with 95 % confidence: −ln 0.05 = 2.996."""


def checked_tools(run: Run) -> set[str]:
    """Labels of the tools whose answers were held against their calls."""
    groups = run.scenario.get("groups", ())
    return {_label(tool) for group in groups for tool in group.get("tools", ()) if _checked(tool)}


def _checked(tool: Mapping[str, Any]) -> bool:
    return tool.get("expect") is not None or holds_nonce(tool.get("arguments", tool.get("params", {})))


def _label(tool: Mapping[str, Any]) -> str:
    return str(tool["name"]) if "name" in tool else f"{tool['module']}.{tool['tool']}"


def late(run: Run, what: str) -> int:
    """Of answers to calls that had timed out: how many were checked, foreign, …; of all workers."""
    last = (lines[-1].late_answers for lines in run.ledgers.values() if lines)
    return sum(counts.get(what, 0) for counts in last)


def looked_at(run: Run) -> Mask:
    """Answers of those tools: of scheduled and of extra calls."""
    answered: Mask = run.samples["status"] > 0
    return run.out & answered & run.of_tools(checked_tools(run))

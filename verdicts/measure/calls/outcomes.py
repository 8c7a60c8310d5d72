"""What became of the calls that went out: status codes, errors by reason, refusals by reason.

A refusal is a protection that said no (429, 403 by quota, 503 by a protection); an error is anything
else that is not a result. Aborted calls were ended by us and are neither; those of them that an agent gave up
had no answer within its patience.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from telemetry.recording.sample import REFUSALS, Outcome
from verdicts.run.reading import Mask, Run, counted

NO_ANSWER: Final = "none"
AGENT: Final = "agent"  # the persona that has a patience; `impatient` and `listener` leave whatever they get
CPU_CUT: Final = "worker_cpu_exceeded"
CLOCKS: Final = 0.1  # seconds that workers' clocks may differ from the one that told the stop


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Counts over some sent calls; each mapping most frequent first. `status` "none": no answer came."""

    sent: int
    status: Mapping[str, int]
    errors: Mapping[str, int]
    refusals: Mapping[str, int]
    status_5xx: int

    @property
    def error_count(self) -> int:
        """Calls that failed, refusals aside."""
        return sum(self.errors.values())

    @property
    def refusal_count(self) -> int:
        """Calls that a protection refused."""
        return sum(self.refusals.values())

    def share(self, count: int) -> float:
        """`count` as a share of the calls sent; NaN without calls."""
        return count / self.sent if self.sent else float("nan")


def of(run: Run, mask: Mask) -> Outcomes:
    """The outcomes of the masked calls that went out."""
    calls = mask & run.out
    status = run.samples["status"].of(calls)
    codes, counts = status.counts()
    failed = run.reasons(calls & run.became(Outcome.FAILED))
    return Outcomes(
        sent=int(calls.sum()),
        status=counted(status, lambda code: str(code) if code else NO_ANSWER),
        errors={reason: count for reason, count in failed.items() if reason not in REFUSALS},
        refusals={reason: count for reason, count in failed.items() if reason in REFUSALS},
        status_5xx=int(counts[codes >= 500].sum()),
    )


def refused(run: Run) -> Mask:
    """Records of calls that a protection refused."""
    return failed_by(run, REFUSALS)


def errors(run: Run) -> Mask:
    """Records of calls that failed otherwise."""
    return run.became(Outcome.FAILED) & ~refused(run)


def cut_for_cpu(run: Run) -> Mask:
    """Records of calls that the bundled edge cut off for CPU: this machine's Python was busy, no Worker."""
    mask = failed_by(run, (CPU_CUT,))
    return mask if run.manifest.bundled else np.zeros_like(mask)


def given_up(run: Run) -> Mask:
    """Records of calls that agents gave up while load was sent: what ends later may be the run's own end."""
    groups = run.scenario.get("groups", ())
    agents = {one["name"] for one in groups if one.get("persona", {}).get("name") == AGENT}
    ended = run.became(Outcome.ABORTED) & (run.samples["done"] < run.load_end - CLOCKS)
    mask: Mask = ended & run.of_groups(agents)
    return mask


def failed_by(run: Run, reasons: tuple[str, ...]) -> Mask:
    """Records of failed calls with one of these reasons."""
    table = run.manifest.reasons
    codes = [code for code, name in enumerate(table) if name in reasons]
    return run.became(Outcome.FAILED) & run.samples["reason"].isin(codes)

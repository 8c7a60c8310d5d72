"""Who the target takes for one user: an account, or all accounts that show it one and the same token."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from verdicts.run.reading import Run

Numbers = NDArray[np.int64]


def of(run: Run) -> Numbers:
    """The user of each record: the number of the user's first account."""
    first: dict[str, int] = {}
    number = [
        first.setdefault(account.user, place) if account.user else place
        for place, account in enumerate(run.manifest.accounts)
    ]
    accounts: Numbers = run.samples["account"].whole().astype(np.int64)
    return np.array(number, dtype=np.int64)[accounts] if number else accounts


def addresses(run: Run) -> Numbers:
    """The client address of each record, by number; a target that is told none sees this machine's alone."""
    if one_address(run):
        return np.zeros(len(run.samples), dtype=np.int64)
    shown = [account.ip for account in run.manifest.accounts]
    _, number = np.unique(np.array(shown), return_inverse=True)
    found: Numbers = number.astype(np.int64)[run.samples["account"].whole()]
    return found


def one_address(run: Run) -> bool:
    """All load comes from this machine's own address, as far as the target knows."""
    target = run.manifest.target
    return not (run.manifest.bundled or target.get("client_ip_header") or target.get("sources"))


def one_credential(run: Run) -> bool:
    """All accounts show the one credential that the target file's `headers` hold."""
    return {bool(account.user) for account in run.manifest.accounts} == {True}


def shared(run: Run) -> str:
    """That several accounts are one user, in words; "" where each is its own."""
    counts: dict[str, int] = {}
    for account in run.manifest.accounts:
        counts[account.user] = counts.get(account.user, 0) + bool(account.user)
    found = [f"{count:,} accounts share one {user}" for user, count in counts.items() if count > 1]
    return f" {'; '.join(found)}, so they are one user to the target." if found else ""

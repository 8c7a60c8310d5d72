"""What a run of `make tune` comes to, from its folder; what proves nothing is no outcome."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.synthetic_run import Spec, write
from verdicts.explain import first_limit
from verdicts.output.files import derive
from verdicts.tuning.outcome import NotCountedError, read


def judged(folder: Path, **changes: Any) -> Path:
    write(folder, Spec(duration=8.0, **changes))
    derive(folder, quiet=True)
    return folder


def test_a_run_that_holds(tmp_path: Path) -> None:
    found = read(judged(tmp_path / "run"))
    assert found.broken == ()
    assert found.served == 1.0, "refusals that the scenario expects are no loss"
    assert 0 < found.room < 1


def test_a_broken_bound_is_told_in_words(tmp_path: Path) -> None:
    found = read(judged(tmp_path / "run", fault=(2.0, 6.0, "db_error")))
    assert any("errors is" in bound for bound in found.broken)
    assert found.served == pytest.approx(0.5, abs=0.05)


def test_a_bound_that_broke_while_this_machine_was_full_proves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = judged(tmp_path / "run", fault=(2.0, 6.0, "db_error"))
    monkeypatch.setattr(first_limit, "full", lambda run: "the machine was full: 1.98 of 2 cores")
    with pytest.raises(NotCountedError, match="this machine gave way: the machine was full"):
        read(folder)


def test_what_a_protection_refused_counts_on_a_full_machine_unless_the_stack_lagged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = judged(tmp_path / "run", fault=(2.0, 6.0, "rate_limit_exceeded"))
    monkeypatch.setattr(first_limit, "full", lambda run: "the machine was full: 1.98 of 2 cores")
    assert read(folder).broken
    assert read(folder).limit == "rate-limit"
    monkeypatch.setattr(first_limit, "lag", lambda run: "the stack itself added 0.40 s")
    with pytest.raises(NotCountedError, match="this machine gave way"):
        read(folder)


def test_an_invalid_run_proves_nothing(tmp_path: Path) -> None:
    def late(samples: Any) -> Any:
        samples["sent"] = samples["planned"] + 0.2
        samples["done"] = samples["sent"] + 0.02
        return samples

    with pytest.raises(NotCountedError, match="invalid: "):
        read(judged(tmp_path / "run", change=late))


def test_a_run_that_was_stopped_proves_nothing(tmp_path: Path) -> None:
    with pytest.raises(NotCountedError, match="it ended at"):
        read(judged(tmp_path / "run", stopped_at=3.0, stop_reason="SIGINT"))


def test_a_folder_without_a_verdict_proves_nothing(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    with pytest.raises(NotCountedError, match="run left no verdict"):
        read(tmp_path / "run")

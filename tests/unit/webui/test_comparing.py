"""Which runs can be compared, and when; the comparison itself is `bin/compare`'s."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.synthetic_run import Spec, write
from verdicts.output.files import derive
from webui.comparing import CannotCompareError, Comparing


def judged(results: Path, name: str) -> str:
    derive(write(results / name, Spec(duration=4.0)), quiet=True)
    return name


def refused(make: Callable[[], object]) -> str:
    with pytest.raises(CannotCompareError) as refusal:
        make()
    return str(refusal.value)


def test_two_runs_become_a_comparison_of_their_own(tmp_path: Path) -> None:
    a, b = judged(tmp_path, "a"), judged(tmp_path, "b")
    name = Comparing(tmp_path, lambda: "").make(a, b)
    assert (tmp_path / name / "compare.html").exists()
    told = json.loads((tmp_path / name / "compare.json").read_text())
    assert told["schema_version"]


@pytest.mark.parametrize("name", ["", "..", "nothing", "../a", "a/../a", "a,b", "/etc", "a b"])
def test_what_is_no_run_of_the_list_is_refused(tmp_path: Path, name: str) -> None:
    judged(tmp_path, "a")
    compare = Comparing(tmp_path, lambda: "")
    assert refused(lambda: compare.make("a", name)).startswith("b: ")
    assert [one.name for one in tmp_path.iterdir()] == ["a"]


def test_nothing_is_compared_beside_a_load(tmp_path: Path) -> None:
    judged(tmp_path, "a")
    assert (
        refused(lambda: Comparing(tmp_path, lambda: "a run is under way").make("a", "a"))
        == "a run is under way"
    )


def test_what_bin_compare_refuses_is_told_in_its_words(tmp_path: Path) -> None:
    judged(tmp_path, "a")
    told = refused(lambda: Comparing(tmp_path, lambda: "").make("a", "a"))
    assert "is named twice" in told
    assert "\n" not in told


def test_no_memory_for_a_comparison_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: object, **__: object) -> None:
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    a, b = judged(tmp_path, "a"), judged(tmp_path, "b")
    monkeypatch.setattr("webui.comparing.subprocess.run", none)
    compare = Comparing(tmp_path, lambda: "")
    assert refused(lambda: compare.make(a, b)).startswith("a limit of this machine: ENOMEM")
    assert not compare.busy()

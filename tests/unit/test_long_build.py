"""What takes minutes to build: where it is built, where its tests are skipped, and where they fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.build import real_parts
from fakes.build.tools import Version
from tests.support import needs
from tests.support.long_build import LongBuild, LongBuildError

ENVIRONMENT = {"PATH": "/nowhere"}


def build_of(folder: Path, module: str = "no.such.module", **compilers: Version) -> LongBuild:
    sources = folder / "sources"
    sources.mkdir(exist_ok=True)
    (sources / "go.mod").write_text("module example.org/one\n")
    return LongBuild(module, sources, folder / "program", compilers, "another", minutes=7, limit=60.0)


def compiler(folder: Path, name: str, said: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{said}\n")
    (folder / name).chmod(0o755)


def test_it_is_there_where_it_was_built_of_these_sources(tmp_path: Path) -> None:
    one = build_of(tmp_path)
    assert not one.is_current()
    one.program.touch()
    one.program.with_suffix(real_parts.SOURCES).write_text(real_parts.digest_of(one.sources))
    assert one.is_current()
    (one.sources / "go.mod").write_text("module example.org/two\n")
    assert not one.is_current()


@pytest.mark.parametrize(
    ("said", "lacking"),
    [
        ("echo cargo 1.95.0 '(f2d3ce0bd 2026-03-21)'", ""),
        ("echo cargo 1.72.0", ""),
        ("echo cargo 1.63.1", "cargo 1.72"),
        ("echo no toolchain >&2; exit 1", "cargo 1.72"),
    ],
)
def test_a_compiler_is_at_hand_where_it_says_that_it_is_new_enough(
    tmp_path: Path, said: str, lacking: str
) -> None:
    compiler(tmp_path / "bin", "cargo", said)
    assert build_of(tmp_path, cargo=(1, 72)).lacking(str(tmp_path / "bin")) == lacking


def test_every_compiler_that_is_missing_is_named(tmp_path: Path) -> None:
    assert build_of(tmp_path, cargo=(1, 72), cc=(0, 0)).lacking(str(tmp_path)) == "cargo 1.72, cc"


def test_a_build_that_fails_says_its_last_word(tmp_path: Path) -> None:
    with pytest.raises(LongBuildError, match=r"No module named"):
        build_of(tmp_path).build(ENVIRONMENT)


def test_a_build_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    slow = LongBuild("tests.simulation", tmp_path, tmp_path / "none", {}, "", minutes=1, limit=0.001)
    with pytest.raises(LongBuildError, match=r"^not built within 0 min$"):
        slow.build(ENVIRONMENT)


@pytest.mark.parametrize(
    ("everything", "at_hand", "ends", "told"),
    [
        ("", True, pytest.skip.Exception, r"REQUIRE_ALL=1 make test.*\(about 7 min\)"),
        ("", False, pytest.skip.Exception, r"cargo 1\.72 to build it; another stands for it"),
        ("1", True, pytest.fail.Exception, r"python -m no\.such\.module"),
        ("1", False, pytest.skip.Exception, r"cargo 1\.72 to build it; another stands for it"),
    ],
)
def test_it_fails_for_want_of_it_where_all_are_wanted_and_it_could_be_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, everything: str, at_hand: bool,
    ends: type[BaseException], told: str,
) -> None:  # fmt: skip
    if at_hand:
        compiler(tmp_path / "bin", "cargo", "echo cargo 1.95.0")
    need = needs.Need("slow", "takes minutes", long=build_of(tmp_path, cargo=(1, 72)))
    monkeypatch.setattr(needs, "NEEDS", {"slow": need})
    monkeypatch.setattr(needs, "PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("REQUIRE_ALL", everything)
    with pytest.raises(ends, match=f"^needs slow \\(takes minutes\\): .*{told}"):
        needs.require("slow")


@pytest.mark.parametrize(
    ("everything", "at_hand", "said"),
    [
        ("", True, ""),
        ("1", False, "needs: slow is not built: cargo 1.72 is missing\n"),
        ("1", True, "needs: building slow, about 7 min\nneeds: slow: "),
    ],
)
def test_it_is_built_only_where_all_are_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    everything: str, at_hand: bool, said: str,
) -> None:  # fmt: skip
    if at_hand:
        compiler(tmp_path / "bin", "cargo", "echo cargo 1.95.0")
    monkeypatch.setattr(needs, "PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("REQUIRE_ALL", everything)
    needs.build("slow", build_of(tmp_path, cargo=(1, 72)))
    printed = capsys.readouterr().err
    assert printed.startswith(said)
    assert printed or not said
    assert printed.count("\n") == len([line for line in said.split("\n") if line])

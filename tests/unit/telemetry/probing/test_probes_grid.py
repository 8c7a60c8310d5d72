from __future__ import annotations

import argparse
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.probing import probes
from telemetry.probing.fetch import check_url
from telemetry.probing.probes import next_tick

SECONDS = st.floats(min_value=-1e5, max_value=1e5)


@given(now=SECONDS, start=SECONDS, interval=st.floats(min_value=0.01, max_value=100))
def test_the_next_tick_is_the_first_of_the_grid_after_now(now: float, start: float, interval: float) -> None:
    tick = next_tick(now, start, interval)
    assert now < tick <= now + interval * (1 + 1e-6) + 1e-6
    steps = (tick - start) / interval
    assert abs(steps - round(steps)) < 1e-3


def test_before_the_start_and_on_a_tick() -> None:
    assert next_tick(97.5, 100.0, 1.0) == 98.0
    assert next_tick(100.0, 100.0, 1.0) == 101.0
    assert next_tick(100.25, 100.0, 0.5) == 100.5


@pytest.mark.parametrize(
    "url", ["", "localhost/metrics", "ftp://h/x", "http://", "http://u:p@h/", "http://h:99999/"]
)
def test_a_bad_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        check_url(url)


@pytest.mark.parametrize("text", ["0", "-1", "inf", "nan"])
def test_an_interval_is_a_number_of_seconds(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="above 0"):
        probes._positive(text)


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as raised:
        probes.main(["--start-monotonic", "0", *arguments])
    assert isinstance(raised.value.code, int)
    return raised.value.code


def test_bad_usage_is_one_line_and_exit_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "target.jsonl")
    same = ["--source", "a=http://h/m", "--source", "a=http://h/n"]
    listed = tmp_path / "names.json"
    listed.write_text("[1]")
    for arguments, word in [
        (["--out", out, "--source", "http://h/m"], "--source"),
        (["--out", out, *same], "each name once"),
        (["--out", out, "--source", "a=gopher://h"], "gopher"),
        (["--out", out, "--source", "a=http://h/m", "--map", str(listed)], "names.json"),
        (["--out", out, "--source", "a=http://h/m", "--map", str(tmp_path / "none")], "none"),
        (["--out", str(tmp_path / "no" / "x"), "--source", "a=http://h/m"], "No such file"),
    ]:
        assert run(*arguments) == 2
        said = capsys.readouterr().err
        assert word in said
        assert said.count("\n") == 1

"""The file that `make calibrate` writes and `NANO=calibrated` takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.errors import ConfigError
from fakes.settings import NanoSettings
from scenarios import calibration, load
from scenarios.overrides import Overrides

NANO = {"memory_base": 8_000_000, "goroutines_per_call": 4, "measured_on": "AMD EPYC, 2 cores, 2445 MHz"}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "deep" / "nano.yaml"
    monkeypatch.setattr(calibration.nano, "__defaults__", (path,))
    return path


def test_a_scenario_takes_what_was_written(file: Path) -> None:
    calibration.write({"nano": NANO, "cpu_ms": {"health": 0.2}}, file)
    chosen = load.load("burst", Overrides.read({"nano": "calibrated"}))
    nano = chosen.stack_settings().nano
    assert (nano.memory_base, nano.goroutines_per_call) == (8_000_000, 4)
    assert nano.measured_on == NANO["measured_on"]
    assert nano.memory_limit == NanoSettings().memory_limit
    assert not [one for one in file.parent.iterdir() if one != file]


def test_without_it_the_figures_are_the_plans(file: Path) -> None:
    assert load.load("burst").stack_settings().nano == NanoSettings()
    assert "measured_on" not in NanoSettings().model_dump()
    with pytest.raises(ConfigError, match=r"nano\.yaml: is not there; `make calibrate` writes it$"):
        load.load("burst", Overrides.read({"nano": "calibrated"}))


@pytest.mark.parametrize(
    "text",
    ["", "- 1", "nano: 3", "nano: {memory_base: 3}", "a: [", "\t", "[" * 5000, "\udcff"],
    ids=lambda text: ascii(text[:20]),
)
def test_what_is_no_such_file_is_one_line(file: Path, text: str) -> None:
    file.parent.mkdir()
    file.write_text(text, errors="surrogateescape")
    with pytest.raises(ConfigError, match=r"allowed: what `make calibrate` writes$"):
        calibration.nano(file)


def test_a_key_that_the_model_has_not_is_refused(file: Path) -> None:
    calibration.write({"nano": {**NANO, "weight": 3}}, file)
    with pytest.raises(ConfigError, match="weight"):
        load.load("burst", Overrides.read({"nano": "calibrated"}))

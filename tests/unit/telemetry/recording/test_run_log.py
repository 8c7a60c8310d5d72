from __future__ import annotations

import logging
from pathlib import Path

import pytest

from telemetry.recording.run_log import RunLog


def test_it_holds_what_was_logged_between_open_and_close(tmp_path: Path) -> None:
    logger = logging.getLogger("resilience")
    logger.warning("before")
    log = RunLog(tmp_path)
    logger.warning("during %d", 1)
    log.close()
    log.close()
    logger.warning("after")
    (line,) = (tmp_path / "run.log").read_text().splitlines()
    assert line.endswith("Z WARNING resilience: during 1")


def test_it_adds_to_what_the_stack_wrote(tmp_path: Path) -> None:
    (tmp_path / "run.log").write_text("stack: up\n")
    log = RunLog(tmp_path)
    logging.getLogger("resilience").error("broken")
    log.close()
    assert (tmp_path / "run.log").read_text().startswith("stack: up\n20")


def test_where_a_run_broke_is_for_the_file_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    log = RunLog(tmp_path)
    for _ in range(2):  # before its end and after it
        try:
            raise RuntimeError("no such thing")
        except RuntimeError as error:
            log.broke("the run broke", error)
        log.close()
    told = (tmp_path / "run.log").read_text()
    assert told.count("Traceback") == told.count("RuntimeError: no such thing") == 2
    assert not caplog.records

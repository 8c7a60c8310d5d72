"""Locust's start without what a run never uses: in processes of their own, which import Locust once."""

from __future__ import annotations

import subprocess
import sys

import pytest

from cli.launch.local_workers import free_port
from common.paths import ROOT

AFTER = """
import sys
from cli.launch import locust_main
locust_main.lighten(sys.argv[1:])
import locust, locust.main
from gevent import monkey
print(monkey.is_module_patched("socket"), "flask" in sys.modules, locust.env.WebUI)
"""


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--headless"], "True False None"),
        (["--worker"], "True False None"),
        ([], "True True <class 'locust.web.WebUI'>"),
    ],
)
def test_what_is_read(words: list[str], says: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", AFTER, *words], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert (done.stdout.strip(), done.stderr) == (says, "")


def test_no_package_is_asked_for_plug_ins() -> None:
    counted = "import importlib.metadata as m; m.entry_points = None\n" + AFTER
    done = subprocess.run(
        [sys.executable, "-c", counted, "--headless"], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


BROKEN = """
import runpy
from webui import access

def broken(*_):
    raise MemoryError

access.check = broken
runpy.run_path("cli/launch/locust_main.py", run_name="__main__")
"""


def test_a_failure_of_ours_at_the_beginning_is_one_line_and_no_verdict() -> None:
    words = ["-f", "locustfile.py", "--web-port", str(free_port()), "--loglevel", "ERROR"]
    done = subprocess.run(
        [sys.executable, "-c", BROKEN, *words],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (3, "a limit of this machine: no memory is left\n")

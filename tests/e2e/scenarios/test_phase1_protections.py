"""Each protection of today's set, switched off, turns its own point red, and that one alone."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from common.paths import ROOT
from common.protections import PRESETS
from run.stack.shared_stack import SharedStack
from scenarios.load import load

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

BURST: Final = ("single-burst", "--duration", "2s")
RATE: Final = ("rate-limit", "--duration-scale", "30")
# protection → (run, the points that are its own)
OWN: Final = {
    "burst-limit": (BURST, {"F1.1"}),
    "jwks-cache": (BURST, {"F1.1.keys"}),
    "worker-cpu": (BURST, {"F1.1.cpu"}),
    "rate-limit": (RATE, {"F1.2", "F1.2.headers"}),
    "ip-limit": (RATE, {"F1.2.address"}),
}
TRIES: Final = 3  # a busy machine makes arrivals late, and such a run does not count
INVALID: Final = 3
NO_PATCH: Final = "LOCUST_SKIP_MONKEY_PATCH"  # for tests within this process alone


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedStack]:
    shared = SharedStack(tmp_path_factory.mktemp("stack"))
    shared.ready_for(load("single-burst"))
    yield shared
    shared.stop()


def attack(words: tuple[str, ...], protect: str, folder: Path) -> tuple[int, dict[str, Any]]:
    """(exit code, verdicts.json) of the first try that counts."""
    for number in range(TRIES):
        out = folder / f"run-{number}"
        command = [str(ROOT / "bin" / "attack"), *words, f"--protect={protect}", f"--out={out}"]
        done = subprocess.run(
            command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=120,
            stdin=subprocess.DEVNULL, env={k: v for k, v in os.environ.items() if k != NO_PATCH},
        )  # fmt: skip
        if done.returncode != INVALID:
            return done.returncode, json.loads((out / "verdicts.json").read_text())
    raise AssertionError(done.stdout + done.stderr)


def test_no_protection_is_left_out() -> None:
    assert set(OWN) == set(PRESETS["today"])


@pytest.mark.parametrize("protection", OWN)
def test_switched_off_it_turns_its_own_point_red(protection: str, stack: SharedStack, tmp_path: Path) -> None:
    words, own = OWN[protection]
    code, found = attack(words, f"today,-{protection}", tmp_path)
    assert {point["id"] for point in found["points"] if point["status"] == "fail"} == own
    assert (code, found["verdict"]) == (1, "fail")
    assert protection not in found["protections"]

"""Each protection of today's set, switched off, turns its own point red, and that one alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

from cli import attack as attacks
from common.paths import ROOT
from common.protections import PRESETS
from tests.support import busy_machine, kept_stack, warm_runs
from tests.support.recorder.attack import as_a_user

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
PARTS: Final = {"fakes": [], "real": ["--stack", "real"]}

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
# A real Worker's reads and writes of KV interleave: its counts of calls that come together let more through.
INTERLEAVED: Final[dict[str, set[str]]] = {"fakes": set(), "real": {"F1.1", "F1.2.address"}}
Found = tuple[int, dict[str, Any]]  # exit code, verdicts.json


def attack(words: tuple[str, ...], protect: str, folder: Path) -> Found:
    """The run; made anew where it was late."""

    def made(number: int) -> Found:
        out, console = folder / f"run-{number}", folder / f"run-{number}.console"
        environment = {**as_a_user(), **kept_stack.environment(attacks.read(words).load()[0])}
        given = [*words, f"--protect={protect}", f"--out={out}"]
        code = warm_runs.ended(warm_runs.start(given, ROOT, environment, console), 120)
        assert (out / "verdicts.json").exists(), console.read_text()
        return code, json.loads((out / "verdicts.json").read_text())

    return busy_machine.unless_late(made, lambda found: found[1])


def test_no_protection_is_left_out() -> None:
    assert set(OWN) == set(PRESETS["today"])


@pytest.mark.parametrize("protection", OWN)
def test_switched_off_it_turns_its_own_point_red(protection: str, parts: str, tmp_path: Path) -> None:
    words, own = OWN[protection]
    if (protection, parts) == ("worker-cpu", "real"):
        pytest.skip("workerd limits no CPU")
    code, found = attack((*words, *PARTS[parts]), f"today,-{protection}", tmp_path)
    red = {point["id"] for point in found["points"] if point["status"] == "fail"}
    assert own <= red <= own | INTERLEAVED[parts]
    assert (code, found["verdict"]) == (1, "fail")
    assert protection not in found["protections"]

"""What the web UI must not do: load elsewhere, listen to strangers. An independent recorder counts."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Final

import pytest
import yaml

from tests.support.recorder.attack import Plan
from tests.support.recorder.handle import Recorder, recorder
from tests.support.web_ui_rig import WebUi, web_ui

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

PLAN: Final = Plan(accounts=5, rate=2, seconds=2, timeout=5)


def running_on(folder: Path, base_url: str) -> tuple[str, ...]:
    """Arguments for an attack on the recorder."""
    return ("--scenario", str(PLAN.scenario(folder)), "--target", str(PLAN.target(folder, base_url)))


def refused(ui: WebUi, says: str, **fields: str) -> None:
    answer = ui.swarm(**fields)
    assert answer["success"] is False
    assert says in answer["message"]
    assert "\n" not in answer["message"]


def seen(server: Recorder) -> int:
    return int(server.stats()["received"])


def test_refused_forms_send_nothing_and_a_good_one_does(tmp_path: Path) -> None:
    with recorder(0.0) as server, web_ui(tmp_path, *running_on(tmp_path, server.base_url)) as ui:
        refused(ui, "host: 'http://127.0.0.1:1'", host="http://127.0.0.1:1")
        refused(ui, "host: 'https://example.com'", host="https://example.com")
        refused(ui, "accounts: 'x'", accounts="x")
        refused(ui, "rate: '[]'", rate="[]")
        refused(ui, "duration: 'forever'", duration="forever")
        refused(ui, "user_count: 'all'", user_count="all")
        refused(ui, "target: '/etc/hosts'", target="/etc/hosts")
        refused(ui, "form: 'headless'", headless="true")
        status, body = ui.post("/swarm", {}, Origin="http://evil.example")
        assert (status, body[:6]) == (403, "Origin")
        status, body = ui.get("/attack", Host="evil.example")
        assert (status, body[:4]) == (403, "Host")
        assert seen(server) == 0
        assert not list(ui.results.glob("*"))

        assert ui.swarm(host=server.base_url)["success"] is True
        refused(ui, "a run is under way", accounts="1")
        while 'data-going="yes"' in ui.get("/attack/live")[1] or not list(ui.results.glob("*/report.html")):
            assert ui.process.poll() is None, ui.console
        assert seen(server) >= PLAN.accounts * PLAN.rate * PLAN.seconds


def test_a_target_that_nobody_owns_gets_nothing(tmp_path: Path) -> None:
    with recorder(0.0) as server:
        elsewhere = server.base_url.replace("127.0.0.1", "0.0.0.0")  # it would arrive, but is not loopback
        with web_ui(tmp_path, *running_on(tmp_path, elsewhere)) as ui:
            refused(ui, "is not on loopback; allowed: only what is yours")
            assert seen(server) == 0


def test_an_owner_is_held_to_what_he_allowed(tmp_path: Path) -> None:
    with recorder(0.0) as server:
        arguments = running_on(tmp_path, server.base_url)
        file = Path(arguments[-1])
        file.write_text(file.read_text() + yaml.safe_dump({"max_rps": 20, "max_duration": "60s"}))
        with web_ui(tmp_path, *arguments) as ui:
            refused(ui, "allowed: max_rps 20", rate="50")
            refused(ui, "allowed: max_duration 60 s", duration="2m")
            assert seen(server) == 0


def test_reports_come_from_the_results_alone(tmp_path: Path) -> None:
    with web_ui(tmp_path) as ui:
        outside = tmp_path / "outside"
        outside.mkdir()
        (outside / "report.html").write_text("secret")
        ui.results.mkdir()
        (ui.results / "link").symlink_to(outside)
        for name in ("link", "..", "%2e%2e", "..%2foutside", "nothing", "latest"):
            status, body = ui.get(f"/attack/runs/{name}")
            assert status in (308, 404), name
            assert "secret" not in body


def test_plain_locust_listens_on_loopback(tmp_path: Path) -> None:
    with web_ui(tmp_path) as ui:
        assert ui.listening()[0] == "127.0.0.1"


@pytest.mark.parametrize("host", ["0.0.0.0", "*", socket.gethostname()])
def test_another_address_without_a_password_is_refused(tmp_path: Path, host: str) -> None:
    ui = WebUi(tmp_path, "--web-host", host, env={"WEB_PASSWORD": ""})
    try:
        assert ui.process.wait(60) == 2
    finally:
        ui.end()
    lines = [line for line in ui.console.splitlines() if "locust.main" not in line]
    assert len(lines) == 1, ui.console
    assert "WEB_PASSWORD" in lines[0]


def test_another_address_with_a_password_asks_for_it(tmp_path: Path) -> None:
    with web_ui(tmp_path, "--web-host", "0.0.0.0", env={"WEB_PASSWORD": "correct horse"}) as ui:
        for path in ("/", "/attack", "/attack/live", "/stats/requests", "/logs"):
            assert "authArgs" in ui.get(path)[1], path
        assert "success" not in ui.post("/swarm", {})[1]
        assert "authArgs" in ui.post("/authenticate", {"password": "wrong"})[1]

"""What the web UI must not do: load elsewhere, listen to strangers. An independent recorder counts."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlencode
from urllib.request import Request

import pytest
import yaml

from tests.support.recorder.attack import Plan
from tests.support.recorder.handle import Recorder, recorder
from tests.support.web_ui_rig import WebUi, ask, web_ui

pytestmark = pytest.mark.e2e

PLAN: Final = Plan(accounts=5, rate=2, seconds=2, timeout=5)


def running_on(folder: Path, base_url: str) -> tuple[str, ...]:
    """Arguments for an attack on the recorder."""
    return ("--scenario", str(PLAN.scenario(folder)), "--target", str(PLAN.target(folder, base_url)))


def why_not_started(ui: WebUi) -> str:
    """The one line of a UI that ends with exit code 2."""
    try:
        assert ui.process.wait(60) == 2
    finally:
        ui.end()
    lines = [line for line in ui.console.splitlines() if "locust.main" not in line]
    assert len(lines) == 1, ui.console
    return lines[0]


def refused(ui: WebUi, says: str, **fields: str) -> None:
    answer = ui.swarm(**fields)
    assert answer["success"] is False
    assert says in answer["message"]
    assert "\n" not in answer["message"]


def seen(server: Recorder) -> int:
    return int(server.stats()["received"])


class Attacking(NamedTuple):
    """A web UI and the recorder that its form attacks."""

    ui: WebUi
    server: Recorder


@pytest.fixture(scope="module")
def attacking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacking]:
    folder = tmp_path_factory.mktemp("attacking")
    with recorder(0.0) as server, web_ui(folder, *running_on(folder, server.base_url)) as ui:
        yield Attacking(ui, server)


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebUi]:
    """Where others can reach it, behind a password."""
    folder = tmp_path_factory.mktemp("locked")
    with web_ui(folder, "--web-host", "0.0.0.0", env={"WEB_PASSWORD": "correct horse"}) as ui:
        yield ui


@pytest.mark.slow
def test_refused_forms_send_nothing_and_a_good_one_does(attacking: Attacking) -> None:
    ui, server = attacking
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
        time.sleep(0.2)
    assert seen(server) >= PLAN.accounts * PLAN.rate * PLAN.seconds


@pytest.mark.slow
def test_a_target_that_nobody_owns_gets_nothing(tmp_path: Path) -> None:
    with recorder(0.0) as server:
        elsewhere = server.base_url.replace("127.0.0.1", "0.0.0.0")  # it would arrive, but is not loopback
        with web_ui(tmp_path, *running_on(tmp_path, elsewhere)) as ui:
            refused(ui, "is not on loopback; allowed: only what is yours")
            assert seen(server) == 0


@pytest.mark.slow
def test_an_owner_is_held_to_what_he_allowed(tmp_path: Path) -> None:
    with recorder(0.0) as server:
        arguments = running_on(tmp_path, server.base_url)
        file = Path(arguments[-1])
        file.write_text(file.read_text() + yaml.safe_dump({"max_rps": 20, "max_duration": "60s"}))
        with web_ui(tmp_path, *arguments) as ui:
            refused(ui, "allowed: max_rps 20", rate="50")
            refused(ui, "allowed: max_duration 60 s", duration="2m")
            assert seen(server) == 0


@pytest.mark.slow
def test_plain_locust_listens_on_loopback_and_gives_reports_of_the_results_alone(tmp_path: Path) -> None:
    with web_ui(tmp_path) as ui:
        assert ui.listening()[0] == "127.0.0.1"
        outside = tmp_path / "outside"
        outside.mkdir()
        (outside / "report.html").write_text("secret")
        ui.results.mkdir()
        (ui.results / "link").symlink_to(outside)
        for name in ("link", "..", "%2e%2e", "..%2foutside", "nothing", "latest"):
            status, body = ui.get(f"/attack/runs/{name}")
            assert status in (308, 404), name
            assert "secret" not in body


@pytest.mark.parametrize("host", ["0.0.0.0", "*", socket.gethostname()])
def test_another_address_without_a_password_is_refused(tmp_path: Path, host: str) -> None:
    assert "WEB_PASSWORD" in why_not_started(WebUi(tmp_path, "--web-host", host, env={"WEB_PASSWORD": ""}))


@pytest.mark.slow
def test_a_large_body_is_refused_before_the_login(locked: WebUi) -> None:
    address = "127.0.0.1", locked.listening()[1]
    for head, status in (
        ("Content-Length: 300000000", b"413"),
        ("Content-Length: 65537", b"413"),
        ("Transfer-Encoding: chunked", b"411"),
    ):
        with socket.create_connection(address, 10) as connection:
            kind = "Content-Type: application/x-www-form-urlencoded"
            lines = ["POST /authenticate HTTP/1.1", f"Host: {address[0]}:{address[1]}", kind, head]
            connection.sendall("\r\n".join([*lines, "", "password=x"]).encode())
            assert connection.recv(4096).split(b" ", 2)[1] == status, head
    assert locked.post("/authenticate", {"password": "x" * 60_000})[0] == 200


@pytest.mark.slow
def test_another_address_with_a_password_asks_for_it(locked: WebUi) -> None:
    assert locked.listening()[0] == "0.0.0.0"
    for path in ("/", "/attack", "/attack/live", "/attack/target", "/attack/curves", "/stats/requests"):
        assert "authArgs" in locked.get(path)[1], path
    assert "success" not in locked.post("/swarm", {})[1]
    assert "success" not in locked.post("/attack/compare", {"a": "x", "b": "y"})[1]
    assert "authArgs" in locked.post("/authenticate", {"password": "wrong"})[1]


@pytest.mark.slow
def test_guesses_of_all_clients_share_one_slot(locked: WebUi) -> None:
    """Thirty at a time, as fast as they can: of some hundred guesses those are looked at that waits allow."""
    url = locked.url

    def guess(number: int) -> int:
        return ask(Request(f"{url}/authenticate", urlencode({"password": f"{number}"}).encode()))[0]

    began = time.monotonic()
    with ThreadPoolExecutor(30) as clients:
        answers = list(clients.map(guess, range(150)))
    took = time.monotonic() - began
    looked_at = answers.count(200)  # the login page again
    assert looked_at + answers.count(429) == 150
    assert looked_at >= 1
    assert took >= 2**looked_at - 1  # 1 + 2 + 4 … seconds, or more: others guessed before


@pytest.mark.slow
def test_the_user_class_stays_as_it_is(attacking: Attacking) -> None:
    ui, server = attacking

    def change(body: object) -> tuple[int, str]:
        kind = {"Content-Type": "application/json"}
        return ask(Request(f"{ui.url}/user", json.dumps(body).encode(), kind))

    for body, says in (
        ({"user_class_name": "AllAccounts", "host": "http://127.0.0.1:1"}, "host: "),
        ({"user_class_name": "AllAccounts", "fixed_count": 0}, "user: "),
        ({"user_class_name": "Nobody"}, "user_class_name: "),
        (["AllAccounts"], "body: "),
    ):
        answer = json.loads(change(body)[1])
        assert answer["success"] is False
        assert answer["message"].startswith(says), answer
    assert change({"user_class_name": "AllAccounts", "host": server.base_url}) == (201, "{}\n")
    status, text = ask(Request(f"{ui.url}/user", b"{", {"Content-Type": "application/json"}))
    assert (status, json.loads(text)["success"]) == (200, False)
    assert "Traceback" not in ui.console


def test_a_port_that_is_taken_is_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        line = why_not_started(WebUi(tmp_path, "--web-port", port))
    assert f"port {port}: Address already in use, allowed: a free port" in line

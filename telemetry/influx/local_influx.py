"""An InfluxDB 1.8 of our own on 127.0.0.1, for hand use and for tests.

    make influx        starts it in the project's .influx/ and prints the four variables; Ctrl-C ends it

influxd is looked for on PATH, in .cache/bin and where Go installs; without it:
`go install github.com/influxdata/influxdb/cmd/influxd@v1.8.10`. Bucket `resilience/autogen` of its
InfluxDB 2 write API is database `resilience`, retention policy `autogen`, which InfluxQL reads.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any, Final

import msgspec

from common import exit_codes
from common.errors import failure
from common.paths import ROOT

HOST: Final = "127.0.0.1"
DATABASE: Final = "resilience"
INSTALL: Final = "go install github.com/influxdata/influxdb/cmd/influxd@v1.8.10"
START_TIMEOUT: Final = 60.0
_CONFIG: Final = """reporting-disabled = true
bind-address = "{host}:{rpc}"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
  query-log-enabled = false
[monitor]
  store-enabled = false
[http]
  bind-address = "{host}:{port}"
  auth-enabled = {auth}
  log-enabled = false
[logging]
  level = "error"
  suppress-logo = true
"""


def find() -> str | None:
    """The influxd of this machine."""
    places = [str(ROOT / ".cache" / "bin"), os.environ.get("GOBIN", ""), str(_go_path() / "bin")]
    return shutil.which("influxd") or shutil.which("influxd", path=os.pathsep.join(filter(None, places)))


def _go_path() -> Path:
    go = shutil.which("go")
    if go is None:
        return Path.home() / "go"
    return Path(
        subprocess.run([go, "env", "GOPATH"], capture_output=True, text=True, check=True).stdout.strip()
    )


class LocalInflux:
    """A running influxd; its data is `folder`. `user` and `password` switch authentication on."""

    def __init__(self, folder: Path, *, port: int = 0, user: str = "", password: str = "") -> None:
        self._folder = folder.resolve()
        self.port = port or _free_port()
        self._user, self._password = user, password
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{HOST}:{self.port}"

    @property
    def _token(self) -> str:
        return f"{self._user}:{self._password}" if self._user else "unused"

    @property
    def env(self) -> dict[str, str]:
        """The variables that switch telemetry on."""
        return {
            "INFLUXDB_V2_URL": self.url,
            "INFLUXDB_V2_TOKEN": self._token,
            "INFLUXDB_V2_ORG": "-",
            "INFLUXDB_V2_BUCKET": f"{DATABASE}/autogen",
        }

    def start(self) -> None:
        """Start it and wait until it answers; the database is there then. RuntimeError if it does not."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "influxd.log").open("ab") as log:
            command = [*_dies_with_us(), *self._command()]
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        try:
            self._prepare()
        except BaseException:
            self.stop()
            raise

    def _command(self) -> list[str]:
        program = find()
        if program is None:
            raise RuntimeError(f"influxd is not installed, allowed: {INSTALL}")
        config = self._folder / "influxd.conf"
        auth = "true" if self._user else "false"
        config.write_text(
            _CONFIG.format(host=HOST, rpc=_free_port(), port=self.port, folder=self._folder, auth=auth)
        )
        return [program, "-config", str(config)]

    def _prepare(self) -> None:
        self._wait()
        if self._user:
            with contextlib.suppress(urllib.error.HTTPError):  # the first user is made without one, once
                user = f"CREATE USER {self._user} WITH PASSWORD '{self._password}' WITH ALL PRIVILEGES"
                self._post({"q": user}, {})
        self.query(f"CREATE DATABASE {DATABASE}", "")

    def _wait(self) -> None:
        """Until it answers."""
        deadline = time.monotonic() + START_TIMEOUT
        while not self._answers():
            assert self._process is not None
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"influxd did not start: see {self._folder / 'influxd.log'}")
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/ping", timeout=2) as answer:
                return bool(answer.status == 204)
        except OSError:
            return False

    def query(self, text: str, database: str = DATABASE) -> list[dict[str, Any]]:
        """The series of an InfluxQL query: `{"name","tags","columns","values"}`. RuntimeError if refused."""
        form = {"q": text, "db": database, "epoch": "ms"}
        found = self._post(form, {"Authorization": f"Token {self._token}"})
        if "error" in found:
            raise RuntimeError(f"{found['error']}: {text}")
        series: list[dict[str, Any]] = found.get("series", [])
        return series

    def _post(self, form: dict[str, str], headers: dict[str, str]) -> dict[str, Any]:
        data = urllib.parse.urlencode(form).encode()
        request = urllib.request.Request(f"{self.url}/query", data, headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            found: dict[str, Any] = msgspec.json.decode(answer.read())["results"][0]
        return found

    def kill(self) -> None:
        """End it as a crash does."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it."""
        self._end(signal.SIGTERM)

    def _end(self, number: int) -> None:
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.send_signal(number)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _dies_with_us() -> list[str]:
    """What has the kernel end a child whose starter was killed; nothing where setpriv is not installed."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM"] if setpriv else []


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def main(argv: list[str] | None = None) -> int:
    """Run one until Ctrl-C or SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m telemetry.influx.local_influx")
    parser.add_argument("--folder", type=Path, default=ROOT / ".influx")
    parser.add_argument("--port", type=int, default=8086)
    options = parser.parse_args(argv)
    server = LocalInflux(options.folder, port=options.port)
    end = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: end.set())
    try:
        server.start()
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return exit_codes.USAGE
    except Exception as error:  # ours
        print(failure(error), file=sys.stderr)
        return exit_codes.OURS
    for name, value in server.env.items():
        print(f"export {name}={value}", flush=True)
    end.wait()
    server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())

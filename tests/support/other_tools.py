"""`python -m tests.support.other_tools FOLDER`: other load generators' runs, for the tests of `audit`.

A server on loopback answers after as long as the path says (`/3000`: 3 s) and counts what it got. Each run
is a few seconds long; FOLDER/counts.json has the server's count of each, by the name of its file.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.support.needs import PATH

LOCUST: Final = (sys.executable, "-m", "locust", "--headless", "--only-summary", "--skip-log")
TWENTY: Final = ("-duration=2s", "-max-workers=20")
LED: Final = ("--master", "--expect-workers", "1")
USERS: Final = """
import gevent
from locust import FastHttpUser, constant_throughput, task

class Account(FastHttpUser):
    wait_time = constant_throughput({rate})
    sent = 0

    @task
    def call(self):
        if self.sent == {most}:
            gevent.sleep(60)
        self.sent += 1
        self.client.get("/{path}")
"""


class CountingServer:
    """Answers 200 after the milliseconds that the path names."""

    def __init__(self) -> None:
        self.counted: Counter[str] = Counter()
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=4096)
        )
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                path = head.split(b" ", 2)[1].decode()
                self.counted[path] += 1
                await asyncio.sleep(int(path.rpartition("/")[2]) / 1000)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        except (asyncio.IncompleteReadError, OSError):
            writer.close()


def run(words: Sequence[str], stdin: str | None = None) -> bytes:
    """The command's standard output; its exit code says nothing here."""
    done = subprocess.run(
        words,
        input=stdin.encode() if stdin else None,
        stdout=subprocess.PIPE,
        env={"PATH": PATH},
        check=False,
        timeout=60,
    )
    return done.stdout


def vegeta(server: CountingServer, folder: Path, name: str, ms: int, *words: str) -> int:
    """NAME.json and NAME.results.json; the server's count."""
    path = f"/{name}/{ms}"
    attack = run(["vegeta", "attack", "-timeout=10s", *words], f"GET {server.url}{path}\n")
    for kind, command in (("", ["report", "-type=json"]), (".results", ["encode"])):
        raw = folder / "vegeta.bin"
        raw.write_bytes(attack)
        (folder / f"{name}{kind}.json").write_bytes(run(["vegeta", *command, str(raw)]))
        raw.unlink()
    return server.counted[path]


def locust(
    server: CountingServer, folder: Path, name: str, user: tuple[float, int], ms: int, *words: str
) -> int:
    """NAME_stats.csv and NAME_failures.csv; with `--master` a worker runs beside; the server's count.

    `user`: requests a second of each, and after how many of them it idles. Locust writes its CSV once a
    second and not at its end, so a run whose last second is busy is never whole there.
    """
    file = folder / "locustfile.py"
    file.write_text(USERS.format(rate=user[0], most=user[1], path=f"{name}/{ms}"))
    common = [*LOCUST, "-f", str(file), "--host", server.url]
    worker = None
    if "--master" in words:
        worker = subprocess.Popen([*common[:3], "--worker", *common[-4:]], stdout=subprocess.DEVNULL)
    run([*common, "--csv", str(folder / name), *words])
    if worker is not None:
        worker.wait(30)
    file.unlink()
    for more in ("exceptions", "stats_history"):
        (folder / f"{name}_{more}.csv").unlink(missing_ok=True)
    return server.counted[f"/{name}/{ms}"]


def users(count: int, seconds: int) -> tuple[str, ...]:
    """So many at once, for so long."""
    return ("-u", str(count), "-r", str(count), "-t", f"{seconds}s", "--stop-timeout", "10")


def main(folder: Path) -> None:
    """Every run, one after the other: under a minute."""
    server = CountingServer()
    counts = {
        "vegeta-clean": vegeta(server, folder, "vegeta-clean", 10, "-rate=100", "-duration=2s"),
        "vegeta-closed": vegeta(server, folder, "vegeta-closed", 500, "-rate=500", *TWENTY),
        "locust-clean": locust(server, folder, "locust-clean", (5, 15), 10, *users(20, 8)),
        "locust-33-of-500": locust(server, folder, "locust-33-of-500", (5, 999), 3000, *users(100, 11)),
        "locust-0-of-40": locust(server, folder, "locust-0-of-40", (1, 999), 3000, *users(20, 4), *LED),
    }  # fmt: skip
    (folder / "counts.json").write_text(json.dumps(counts, indent=2) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

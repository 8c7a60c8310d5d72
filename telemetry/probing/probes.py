"""Scrapes the metrics of every source once a second into `target.jsonl`, as a process of its own.

    python -m telemetry.probing.probes --out RUN/target.jsonl --start-monotonic 1234.5 \\
        --source edge=http://127.0.0.1:41001/metrics --source origin-a=… | --sources-on-stdin \\
        [--pin edge=127.0.0.1] [--interval 1.0] [--timeout 2.0] [--map names.json] [--headers headers.json] \\
        [--ca FILE] [--insecure]

Each scrape is one line, written at once: {"t","source","up","took_s","values"}; a source that fails has
`"up":false,"values":{},"error":"…"`. `t` is when the answer was whole, in seconds since
`--start-monotonic` (of time.monotonic(), one clock for a machine); `took_s` is how long it took.

A source is scraped at the start (the baseline; then `ready` is printed), at every whole multiple of the
interval, and once more at the end, so that final counters are exact. A source that stalls delays no
other, and what it missed is not made up for. The end is SIGTERM, or EOF on stdin where that is a pipe
(the starter died, or wants the end); SIGINT counts only where stdin is no pipe, since Ctrl-C reaches
every process of a terminal while the run still drains.

names.json maps our metric names to the target's: {"mcpist_requests_total": "http_requests_total"}.
--sources-on-stdin: the first line of stdin is {"edge": "http://…", …}; a process list shows no URL then.
--pin says where a source's host is: its name is not asked for again.
headers.json is sent with every scrape: {"Authorization": "…"}.
Exit codes: 0 at the end; 2 for bad usage; 3 when the file cannot be written.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import ssl
import stat
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import msgspec
from msgspec import UNSET

from common import exit_codes
from common.errors import short
from common.files.append_only import AppendOnly
from common.secrets.first_line import first_line
from telemetry.probing.exposition import ExpositionError, values
from telemetry.probing.fetch import FetchError, check_url, fetch
from telemetry.run_folder.lines import Scrape

Clock = Callable[[], float]
STDIN = 0


@dataclass(frozen=True, slots=True)
class ProbeConfig:
    """What to scrape and how; times in seconds. `names` maps a source's metric name to ours."""

    sources: Mapping[str, str]
    start: float
    interval: float = 1.0
    timeout: float = 2.0
    names: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    addresses: Mapping[str, str] = field(default_factory=dict)


def next_tick(now: float, start: float, interval: float) -> float:
    """The first point of the grid `start + k·interval` (k any whole number) after `now`."""
    tick = start + ((now - start) // interval + 1) * interval
    return tick if tick > now else tick + interval


async def scrape(config: ProbeConfig, source: str, clock: Clock = time.monotonic) -> Scrape:
    """One scrape, as one line tells it."""
    began = clock()
    try:
        address = config.addresses.get(source)
        text = await fetch(config.sources[source], config.timeout, config.headers, config.tls, address)
        done = clock()
        found, why = values(text, config.names), None
    except (FetchError, ExpositionError) as error:
        done = clock()
        found, why = {}, str(error)
    return Scrape(
        t=round(done - config.start, 6), source=source, took_s=round(done - began, 6), up=why is None,
        values=found, error=UNSET if why is None else why,
    )  # fmt: skip


class Probes:
    """Scrapes by `config` and gives each line to `write` until `stop` is set."""

    def __init__(
        self, config: ProbeConfig, write: Callable[[bytes], None], clock: Clock = time.monotonic
    ) -> None:
        self.config, self.write, self.clock = config, write, clock
        self.stop = asyncio.Event()

    async def run(self, ready: Callable[[], None]) -> None:
        """Baseline, grid, final scrape."""
        await self._all()
        ready()
        async with asyncio.TaskGroup() as group:
            for source in self.config.sources:
                group.create_task(self._watch(source))
        await self._all()

    async def _all(self) -> None:
        await asyncio.gather(*map(self._one, self.config.sources))

    async def _watch(self, source: str) -> None:
        while not await self._stopped_before(
            next_tick(self.clock(), self.config.start, self.config.interval)
        ):
            await self._one(source)

    async def _stopped_before(self, tick: float) -> bool:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.stop.wait(), tick - self.clock())
        return self.stop.is_set()

    async def _one(self, source: str) -> None:
        self.write(msgspec.json.encode(await scrape(self.config, source, self.clock)) + b"\n")


def main(argv: list[str] | None = None) -> None:
    """Scrape until told to stop."""
    options = _options(argv)
    try:
        config = _config(options)
        out = AppendOnly(options.out)
    except (ValueError, OSError) as error:
        _leave(exit_codes.USAGE, f"probes: {error}")
    try:
        asyncio.run(_serve(config, out.add))
    except* OSError as error:
        _leave(exit_codes.OURS, f"probes: {options.out}: {error.exceptions[0]}")


async def _serve(config: ProbeConfig, write: Callable[[bytes], None]) -> None:
    probes = Probes(config, write)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, probes.stop.set)
    if _is_pipe(STDIN):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        loop.add_reader(STDIN, _on_stdin, loop, probes.stop)
    else:
        loop.add_signal_handler(signal.SIGINT, probes.stop.set)
    await probes.run(_say_ready)


def _on_stdin(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    if not os.read(STDIN, 4096):
        loop.remove_reader(STDIN)
        stop.set()


def _say_ready() -> None:
    with contextlib.suppress(OSError):
        print("ready", flush=True)


def _is_pipe(fd: int) -> bool:
    try:
        mode = os.fstat(fd).st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m telemetry.probing.probes")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--start-monotonic", type=float, required=True)
    sources = parser.add_mutually_exclusive_group(required=True)
    sources.add_argument("--source", action="append", metavar="NAME=URL")
    sources.add_argument("--sources-on-stdin", action="store_true")
    parser.add_argument("--pin", action="append", default=[], metavar="NAME=ADDRESS")
    parser.add_argument("--interval", type=_positive, default=1.0)
    parser.add_argument("--timeout", type=_positive, default=2.0)
    parser.add_argument("--map", type=Path)
    parser.add_argument("--headers", type=Path)
    parser.add_argument("--ca", type=Path)
    parser.add_argument("--insecure", action="store_true")
    return parser.parse_args(argv)


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r}: allowed: a number of seconds above 0")
    return value


def _config(options: argparse.Namespace) -> ProbeConfig:
    theirs = {target: ours for ours, target in _strings(options.map).items()}
    return ProbeConfig(
        _sources(options), options.start_monotonic, options.interval, options.timeout, theirs,
        _strings(options.headers), _tls(options.ca, options.insecure), _named("--pin", options.pin),
    )  # fmt: skip


def _sources(options: argparse.Namespace) -> dict[str, str]:
    if options.sources_on_stdin:
        found = msgspec.json.decode(first_line(STDIN), type=dict[str, str])
    else:
        found = _named("--source", options.source)
    return {name: check_url(url) for name, url in found.items()}


def _named(option: str, items: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for item in items:
        name, _, value = item.partition("=")
        if not name or not value or name in found:
            raise ValueError(f"{option} {short(item)}: allowed: NAME=VALUE, each name once")
        found[name] = value
    return found


def _strings(path: Path | None) -> dict[str, str]:
    if path is None:
        return {}
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, str])
    except msgspec.DecodeError as error:
        raise ValueError(f"{path}: {error}; allowed: a JSON object of strings") from None


def _tls(ca: Path | None, insecure: bool) -> ssl.SSLContext | None:
    if ca is None and not insecure:
        return None
    context = ssl.create_default_context(cafile=ca)
    if insecure:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _leave(code: int, line: str) -> NoReturn:
    print(line, file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()

"""The common main of every process of the stack.

    python -m fakes.edge --config stack.json --fd 7 [--name edge] [--life-fd 9]

A room's `__main__` calls `serve.run("edge", make_app)` in its `main`, and

    async def make_app(config: StackConfig) -> App: …

builds what it needs on the running loop and returns its ASGI app with its control and metrics.
Exit codes: 0 at SIGTERM, SIGINT or EOF on the life pipe (its other end died), at once and without
waiting for calls; 2 for a configuration that does not fit; 3 when the app could not be built.

Beside the app, on the same port:
    GET  /metrics               Prometheus text
    GET  /_control/state        {"name", "pid", "protections", "settings", "known_faults", "effects",
                                 "faults", …app.state()}
    POST /_control/protections  {"names": […]}            POST /_control/settings {partial tree}
    POST /_control/faults       {"faults": [{…}, …]}      POST /_control/reset    {}
Control needs the header X-Control-Token; commands are those of `fakes.control.state`, and each answers the
state that it led to. 400 with {"error": one line} for a bad command, 403 for a bad token.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import resource
import signal
import socket
import sys
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import uvloop

from common.errors import ConfigError
from fakes.control.process_config import StackConfig, load
from fakes.control.state import Control
from fakes.http.asgi import ASGIApp
from fakes.http.control_endpoint import with_control_endpoint
from fakes.http.metrics import Metrics
from fakes.http.server import HttpConnection, HttpServer


def _nothing() -> Mapping[str, Any]:
    return {}


@dataclass(slots=True)
class App:
    """What a process serves. `state` adds to the answer of `/_control/state`.

    `protocol` is the class of its connections.
    """

    handle: ASGIApp
    control: Control
    metrics: Metrics
    state: Callable[[], Mapping[str, Any]] = _nothing
    protocol: type[HttpConnection] = HttpConnection


MakeApp = Callable[[StackConfig], Awaitable[App]]


def run(name: str, make_app: MakeApp, argv: Sequence[str] | None = None) -> None:
    """Serve as `name` (or as `--name`) until told to stop; never returns."""
    options = _options(name, argv)
    try:
        config = load(options.config, options.name)
    except ConfigError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(make_app, config, options))


def _options(name: str, argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--fd", type=int, required=True, help="a listening socket")
    parser.add_argument("--name", default=name)
    parser.add_argument("--life-fd", type=int, help="exit when this pipe reads EOF")
    return parser.parse_args(argv)


async def _serve(make_app: MakeApp, config: StackConfig, options: argparse.Namespace) -> None:
    loop = asyncio.get_running_loop()
    _raise_file_limit()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, exit_now)
    if options.life_fd is not None:
        loop.add_reader(options.life_fd, partial(_on_life, options.life_fd))
    try:
        app = await make_app(config)
    except Exception:
        traceback.print_exc()
        exit_now(3)
    server = HttpServer(
        with_control_endpoint(app.handle, app.control, app.metrics, config, app.state),
        app.protocol,
    )
    await server.listen(socket.socket(fileno=options.fd))
    _freeze_collector()
    await loop.create_future()


def _freeze_collector() -> None:
    """Keep what lives for ever out of collections: a full one takes 10 ms, a request's whole budget."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)


def _raise_file_limit() -> None:
    """As many open files as the system allows: a call in flight holds two here."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _on_life(fd: int) -> None:
    if not os.read(fd, 64):
        exit_now()


def exit_now(code: int = 0) -> None:
    """End this process now: what matters is stored by others, and a slow end would hold up a run."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)

"""The process beside the Worker: KV behind its binding, control, figures, health checks, further processes.

    python -m fakes.edge_worker.companion --config stack.json --worker PID --control PORT …

Started by `python -m fakes.edge_worker` alone. The Worker asks nobody what is in force: every change is
pushed to it as a whole, and a command is answered when all isolates have it. Clients reach `/metrics` and
`/_control/…` through the Worker, which passes them on to here.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import signal
import socket
import sys
import time
import traceback
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from typing import Any, Final

import uvloop

from fakes.control.process_config import StackConfig, load
from fakes.control.state import Control
from fakes.edge.balancer_state import TABLE
from fakes.edge.origin_watch import ORIGINS
from fakes.edge_runtime.kv import Kv
from fakes.edge_worker import kv_connection, open_files, totals, workerd
from fakes.edge_worker.health_checks import HealthChecks
from fakes.edge_worker.isolates import WorkerIsolates
from fakes.edge_worker.kv_service import KvService
from fakes.edge_worker.siblings import Siblings
from fakes.edge_worker.workerd import Worker
from fakes.http.asgi import TEXT, Receive, Reply, Scope, Send, send_reply
from fakes.http.control_endpoint import ControlEndpoint
from fakes.http.hop import HopError
from fakes.http.metrics import LATENCY
from fakes.http.reasons import REASONS
from fakes.http.server import HttpServer
from fakes.state_machine import states

LOOK: Final = 0.2  # seconds between two looks at the processes
DECENT: Final = 0.5  # seconds that the Worker gets to end by itself


class Companion:
    """The ASGI app of the control endpoint, and what it steers."""

    def __init__(self, config: StackConfig, front: Worker, calls: socket.socket, doors_port: int) -> None:
        self.config, self.control = config, Control(config)
        self.counts: dict[str, float] = defaultdict(float)
        self.kv = Kv(watch=self._count_kv)
        token = config.control_token.reveal()
        siblings = Siblings(front.pid, calls, lambda: self.kv_service(0), doors_port, token)
        self.isolates = WorkerIsolates(front, siblings, token, doors_port, self.kv_service)
        self.checks = HealthChecks(config.addresses, self.control, self._count_lb, self.push)
        self._endpoint = ControlEndpoint(self.control, config, self.state)
        self._run, self._turn = token_hex(4), asyncio.Lock()
        self._forget, self._cpu_at_reset = True, 0.0  # its start is no request's CPU
        self.control.on_reset.append(self._reset)

    def kv_service(self, place: int) -> KvService:
        """KV as one isolate reaches it."""
        return KvService(self.kv, lambda: self.control.snapshot.settings.kv, place)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve `/metrics` and `/_control/…`."""
        if scope["path"] == "/metrics":
            return await send_reply(send, Reply(200, [TEXT], await self.text()))
        reply = await self._endpoint.answer(scope, receive)
        if scope["method"] != "GET" and reply.status == 200:
            await self.push()
        return await send_reply(send, reply)

    async def push(self) -> None:
        """Make every process that serves know what is in force, and forget if told to reset."""
        async with self._turn:
            edge, siblings = self.control.snapshot.settings.edge, self.isolates.siblings
            over = await self.isolates.resize(edge.isolates)
            await siblings.resize(open_files.processes(edge.calls_at_once, siblings.limit))
            await self.isolates.put(self.in_force())
            for isolate in over:
                await self.isolates.end(isolate)
            if self._forget:
                self._forget = False
                await self.isolates.reset()
                self._cpu_at_reset = self.isolates.cpu()

    async def admit(self) -> None:
        """Let siblings take calls, once they are up: nobody's command waits for that. Raises HopError."""
        siblings = self.isolates.siblings
        for one in list(siblings.waiting):
            await one.worker.figures()
            async with self._turn:
                await self.isolates.put_at(one.worker, self.in_force())
                siblings.admit()

    def in_force(self) -> dict[str, Any]:
        """What a Worker is told, but for its place and peers: see `worker/control.mjs`."""
        config, snapshot = self.config, self.control.snapshot
        return {
            "protections": sorted(snapshot.protections), "settings": snapshot.settings.edge.model_dump(),
            "own": snapshot.settings.protections,
            "issuer": config.issuer, "jwks_url": config.jwks_url,
            "gateway_secret": config.gateway_secret.reveal(),
            "lb": self.checks.believed(), "run": self._run, "reasons": REASONS, "buckets": LATENCY,
            "origins": {name: "{}:{}".format(*config.addresses[name]) for name in ORIGINS},
        }  # fmt: skip

    def state(self) -> dict[str, Any]:
        """For `/_control/state`, over what is common."""
        lb = self.checks.lb
        origins = {name: belief.health for name, belief in lb.origins.items()}
        return {
            "pid": self.isolates.front.pid, "workers": [worker.pid for worker in self.isolates.workers],
            "lb": {"state": lb.state, "origins": origins}, "events": self.checks.events,
            "kv": self.kv.state(), "room": self._room(),
        }  # fmt: skip

    def _room(self) -> dict[str, int]:
        """Processes that clients reach, or soon will; the files of each; calls in flight that all hold."""
        siblings, isolates = self.isolates.siblings, self.control.snapshot.settings.edge.isolates
        least = min(siblings.processes, isolates) if isolates > 1 else siblings.processes
        calls = least * open_files.bears(siblings.limit)
        return {"processes": siblings.processes, "open_files": siblings.limit, "calls": calls}

    async def text(self) -> bytes:
        """The Prometheus text of a scrape."""
        counted = await self.isolates.figures()
        return totals.text({**counted, **self.counts, **self._now(counted)})

    def _now(self, counted: totals.Series) -> dict[str, float]:
        """What is read at the scrape."""
        workers, cpu = self.isolates.workers, self.isolates.cpu()
        own: dict[str, float] = {
            f'mcpist_lb_state{{state="{state}"}}': state == self.checks.lb.state for state in states(TABLE)
        }
        for worker in workers:
            own[f'mcpist_worker_process_cpu_seconds_total{{process="{worker.name}"}}'] = worker.cpu()
            own[f'mcpist_worker_process_resident_memory_bytes{{process="{worker.name}"}}'] = worker.memory()
        return {
            **own,
            "mcpist_kv_stored_writes": self.kv.writes(),
            "mcpist_kv_stored_keys": self.kv.keys(),
            "mcpist_isolates": len(self.isolates),
            "mcpist_worker_request_cpu_seconds_sum": cpu - self._cpu_at_reset,
            "mcpist_worker_request_cpu_seconds_count": counted["mcpist_request_duration_seconds_count"],
            "mcpist_companion_cpu_seconds_total": time.process_time(),
            "process_cpu_seconds_total": cpu,
            "process_resident_memory_bytes": sum(worker.memory() for worker in workers),
        }

    def _count_kv(self, op: str, cause: str | None) -> None:
        if cause is not None:
            self.counts[f'mcpist_kv_failures_total{{op="{op}",cause="{cause}"}}'] += 1
        else:
            self.counts[f"mcpist_kv_{'reads' if op == 'get' else 'writes'}_total"] += 1

    def _count_lb(self, before: str, after: str) -> None:
        self.counts[f'mcpist_lb_transitions_total{{from="{before}",to="{after}"}}'] += 1

    def _reset(self) -> None:
        self.kv.reset()
        self.counts.update(dict.fromkeys(self.counts, 0.0))
        self._forget = True


async def serve(options: argparse.Namespace) -> None:
    """Serve until the Worker or the supervisor is gone; never returns."""
    config = load(options.config, options.name)
    doors, kv = socket.socket(fileno=options.doors_fd), socket.socket(fileno=options.kv_fd)
    front = Worker("front", options.worker, options.control, config.control_token.reveal())
    companion = Companion(config, front, socket.socket(fileno=options.calls_fd), workerd.port_of(doors))
    loop = asyncio.get_running_loop()
    loop.add_reader(options.end_fd, leave)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end_worker, options.worker)
    if options.life_fd is not None:
        loop.add_reader(options.life_fd, end_worker, options.worker, options.life_fd)
    kept = open_files.idle_at_kv(companion.isolates.siblings.limit)
    await kv_connection.listen(companion.kv_service(0), kv, kept)
    await companion.push()
    await HttpServer(companion).listen(doors)
    gc.collect()
    gc.freeze()  # a full collection of what lives for ever would hold up KV
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(companion.checks.watch())
        tasks.create_task(watch(companion.isolates))
        tasks.create_task(admit(companion))


async def watch(isolates: WorkerIsolates) -> None:
    """Look at the processes for ever. Raises RuntimeError if one is gone."""
    while (dead := isolates.dead()) is None:
        isolates.siblings.look()
        await asyncio.sleep(LOOK)
    raise RuntimeError(dead)


async def admit(companion: Companion) -> None:
    """Let siblings in for ever."""
    while True:
        with suppress(HopError):  # it did not answer in time, or ended: the next look tells
            await companion.admit()
        await asyncio.sleep(LOOK)


def end_worker(pid: int, life_fd: int | None = None) -> None:
    """End the Worker as its supervisor would; `leave` follows when its pipe says that it is gone."""
    loop = asyncio.get_running_loop()
    if life_fd is not None:
        loop.remove_reader(life_fd)
    os.kill(pid, signal.SIGTERM)
    loop.call_later(DECENT, os.kill, pid, signal.SIGKILL)


def leave(code: int = 0) -> None:
    """End at once."""
    sys.stderr.flush()
    os._exit(code)


def main() -> None:
    """Read the options, serve; a failure of ours ends the Worker too."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--name", required=True)
    for option in ("--worker", "--control", "--calls-fd", "--doors-fd", "--kv-fd", "--end-fd"):
        parser.add_argument(option, type=int, required=True)
    parser.add_argument("--life-fd", type=int)
    options = parser.parse_args()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(options))
    except BaseException:
        traceback.print_exc()
        with suppress(ProcessLookupError):
            os.kill(options.worker, signal.SIGKILL)
        leave(3)


if __name__ == "__main__":
    main()

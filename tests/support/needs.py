"""What tests and benchmarks use beyond Python: Debian's packages, programs in Go and Rust built once into
.cache/bin, what PyPI and npm have, in folders of their own under .cache, and what takes minutes to build.
Go and Node.js are the machine's own where they are new enough, else PyPI's (`fakes.build.tools`).

    python -m tests.support.needs            # installs what tests miss, where it may; a line each
    python -m tests.support.needs bench      # what `make bench` misses
    needs.require("chromium")                # its path; where it is missing the test is skipped

With REQUIRE_ALL=1 (as continuous integration sets it) a missing one fails the test that needs it, long tests
run, too (`tests.support.left_out`), and what takes minutes is built. Otherwise it is not: few tests want it,
and others stand for them. Where its compilers are missing they are skipped in any case: none are installed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from common.paths import ROOT
from fakes.build import real_parts, tools
from tests.support.long_build import LongBuild, LongBuildError
from tests.support.node_package import NodePackage

HERE: Final = Path(__file__).parent
BUILT: Final = ROOT / ".cache" / "bin"
PLACES: Final = (
    str(BUILT),
    os.environ.get("GOBIN", ""),
    str(Path.home() / "go" / "bin"),
    str(Path.home() / ".cargo" / "bin"),
    "/usr/local/go/bin",
)
PATH: Final = os.pathsep.join(filter(None, (tools.path(), *PLACES, "/usr/sbin")))
BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
LOCKS: Final = HERE / "locks"
READY: Final = "ready"  # in an environment that is whole: the lock that it was made of
TESTS: Final = "tests"
BENCH: Final = "bench"
PEER: Final = "a peer of the benchmarks"
SKIPPED: Final = "needs "  # how the reason of every such skip begins
ROOT_ALONE: Final = f"{SKIPPED}root's rights here: make test as root"


@dataclass(frozen=True, slots=True)
class Need:
    """A program: why it is wanted, the names it goes by, and where it comes from."""

    name: str
    why: str
    debian: str = ""
    go: str = ""  # module@version
    cargo: str = ""  # crate@version, built where there is a cargo
    source: Path | None = None  # of a Go program of our own
    lock: Path | None = None  # of packages of PyPI, for an environment of its own
    made: Path | None = None  # the file that `make NAME` leaves
    npm: NodePackage | None = None  # what node runs of it is `programs[0]`, within its modules
    long: LongBuild | None = None
    tool: bool = False  # of `fakes.build.tools`, which installs it
    library: str = ""  # its file, where it is no program
    minutes: int = 0  # that it takes to build; then only where all tests are wanted
    users: tuple[str, ...] = (TESTS,)  # who uses it
    programs: tuple[str, ...] = ()  # names it goes by; with a lock: its Python, unless one is given

    def find(self) -> str | None:
        """The program's path; None where it is missing."""
        if self.tool:
            return tools.find(self.name)
        if self.library:
            return next((str(path) for path in _libraries(self.library)), None)
        if pinned := self._pinned():
            program, whole = pinned
            return str(program) if whole else None
        found = (shutil.which(program, path=PATH) for program in self.programs or (self.name,))
        return next(filter(None, found), None) or (_playwrights_own() if self.name == "chromium" else None)

    def _pinned(self) -> tuple[Path, bool] | None:
        """Where it is put, and whether it is there as it is pinned; None for one of the machine's own."""
        if self.made:
            return self.made, self.made.exists()
        if self.lock:
            return self._environment / "bin" / (*self.programs, "python")[0], self._is_ready()
        if self.source:
            return BUILT / self.name, real_parts.is_built(self.source, BUILT / self.name)
        if self.npm:
            return self.npm.modules / self.programs[0], self.npm.is_current()
        return (self.long.program, self.long.is_current()) if self.long else None

    @property
    def _environment(self) -> Path:
        return ROOT / ".cache" / self.name

    def _is_ready(self) -> bool:
        ready = self._environment / READY
        return self.lock is not None and ready.exists() and ready.read_bytes() == self.lock.read_bytes()

    def make_environment(self) -> None:
        """Install what the lock names into an environment of its own."""
        assert self.lock is not None
        python = str(self._environment / "bin" / "python")
        uv = shutil.which("uv", path=os.pathsep.join((str(Path(sys.executable).parent), PATH)))
        pip = [uv, "pip", "install", "--python", python] if uv else [python, "-m", "pip", "install"]
        _run([sys.executable, "-m", "venv", "--clear", str(self._environment)], dict(os.environ))
        if _run([*pip, "--quiet", "--require-hashes", "-r", str(self.lock)], dict(os.environ)):
            shutil.copy2(self.lock, self._environment / READY)

    @property
    def command(self) -> str:
        """What a person types to have it."""
        if self.made:
            return f"make {self.name}"
        if self.minutes:
            return f"REQUIRE_ALL=1 make test (about {self.minutes} min)"
        if self.long:
            return f"REQUIRE_ALL=1 make test, or python -m {self.long.module} (about {self.long.minutes} min)"
        if self.lock or self.source or self.npm or self.tool:
            return "make test, which installs it, or python -m tests.support.needs"
        if self.cargo:
            return f"cargo install --locked --root {_shown(BUILT.parent)} {self.cargo}"
        return (
            f"apt-get install {self.debian}" if self.debian else f"GOBIN={_shown(BUILT)} go install {self.go}"
        )


INFLUX_2: Final = LongBuild(
    "tests.support.influx.build_v2",
    sources=HERE / "influx" / "v2",
    program=ROOT / ".cache" / "influxdb2" / "influxd",
    compilers={
        "cargo": (1, 72),
        "go": (0, 0),
        "cc": (0, 0),
    },  # flux wants that Rust; an older Go fetches its own
    instead="InfluxDB 1.8",
    minutes=10,
    limit=1500.0,
)
NEEDS: Final = {
    need.name: need
    for need in (
        Need("chromium", "reads reports and the web UI", debian="chromium", programs=BROWSERS),
        Need("libatomic", "starts the browser's driver", debian="libatomic1", library="libatomic.so.1"),
        Need("nginx", "answers at once, for benchmarks", debian="nginx-light", users=(BENCH,)),
        Need("pgbouncer", "the pooler before Postgres", debian="pgbouncer"),
        Need("ip", "makes two machines of one", debian="iproute2"),
        Need("wrk", PEER, debian="wrk", users=(BENCH,)),
        Need("hey", PEER, debian="hey", users=(BENCH,)),
        Need("go", "builds servers and peers written in Go", tool=True, users=(TESTS, BENCH)),
        Need(
            "influxd", "the database of the metrics", go="github.com/influxdata/influxdb/cmd/influxd@v1.8.10"
        ),
        Need("influxd2", "InfluxDB 2, which compose ships", long=INFLUX_2),
        Need("prometheus", "another database of the metrics", debian="prometheus"),
        Need("mcp-sdk", "servers that nobody here wrote", lock=ROOT / "requirements-assistant.lock"),
        Need("assistant", "the suite as an MCP server", made=ROOT / ".cache" / "assistant" / "ready"),
        Need("optuna", "the search for limits", made=ROOT / ".cache" / "tune" / "ready"),
        Need(
            "contextforge",
            "a gateway that nobody here wrote",
            lock=LOCKS / "contextforge.lock",
            programs=("mcpgateway",),
        ),
        Need("go-sdk-server", "a server that nobody here wrote", source=HERE / "go_sdk_server"),
        Need("otel-collector", "takes OTLP, by who specified it", source=HERE / "otel_collector", minutes=7),
        Need("node", "runs what npm installs", tool=True),
        Need(
            "server-everything",
            "a server that nobody here wrote",
            npm=NodePackage(HERE / "server_everything", "server-everything"),
            programs=("@modelcontextprotocol/server-everything/dist/index.js",),
        ),
        Need("vegeta", PEER, go="github.com/tsenart/vegeta/v12@v12.13.0", users=(BENCH,)),
        Need("k6", PEER, go="go.k6.io/k6@v1.8.1", users=(BENCH,)),
        Need("oha", PEER, cargo="oha@1.16.0", users=(BENCH,)),
    )
}


def everything() -> bool:
    """Whether all tests are wanted: none may be skipped for want of a program, and none is left out."""
    return os.environ.get("REQUIRE_ALL") == "1"


def require(name: str) -> str:
    """The program's path. Where it is missing the test that asks is skipped; with REQUIRE_ALL=1 it fails.

    It never fails for want of the compilers of what takes minutes to build.
    """
    need = NEEDS[name]
    if path := need.find():
        return path
    if need.long and (lacking := need.long.lacking(PATH)):
        return pytest.skip(f"{_begin(need)}{lacking} to build it; {need.long.instead} stands for it")
    return pytest.fail(told(name)) if everything() else pytest.skip(told(name))


def told(name: str) -> str:
    """Why a test is skipped that misses it, and what a person types to have it."""
    return _begin(NEEDS[name]) + NEEDS[name].command


def _begin(need: Need) -> str:
    return f"{SKIPPED}{need.name} ({need.why}): "


def install(user: str = TESTS) -> None:
    """Install what `user` misses, where that needs no password; a line on stderr for each step."""
    missing = [need for need in NEEDS.values() if user in need.users and need.find() is None]
    packages = " ".join(need.debian for need in missing if need.debian).split()
    if packages and (root := _as_root()) is not None and shutil.which("apt-get"):
        _say(f"installing {' '.join(packages)}")
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        quiet = ("-qq", "--yes", "--no-install-recommends")
        _run([*root, "apt-get", "update", "-qq"], environment)
        _run([*root, "apt-get", "install", *quiet, *packages], environment)
    for need in missing:
        if need.long:
            build(need.name, need.long)
        elif not need.debian and (everything() or not need.minutes):
            _say(f"installing {need.name}" + (f", about {need.minutes} min" if need.minutes else ""))
            _install(need)
    if user == TESTS:
        _say("building the real parts, where they are not built yet")
        _run([sys.executable, "-m", "fakes.build.real_parts"], {**os.environ, "PATH": PATH})


def build(name: str, long: LongBuild) -> None:
    """Build it where all tests are wanted; a line says how long that takes, or why not."""
    if not everything():
        return
    if lacking := long.lacking(PATH):
        _say(f"{name} is not built: {lacking} is missing")
        return
    _say(f"building {name}, about {long.minutes} min")
    try:
        long.build({**os.environ, "PATH": PATH})
    except (OSError, LongBuildError) as error:
        _say(f"{name}: {error}")


def _install(need: Need) -> None:
    """Have what comes from PyPI, npm, Rust or Go."""
    go, cargo = tools.find("go"), shutil.which("cargo", path=PATH)
    try:
        if need.tool:
            tools.have(need.name)
        elif need.lock:
            need.make_environment()
        elif need.made:
            _run(["make", "--silent", need.name], {**os.environ, "PATH": PATH})
        elif need.npm:
            need.npm.install({**os.environ, "PATH": PATH})
        elif need.cargo:
            command = [cargo or "cargo", "install", "--locked", "--root", str(BUILT.parent), need.cargo]
            _run(command, {**os.environ, "PATH": PATH})
        elif go and need.source:
            real_parts.build_go(go, need.source, BUILT / need.name)
        elif go:
            _run([go, "install", need.go], {**os.environ, "GOBIN": str(BUILT), "PATH": PATH})
    except (OSError, subprocess.SubprocessError, real_parts.BuildError, tools.ToolError) as error:
        _say(f"{need.name}: {error}")


def _libraries(name: str) -> Iterator[Path]:
    """Where a shared library of that name is, in the folders that distributions have for them."""
    for folder in ("lib", "lib64", "usr/lib", "usr/lib64"):
        yield from Path("/", folder).glob(name)
        yield from Path("/", folder).glob(f"*-linux-*/{name}")


def _as_root() -> list[str] | None:
    """What a command of root's begins with; None where there is no way without a password."""
    if os.geteuid() == 0:
        return []
    sudo = ["sudo", "--non-interactive"]
    free = shutil.which("sudo") and subprocess.run([*sudo, "true"], capture_output=True, check=False)
    return sudo if free and free.returncode == 0 else None


def _playwrights_own() -> str | None:
    """A Chromium that Playwright was told to install, if it is there."""
    cache = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / ".cache" / "ms-playwright")
    return next((str(path) for path in sorted(cache.glob("chromium-*/chrome-linux*/chrome"))), None)


def _run(command: Sequence[str], environment: dict[str, str]) -> bool:
    """Whether it went well; what went wrong is said, and the tests that miss something say so themselves."""
    done = subprocess.run(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False
    )
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().splitlines() or ["it said nothing"]
        _say(f"{' '.join(command)}: exit code {done.returncode}: {last[-1]}")
    return not done.returncode


def _say(line: str) -> None:
    print(f"needs: {line}", file=sys.stderr, flush=True)


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.support.needs")
    parser.add_argument("user", nargs="?", choices=(TESTS, BENCH), default=TESTS)
    install(parser.parse_args().user)

"""The README's two commands on a machine that has nothing: `python -m bench.bare_machine FOLDER`.

FOLDER gets a Debian of python3, python3-venv, make and git (debootstrap; with the tests' programs 6 GB) and a
fresh clone of this checkout's HEAD. There the commands run word for word as the README has them, with mounts
and processes of their own and this machine's network; `--only run` or `test`: one of them. `--user`: as a
user without root's rights, whose tests miss all programs that only root may install. Printed: seconds, exit
codes, megabytes. As root; `DEBIAN` and `MIRROR` say which Debian and where it is from. Exit code 1 where a
command's is not 0.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from common.paths import ROOT

PACKAGES: Final = "python3,python3-venv,make,git,ca-certificates"
HOMES: Final = {"root": Path("root"), "plain": Path("home/plain")}  # user → home
SOURCES: Final = (  # where this machine gets packages from, and whom it trusts
    "etc/resolv.conf", "etc/hosts", "etc/pip.conf", "etc/npmrc", "root/.npmrc", "root/.config/go/env",
    "etc/ssl/certs/ca-certificates.crt",
)  # fmt: skip
PASSED_ON: Final = re.compile("(pip|npm|go|uv|ssl|curl|node)_?.*|https?_proxy|no_proxy", re.IGNORECASE)
SHELL: Final = """
mount -t proc proc "$0/proc" && mount -t sysfs -o ro sys "$0/sys" && mount --rbind /dev "$0/dev" &&
mount -t tmpfs tmpfs "$0/tmp" && exec chroot "$0" runuser -u "$1" -- /bin/sh -c "$2" """


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", choices=("run", "test"))
    parser.add_argument("--user", action="store_const", const="plain", default="root")
    given = parser.parse_args()
    machine = given.folder.resolve()
    if not (machine / "usr/bin/make").exists():
        took = _debian(machine)
        print(f"Debian: {took:.0f} s, {_megabytes(machine):,} MB")
    for name in SOURCES:
        if (here := Path("/", name)).exists():
            (machine / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(here, machine / name)
    suite = machine / HOMES[given.user] / "suite"
    shutil.rmtree(suite, ignore_errors=True)
    suite.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["git", "clone", "-q", ROOT, suite], check=True)
    if given.user != "root":
        _in(machine, f"id -u {given.user} || useradd --home-dir /{HOMES[given.user]} {given.user}")
        _in(machine, f"chown -R {given.user}: /{HOMES[given.user]}")
    run, test = _commands()
    codes = []
    for command in (run,) if given.only == "run" else (test,) if given.only == "test" else (run, test):
        began = time.monotonic()
        codes.append(_in(machine, f"cd ~/suite && {command}", given.user))
        size = _megabytes(suite)
        print(
            f"{command}: exit code {codes[-1]} after {time.monotonic() - began:.0f} s; {size:,} MB",
            flush=True,
        )
    return int(any(codes))


def _debian(machine: Path) -> float:
    began = time.monotonic()
    mirror = [os.environ["MIRROR"]] if os.environ.get("MIRROR") else []
    suite = os.environ.get("DEBIAN", "stable")
    tool = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", suite, str(machine), *mirror]
    subprocess.run(tool, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - began


def _commands() -> list[str]:
    """The two that the README begins with, without their remarks."""
    block = (ROOT / "README.md").read_text("utf-8").split("```", 2)[1]
    return [line.partition("#")[0].strip() for line in block.strip().splitlines()]


def _in(machine: Path, command: str, user: str = "root") -> int:
    """Run it there as the user, without a terminal, and with little of this machine's environment."""
    passed = {name: value for name, value in os.environ.items() if PASSED_ON.fullmatch(name)}
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    env = {**passed, "PATH": path, "HOME": f"/{HOMES[user]}", "LANG": "C.UTF-8"}
    apart = ("unshare", "--mount", "--pid", "--fork", "--kill-child")
    words = [*apart, "/bin/sh", "-c", SHELL, str(machine), user, command]
    return subprocess.run(words, check=False, env=env, stdin=subprocess.DEVNULL).returncode


def _megabytes(folder: Path) -> int:
    told = subprocess.run(["du", "-sxm", folder], check=True, capture_output=True, text=True)
    return int(told.stdout.split()[0])


if __name__ == "__main__":
    sys.exit(main())

"""InfluxDB 2 from its sources into .cache/influxdb2: `python -m tests.support.influx.build_v2`.

It wants Go, Rust, a C compiler and minutes. The module in `v2/` names the versions. The core of its flux is
in Rust, which a pkg-config of theirs builds with cargo; flux is taken from a copy, where a newer compiler's
warnings are no errors. Exit code 3 with one line where something is missing or fails.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from common import exit_codes
from common.paths import ROOT
from tests.support import needs

MODULE: Final = Path(__file__).parent / "v2"
WORK: Final = ROOT / ".cache" / "influxdb2"
BUILT: Final = WORK / "influxd"
FLUX: Final = "github.com/influxdata/flux"
DENIED: Final = "deny(warnings"  # in the crate's attributes, with its feature `strict`


class Build:
    """The steps, in a copy of the module."""

    def __init__(self) -> None:
        self._go = shutil.which("go", path=needs.PATH) or "go"
        self._module = WORK / "module"
        self._env = {**os.environ, "PATH": needs.PATH, "CGO_ENABLED": "1", "GOFLAGS": "-mod=mod -trimpath"}
        if (told := self._toolchain()) is not None:
            self._env["RUSTUP_TOOLCHAIN"] = told

    def run(self) -> None:
        """Build it. Raises OSError, CalledProcessError."""
        shutil.copytree(MODULE, self._module, dirs_exist_ok=True)
        self._copy_flux()
        self._do("build", "-o", str(WORK / "pkg-config"), "github.com/influxdata/pkg-config")
        self._env["PKG_CONFIG"] = str(WORK / "pkg-config")
        partial = WORK / "influxd.new"
        self._do("build", "-o", str(partial), "github.com/influxdata/influxdb/v2/cmd/influxd")
        partial.replace(BUILT)
        for left in (self._module, WORK / "flux"):
            shutil.rmtree(left)

    def _copy_flux(self) -> None:
        there = Path(json.loads(self._do("mod", "download", "-json", FLUX))["Dir"])
        ours = WORK / "flux"
        if not ours.exists():
            shutil.copytree(there, ours)
            subprocess.run(["chmod", "-R", "u+w", str(ours)], check=True)
        for file in ours.glob("libflux/*/src/lib.rs"):
            text = file.read_text()
            if DENIED in text:
                file.write_text(text.replace(DENIED, DENIED.replace("deny", "warn")))
        self._do("mod", "edit", f"-replace={FLUX}={ours}")

    def _do(self, *words: str) -> str:
        done = subprocess.run(
            [self._go, *words], cwd=self._module, env=self._env, check=True, capture_output=True, text=True
        )
        return done.stdout

    @staticmethod
    def _toolchain() -> str | None:
        """The Rust that is here: a file of flux's own would have another one fetched."""
        try:
            said = subprocess.run(
                ["rustup", "show", "active-toolchain"], capture_output=True, text=True, check=True, cwd=ROOT
            )
        except (OSError, subprocess.CalledProcessError):
            return None
        return said.stdout.split()[0]


def main() -> int:
    """Build it, unless it is there."""
    if BUILT.is_file():
        print(f"{BUILT.relative_to(ROOT)} is there")
        return 0
    try:
        WORK.mkdir(parents=True, exist_ok=True)
        Build().run()
    except (OSError, subprocess.CalledProcessError) as error:
        said = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
        print(f"InfluxDB 2 was not built: {said[-1]}", file=sys.stderr)
        return exit_codes.OURS
    print(f"built {BUILT.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

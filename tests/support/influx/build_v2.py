"""InfluxDB 2 from its sources into .cache/influxdb2: `python -m tests.support.influx.build_v2`.

It wants Go, Rust, a C compiler and minutes (`tests.support.needs`). The module in `v2/` names the versions.
The core of its flux is in Rust, which a pkg-config of theirs builds with cargo; flux is taken from a copy,
where a newer compiler's warnings are no errors. Exit code 3 with one line where one is missing or fails.
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
from fakes.build import real_parts, tools
from tests.support import needs

WHAT: Final = needs.INFLUX_2
WORK: Final = WHAT.program.parent
FLUX: Final = "github.com/influxdata/flux"
DENIED: Final = "deny(warnings"  # in the crate's attributes, with its feature `strict`


class Build:
    """The steps, in a copy of the module; nothing is kept of a build that was cut off."""

    def __init__(self) -> None:
        self._go = tools.find("go") or "go"
        self._module, self._flux = WORK / "module", WORK / "flux"
        flags = "-mod=mod -trimpath -buildvcs=false"
        self._env = {**os.environ, "PATH": needs.PATH, "CGO_ENABLED": "1", "GOFLAGS": flags}
        if (told := self._toolchain()) is not None:
            self._env["RUSTUP_TOOLCHAIN"] = told

    def run(self) -> None:
        """Build it. Raises OSError, CalledProcessError."""
        self._clear()
        sources = real_parts.digest_of(WHAT.sources)
        shutil.copytree(WHAT.sources, self._module)
        self._copy_flux()
        self._do("build", "-o", str(WORK / "pkg-config"), "github.com/influxdata/pkg-config")
        self._env["PKG_CONFIG"] = str(WORK / "pkg-config")
        partial = WHAT.program.with_suffix(".new")
        self._do("build", "-o", str(partial), "github.com/influxdata/influxdb/v2/cmd/influxd")
        partial.replace(WHAT.program)
        WHAT.program.with_suffix(real_parts.SOURCES).write_text(sources)
        self._clear()

    def _clear(self) -> None:
        for left in (self._module, self._flux):
            shutil.rmtree(left, ignore_errors=True)

    def _copy_flux(self) -> None:
        there = Path(json.loads(self._do("mod", "download", "-json", FLUX))["Dir"])
        shutil.copytree(there, self._flux)
        subprocess.run(["chmod", "-R", "u+w", str(self._flux)], check=True)
        for file in self._flux.glob("libflux/*/src/lib.rs"):
            text = file.read_text()
            if DENIED in text:
                file.write_text(text.replace(DENIED, DENIED.replace("deny", "warn")))
        self._do("mod", "edit", f"-replace={FLUX}={self._flux}")

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
    shown = WHAT.program.relative_to(ROOT)
    if WHAT.is_current():
        print(f"{shown} is there")
        return 0
    if lacking := WHAT.lacking(needs.PATH):
        print(f"InfluxDB 2 was not built: {lacking} is missing", file=sys.stderr)
        return exit_codes.OURS
    try:
        WORK.mkdir(parents=True, exist_ok=True)
        Build().run()
    except (OSError, subprocess.CalledProcessError) as error:
        said = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
        print(f"InfluxDB 2 was not built: {said[-1]}", file=sys.stderr)
        return exit_codes.OURS
    print(f"built {shown}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

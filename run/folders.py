"""Where runs go: a folder of their own, new, by time and scenario; `results/latest` is the newest."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryFile

from common.errors import ConfigError, short
from common.paths import RESULTS, real
from run import active_runs
from scenarios.option import SOURCE


def run_dir(out: str | None, name: str) -> Path:
    """Where the run goes, absolute: `out`, or a new folder of its own under results/.

    What a run starts (probes, the verdict) runs in the checkout, wherever the run itself was started.
    """
    return Path(out).absolute() if out else make_dir(RESULTS, name)


def stamped(name: str, results: Path = RESULTS) -> Path:
    """results/<time>-<name>."""
    return results / f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{name}"


def new_dir(results: Path, name: str) -> Path:
    """A folder under `results` that is not there yet, named by time and scenario."""
    first = stamped(name, results)
    candidate, number = first, 1
    while os.path.lexists(candidate):
        number += 1
        candidate = first.with_name(f"{first.name}-{number}")
    return candidate


def make_dir(results: Path, name: str) -> Path:
    """Such a folder, made at once, so no other run takes it; where none can be made, its user hears why."""
    while True:
        folder = new_dir(results, name)
        try:
            folder.mkdir(parents=True)
        except FileExistsError:  # another run was quicker
            continue
        except OSError:
            pass
        return folder


def check_out(out: str) -> None:
    """`out` is an empty folder, or can be made; nothing is left of the try. Raises ConfigError.

    It stands in messages, pages and files of UTF-8: so each of its characters can be shown.
    """
    if not out.isprintable():
        raise ConfigError(SOURCE, "--out", f"{short(out)}, allowed: a path of printable characters in UTF-8")
    path = Path(out)
    check_unused(path)
    if os.path.lexists(path) and not is_empty(path):
        raise ConfigError(SOURCE, "--out", f"{out} is there already, allowed: a new folder or an empty one")
    missing = [one for one in (path, *path.parents) if not os.path.lexists(one)]
    try:
        path.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=path):
            pass
    except OSError as error:
        text = f"{short(out)} cannot be made: {error.strerror}, allowed: a new folder where you may write"
        raise ConfigError(SOURCE, "--out", text) from None
    finally:
        for one in missing:
            with suppress(OSError):
                one.rmdir()


def check_unused(path: Path) -> None:
    """No other run or series of this checkout is at work there. Raises ConfigError."""
    place = real(path)
    for one in active_runs.under_way(RESULTS):
        if one.pid != os.getpid() and real(Path(one.what)) == place:
            text = f"{short(str(path))} is in use by process {one.pid}, allowed: another folder, or later"
            raise ConfigError(SOURCE, "--out", text)


def is_empty(path: Path) -> bool:
    """A folder that can be read and holds nothing."""
    try:
        return not any(path.iterdir())
    except OSError:
        return False


def link_latest(run: Path) -> None:
    """results/latest points at the newest run; a run elsewhere is linked too if it can be."""
    partial = RESULTS / f".latest-{run.name}"
    with suppress(OSError):
        RESULTS.mkdir(exist_ok=True)
        partial.unlink(missing_ok=True)
        partial.symlink_to(run.resolve())
        partial.replace(RESULTS / "latest")

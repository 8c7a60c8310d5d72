"""What `bin/attack` says of a command line that cannot be run, in this process.

`bin/attack` reads it and becomes Locust, which checks what it asks for before anything starts: both are done
here. That Locust does so is shown by tests/e2e/cli/test_malformed_processes.py.
"""

from __future__ import annotations

from collections.abc import Sequence

from cli import attack
from cli.launch.parser import refusing


@refusing
def main(words: Sequence[str] | None) -> int:
    """2 for bad input, in one line on standard error; 0 where it could run."""
    attack.read(words or ()).check()
    return 0

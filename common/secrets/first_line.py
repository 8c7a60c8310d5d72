"""What a process is told by the first line of a pipe: the probes their URLs, the exporter its secrets.

A secret that comes so stands neither in a command line, which everybody may read, nor in an environment.
"""

from __future__ import annotations

import os


def first_line(fd: int) -> bytes:
    """The line without its end, and nothing read of what follows; what there was at the pipe's end."""
    line = b""
    while (byte := os.read(fd, 1)) not in (b"", b"\n"):
        line += byte
    return line

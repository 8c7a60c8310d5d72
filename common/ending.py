"""How a process is asked to end, whoever asks: signals that are held until somebody hears them, and words.

A signal that comes while Python or Locust still starts would end it with a traceback, or unheard. So signals
are held (blocked) from `bin/resilience` on and over every exec, until there is a handler: then `let_through`
delivers what came meanwhile. A child that will hear them is started holding them, every other one is not.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from types import FrameType
from typing import Any, Final, TextIO

from common import exit_codes

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
STOP: Final = signal.SIGUSR1
"""What `make stop` sends."""
WORDS: Final[dict[int, str]] = {signal.SIGINT: "Ctrl-C", STOP: "make stop"}
BY: Final = "stopped by "
"""What a stop reason begins with where somebody asked for the end."""


def hold() -> None:
    """From here on a signal waits until `let_through`."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {*SIGNALS, STOP})


def let_through() -> None:
    """Deliver what waits, and all that comes."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {*SIGNALS, STOP})


def heard() -> list[signal.Signals]:
    """Those of `SIGNALS` that count: under nohup a terminal that goes away does not."""
    return [one for one in SIGNALS if signal.getsignal(one) is not signal.SIG_IGN or one is not signal.SIGHUP]


def handle(handler: Any) -> dict[int, Any]:
    """Have `handler(number, frame)` hear them all; what heard them before."""
    return {one: signal.signal(one, handler) for one in heard()}


def by(number: int) -> str:
    """The stop reason of a signal."""
    return BY + WORDS.get(number, signal.Signals(number).name)


def told(reason: str, after: float = -1.0, of: float = 0.0) -> str:
    """The first line of a run that was stopped `after` seconds of load out of `of`; before it if negative."""
    when = f"after {after:.1f} s of {of:g} s" if after >= 0 else "before load began"
    return f"STOPPED {when}" + (f", by {reason.removeprefix(BY)}" if reason.startswith(BY) else f": {reason}")


def end_in_one_line(alone: bool = False) -> None:
    """From here on a signal ends this process, with one line and no traceback.

    `alone`: it has started nothing yet that needs to be cleaned up, and ends at once, amid imports too.
    """

    def ended(number: int, frame: FrameType | None) -> None:
        hold()
        say(f"{told(by(number)) if alone else by(number)}\n", sys.stderr)
        if alone:
            os._exit(exit_codes.OURS)
        raise SystemExit(exit_codes.OURS)

    handle(ended)
    signal.signal(STOP, ended)
    let_through()


def is_read(stream: TextIO | None) -> bool:
    """Somebody may still read what is written there: it is no pipe whose other end was closed."""
    poll = select.poll()
    try:
        if stream is not None:
            poll.register(stream.fileno(), 0)
    except (OSError, ValueError):  # no file of the system
        return True
    return not any(event & select.POLLERR for _, event in poll.poll(0))


def say(text: str, stream: TextIO | None) -> bool:
    """Write it; False where nobody reads any more (`… | head -2`): then the stream leads nowhere.

    None, which Python has for a stream that was closed before it began (`>&-`), leads nowhere already.
    """
    if stream is None:
        return True
    try:
        stream.write(text)
        stream.flush()
    except OSError as error:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())  # or Python tries again at its end, and complains
        os.close(null)
        return not isinstance(error, BrokenPipeError)
    return True

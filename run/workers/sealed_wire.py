"""Locust's wire between master and workers, closed to strangers by a secret that both have.

Locust speaks msgpack over ZeroMQ and knows no password. ZeroMQ has CURVE: with it every message, Locust's own
ones too, is encrypted, authenticated and fresh (keys of each connection, a nonce that only grows), and a peer
says nothing before the other has proved itself. Both long-term keys follow from `RESILIENCE_SECRET`: who does
not know it cannot finish the handshake, and is sent the greeting of the protocol and nothing else.

    seal(wire_secret.take(os.environ))  # before Locust makes its socket
    guard(runner, died)                 # a master's listener survives whatever reaches it

Locust offers no hook for it, so its sockets get their options from the context that makes them, and its
classes for both ends are replaced by those of this file, at run time; its source stays as it is. Without a
secret the wire is what it was, on loopback alone.
"""

from __future__ import annotations

import hmac
import logging
import sys
import time
from collections.abc import Callable
from typing import Any, Final

import gevent
import zmq
from locust.exception import RPCError, RPCReceiveError
from locust.rpc import zmqrpc
from locust.runners import MasterRunner
from zmq.utils import z85

from common import ending, exit_codes
from common.errors import ConfigError
from run.workers.wire_secret import VARIABLE, need

LISTENERS: Final = ("client_listener", "worker")  # Locust's greenlets: a master's, a worker's
SAY_INTERVAL: Final = 60.0  # seconds between two words about strangers, or about a master that is not there
WAITS_AFTER: Final = 5.0  # seconds without a word of its master until a worker says whom it waits for
REFUSED: Final = zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL | zmq.EVENT_HANDSHAKE_FAILED_AUTH
_rpc: Any = zmqrpc  # it has no types
_Context, _Server, _Client = _rpc.zmq.Context, _rpc.Server, _rpc.Client
log = logging.getLogger("resilience")


class Strangers:
    """Counts what did not come from one of ours, and says so now and then."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.count = 0
        self._clock = clock
        self._said = float("-inf")

    def came(self, what: str) -> None:
        """One more: ignored."""
        self.count += 1
        if self._clock() - self._said >= SAY_INTERVAL:
            self._said = self._clock()
            log.warning("ignored: %s; %d so far", what, self.count)


STRANGERS: Final = Strangers()


def key_pair(secret: str, whose: str) -> tuple[bytes, bytes]:
    """(public, private) long-term key of the "master" or of the "worker"s, as ZeroMQ has them."""
    private = z85.encode(hmac.digest(secret.encode(), b"resilience wire: " + whose.encode(), "sha256"))
    return zmq.curve_public(private), private


def close_to_strangers(socket: Any, secret: str) -> None:
    """Give the options of its side to a socket that is not connected or bound yet."""
    master, worker = key_pair(secret, "master"), key_pair(secret, "worker")
    if socket.type == zmq.ROUTER:
        socket.curve_server = True
        socket.curve_publickey, socket.curve_secretkey = master
    else:
        socket.curve_serverkey = master[0]
        socket.curve_publickey, socket.curve_secretkey = worker


def seal(secret: str) -> None:
    """Every socket that Locust makes from here on is closed to strangers. No secret: loopback alone."""

    class SealedContext(_Context):  # type: ignore[misc, valid-type]
        def socket(self, socket_type: int, *arguments: Any, **options: Any) -> Any:
            made = super().socket(socket_type, *arguments, **options)
            if secret and socket_type in (zmq.ROUTER, zmq.DEALER):
                close_to_strangers(made, secret)
                gevent.spawn(_watch, made.get_monitor_socket(REFUSED))
            return made

    class SealedServer(_Server):  # type: ignore[misc, valid-type]
        def __init__(self, host: str, port: int) -> None:
            _check_or_leave(host, secret)
            super().__init__(host, port)

        def recv_from_client(self) -> tuple[str, Any]:
            """The next message that is one of Locust's, from who says so."""
            while True:
                try:
                    address, message = super().recv_from_client()
                except RPCReceiveError as error:
                    STRANGERS.came(str(error))
                except RPCError:
                    raise
                except Exception as error:
                    STRANGERS.came(f"what is no message ({type(error).__name__})")
                else:
                    if message.node_id == address and isinstance(message.type, str):
                        return address, message
                    STRANGERS.came("a message in another's name")

    class SealedClient(_Client):  # type: ignore[misc, valid-type]
        def __init__(self, host: str, port: int, identity: str) -> None:
            _check_or_leave(host, secret)
            super().__init__(host, port, identity)
            self._waiting = gevent.spawn(_say_that_it_waits, host, port)

        def recv(self) -> Any:
            """The next message; whoever got one waits no more."""
            message = super().recv()
            self._waiting.kill(block=False)
            return message

    _rpc.zmq.Context = SealedContext
    _rpc.Server, _rpc.Client = SealedServer, SealedClient


def _say_that_it_waits(host: str, port: int) -> None:
    while True:
        gevent.sleep(WAITS_AFTER)
        ending.say(f"this worker waits for its master at {host} port {port}\n", sys.stderr)
        gevent.sleep(SAY_INTERVAL)


def _check_or_leave(host: str, secret: str) -> None:
    """Locust makes its socket before anybody of ours is asked: bad usage ends here."""
    try:
        need(host, secret)
    except ConfigError as error:
        ending.say(f"{error}\n", sys.stderr)
        raise SystemExit(exit_codes.USAGE) from None


def _watch(monitor: Any) -> None:
    """Count the handshakes that a socket refused."""
    from zmq.utils.monitor import parse_monitor_message  # with asyncio: for those who have such a wire

    while parse_monitor_message(monitor.recv_multipart())["event"] != zmq.EVENT_MONITOR_STOPPED:
        STRANGERS.came(f"a peer without the right {VARIABLE}")


def guard(runner: Any, died: Callable[[str], None]) -> None:
    """No message ends a master's listener; `died` is told, in one line, should one end all the same."""
    handle = runner.handle_message

    def handled(client_id: str, message: Any) -> None:
        try:
            handle(client_id, message)
        except Exception as error:
            STRANGERS.came(f"a message {message.type!r:.40} that means nothing ({type(error).__name__})")

    if isinstance(runner, MasterRunner):
        setattr(runner, "handle_message", handled)  # noqa: B010 - a method
    for one in list(runner.greenlet):
        if getattr(getattr(one, "_run", None), "__name__", "") in LISTENERS:
            one.link_exception(lambda ended: died(f"Locust's listener ended: {ended.exception!r}"))

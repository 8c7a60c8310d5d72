"""The safety rule: load goes to loopback, or to the one host that the target file calls its owner's.

    pinned = check(target)                    # before load starts
    pinned = check(target, base_url, lambda host, port: addresses)  # on every node, with what was pinned

A name is resolved once for a run, every address it has is judged, on every node again, and load goes to
those addresses alone: a name that later resolves elsewhere changes nothing. The pages of `metrics` and the
health check are held to the same, and so is a database that the bundled stack is to use. The client never
follows redirects (a 3xx is counted as the failure `redirect`) and no proxy of the environment is used, so
nobody else decides where requests go. Every refusal is a GuardError of one line.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from dataclasses import dataclass

from common.addresses.dsn import DsnError, is_local, refuse_foreign
from common.addresses.url import BadUrlError, Url, is_loopback_name, split_url
from common.errors import RefusedInputError, one_line
from targets.schema import Target

Resolve = Callable[[str, int], list[str]]
"""(host, port) → numeric addresses; OSError when there are none."""


class GuardError(RefusedInputError):
    """Load is refused, as one clear line."""

    def __init__(self, text: str) -> None:
        super().__init__(one_line(text))


@dataclass(frozen=True)
class Pinned:
    """Where load may go. `addresses` are numeric, loopback all of them unless the host is owned."""

    scheme: str
    host: str  # for the Host header, TLS server name and certificate check
    port: int
    addresses: tuple[str, ...]

    @property
    def family(self) -> int:
        """The socket family of the first address."""
        return family_of(self.addresses[0])

    @property
    def authority(self) -> str:
        """The value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = (self.scheme, self.port) in (("http", 80), ("https", 443))
        return host if usual else f"{host}:{self.port}"


def family_of(address: str) -> int:
    """The socket family of a numeric address."""
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def resolve(host: str, port: int) -> list[str]:
    """Every address of `host`, IPv4 first, by the system's resolver."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = dict.fromkeys(str(entry[4][0]) for entry in found)
    return sorted(addresses, key=lambda address: ":" in address)


def check(target: Target, base_url: str | None = None, resolve: Resolve = resolve) -> Pinned:
    """Where `target` (or the URL that stands for it now) may be attacked. Raises GuardError."""
    return _pinned(target, "base_url", target.base_url if base_url is None else base_url, resolve)


def check_metrics(target: Target, resolve: Resolve = resolve) -> dict[str, Pinned]:
    """URL → where each of the target's metrics pages is, by the same rule. Raises GuardError."""
    return {url: _pinned(target, "metrics", url, resolve) for url in target.metrics}


def check_effects(target: Target, resolve: Resolve = resolve) -> dict[str, Pinned]:
    """The same of the page that lists effects. Raises GuardError."""
    return {url: _pinned(target, "effects", url, resolve) for url in target.effects_pages}


def check_database(target: Target, dsn: str) -> None:
    """The bundled stack may use that Postgres: this machine's, or an owned one. Raises GuardError."""
    try:
        refuse_foreign(dsn, target.i_own_this_host)
    except DsnError as error:
        raise GuardError(f"target {target.name}: database.dsn: {error}") from None
    if not is_local(dsn) and (target.max_rps is None or target.max_duration is None):
        raise GuardError(
            f"target {target.name}: database.dsn: {target.i_own_this_host} is not on loopback, "
            "allowed: only with max_rps and max_duration in the target file"
        )


def _pinned(target: Target, key: str, text: str, resolve: Resolve) -> Pinned:
    try:
        url = split_url(text)
    except BadUrlError as error:
        raise GuardError(f"target {target.name}: {key}: {error}") from None
    addresses = _resolved(target, url, resolve)
    _judge(target, url, addresses)
    return Pinned(url.scheme, url.host, url.port, tuple(addresses))


def _resolved(target: Target, url: Url, resolve: Resolve) -> list[str]:
    try:
        addresses = resolve(url.host, url.port)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise GuardError(
            f"target {target.name}: {url.host} does not resolve: {reason}, allowed: a host that does"
        ) from None
    if not addresses:
        raise GuardError(f"target {target.name}: {url.host} has no address")
    return addresses


def _judge(target: Target, url: Url, addresses: list[str]) -> None:
    strangers = [address for address in addresses if not is_loopback(address)]
    if not strangers:
        return
    where = f"target {target.name}: {url.host} ({strangers[0]}) is not on loopback"
    if is_loopback_name(url.host) or target.i_own_this_host != url.host:
        raise GuardError(f"{where}, allowed: loopback, or the host named in i_own_this_host")
    if target.max_rps is None or target.max_duration is None:
        raise GuardError(f"{where}, allowed: only with max_rps and max_duration in the target file")
    if unfit := [address for address in strangers if not _is_unicast(address)]:
        raise GuardError(f"{where}, and {unfit[0]} is no single machine's address")


def is_loopback(address: str) -> bool:
    """A numeric address of this machine alone; an IPv4 one inside IPv6 counts as the IPv4 one."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(parsed, "ipv4_mapped", None)
    return bool((mapped or parsed).is_loopback)


def _is_unicast(address: str) -> bool:
    parsed = ipaddress.ip_address(address.partition("%")[0])
    broadcast = str(parsed) == "255.255.255.255"
    return not (parsed.is_multicast or parsed.is_unspecified or broadcast)


def refuse_excess(target: Target, rps: float, duration: float) -> None:
    """Hold `max_rps` and `max_duration` before anything is planned. Raises GuardError."""
    if target.max_rps is not None and rps > target.max_rps:
        raise GuardError(f"target {target.name}: {rps:g} req/s, allowed: max_rps {target.max_rps:g}")
    if target.max_duration is not None and duration > target.max_duration:
        limit = f"max_duration {target.max_duration:g} s"
        raise GuardError(f"target {target.name}: {duration:g} s of load, allowed: {limit}")

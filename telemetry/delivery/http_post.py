"""One POST of a sink: its headers, its deadline, and what came back; redirects are followed by nobody.

Where it goes and what it must show are read strictly from environment variables; a complaint never holds what
may be a secret.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from common.addresses.url import BadUrlError, shown_url, split_url
from common.errors import ConfigError
from common.secrets.secret import Secret
from telemetry.delivery.answer_body import read_body
from telemetry.delivery.sink import told

WHERE: Final = "environment"
NO_ANSWER: Final = 0
_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE: Final = re.compile(r"[ -~]{0,4000}")


class PostAnswer(NamedTuple):
    """What a server answered; `status` is 0 without an answer, and `said` tells why.

    `said` is `body` as text, short and in one line.
    """

    status: int
    said: str
    retry_after: str = ""
    body: bytes = b""
    content_type: str = ""


@dataclass(frozen=True)
class Receiver:
    """Where to; `headers` are secrets, all of them."""

    url: str
    headers: Mapping[str, Secret] = field(default_factory=dict)
    timeout: float = 10.0  # seconds
    ca: str | None = None

    @property
    def place(self) -> str:
        """A short name for it, fit for a folder, whatever its secrets are."""
        return f"{urlsplit(self.url).hostname}-{hashlib.sha256(self.url.encode()).hexdigest()[:12]}"


class HttpPost:
    """Connections to one receiver."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._pool = urllib3.PoolManager(
            num_pools=1, maxsize=1, retries=False, cert_reqs="CERT_REQUIRED", ca_certs=receiver.ca
        )

    def send(self, body: bytes, headers: Mapping[str, str], timeout: float | None = None) -> PostAnswer:
        """Send it; never raises for what the server or the wire does."""
        ours = {name: secret.reveal() for name, secret in self._receiver.headers.items()}
        seconds = timeout or self._receiver.timeout
        deadline = time.monotonic() + seconds
        try:
            answer = self._pool.request(
                "POST", self._receiver.url, body=body, headers={**ours, **headers},
                timeout=urllib3.Timeout(total=seconds), redirect=False, preload_content=False,
            )  # fmt: skip
            found = read_body(answer, deadline)
        except (HTTPError, OSError) as error:
            return PostAnswer(NO_ANSWER, told(str(error)))
        said = told(found.decode(errors="replace"))
        theirs = answer.headers
        return PostAnswer(
            answer.status, said, theirs.get("Retry-After", ""), found, theirs.get("Content-Type", "")
        )

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()


def url_of(name: str, text: str, allowed: str = "http(s)://host:port/path") -> str:
    """A URL without user info and query; `allowed`: its shape, for people. Raises ConfigError."""
    try:
        split_url(text)
    except BadUrlError as error:
        raise ConfigError(WHERE, name, str(error)) from None
    if "?" in text:
        raise ConfigError(WHERE, name, f"{shown_url(text)!r} has a query, allowed: {allowed}")
    return text


def headers_of(name: str, text: str) -> dict[str, Secret]:
    """`a=1,b=2`, values percent-encoded, as OpenTelemetry's variables have them. Raises ConfigError."""
    found = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        header, equals, value = pair.partition("=")
        found[header.strip()] = secret_of(name, unquote(value.strip()))
        if not (equals and _NAME.fullmatch(header.strip())):
            raise ConfigError(WHERE, name, "not shown, allowed: header=value,header=value")
    return found


def secret_of(name: str, text: str) -> Secret:
    """What a header can carry. Raises ConfigError."""
    if not _VALUE.fullmatch(text):
        raise ConfigError(WHERE, name, "not shown, allowed: printable ASCII, at most 4000 characters")
    return Secret(text)


def seconds_of(name: str, milliseconds: str) -> float:
    """Whole milliseconds as seconds. Raises ConfigError."""
    if not milliseconds.isdigit() or not int(milliseconds):
        raise ConfigError(WHERE, name, f"{milliseconds!r:.60}, allowed: whole milliseconds above 0")
    return int(milliseconds) / 1000

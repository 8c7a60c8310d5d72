"""A target file: what is attacked, how its accounts sign in, what of it can be seen, how far we may go.

    target = load("targets/bundled.yaml")
    target.base_url, target.path      # load goes to base_url + path
    target.bundled                    # True: the suite starts its own stack, which gives base_url
    target.public()                   # plain data for run.json, without secrets

Strict: unknown keys are refused; only `name` and `base_url` are required. Durations are seconds once
read. Safety: off loopback a file must name the host as the user's own, with a highest rate and a
longest run (`targets.guard` checks the addresses themselves).
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal

from pydantic import Field, field_validator, model_validator

from common.addresses import ranges
from common.addresses.url import is_loopback_name, shown_path, shown_url, split_url
from common.durations import Duration
from common.errors import short
from common.mcp_versions import Protocol
from common.secrets.secret import REVEALED, Secret
from common.stop_when import StopWhen
from common.strict import Several, Strict
from common.tool_call import ToolCall, Word
from targets.auth import Auth, HeaderName, HeaderValue
from targets.effects import EffectsList
from targets.intents import USUAL, IntentPlace
from targets.limits import Limits
from targets.trace import TRACEPARENT

URL_PATH: Final = r"^/[!-~]*$"
LONGEST_PATH: Final = 1000
# Headers of the engine's own: another value would break the framing or lie about the host.
RESERVED: Final = frozenset(
    ("host", "content-length", "transfer-encoding", "connection", "content-type", "accept", "mcp-session-id",
     "mcp-protocol-version", "mcp-method", "mcp-name")
)  # fmt: skip
ENCODINGS: Final = ("gzip", "deflate", "br", "identity")  # `users.mcp.content_encoding` decodes them
BUNDLED: Final = "bundled"
CREDENTIAL: Final = re.compile(
    r"^(authorization|cookie)$|(token|key)$", re.IGNORECASE
)  # headers that say who


class AccountSource(Strict):
    """The accounts that the target knows: ids from a file, or at most `count` made ones of the style `id`.

    `tokens`: a file of ready-made tokens in place of them; they are sent as they are, after `auth`'s scheme.
    Nothing given: as many as the scenario wants. A scenario that wants more than there are is refused.
    """

    ids: Annotated[str, Field(min_length=1, max_length=1000)] | None = None
    count: Annotated[int, Field(ge=1, le=100_000)] | None = None
    id: Literal["uuid", "text"] | None = None
    tokens: Annotated[str, Field(min_length=1, max_length=1000)] | None = None

    @model_validator(mode="after")
    def _one_source(self) -> AccountSource:
        if self.tokens is not None and (self.ids, self.count, self.id) != (None, None, None):
            raise ValueError("tokens beside ids, count or id, allowed: {tokens: file} alone")
        if self.ids is not None and (self.count is not None or self.id is not None):
            raise ValueError("ids beside count or id, allowed: {ids: file} or {count: n, id: uuid}")
        return self


class RoleTools(Strict):
    """The target's tools by the role that a scenario's tools have."""

    fast: ToolCall | None = None
    slow: ToolCall | None = None


class Tls(Strict):
    """How an https target is checked; `ca` is a file of PEM certificates."""

    verify: bool = True
    ca: str | None = None


def _check_encodings(accept: str) -> None:
    """Only what the suite can decode is asked for. Raises ValueError."""
    for part in accept.split(","):
        if (name := part.partition(";")[0].strip().lower()) not in ENCODINGS:
            raise ValueError(f"Accept-Encoding: {name!r}, allowed: {', '.join(ENCODINGS)}")


class Target(Strict):
    """The whole file. `tool` absent: the scenario's own tools; null: load is `tools/list`.

    `tools` in place of it: one for each role of the scenario's tools. `protocol` absent: plain JSON-RPC, and
    nothing is sent before load to find out more. `trace`: each request of the load has a `traceparent`.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
    protocol: Protocol = "none"
    base_url: Annotated[str, Field(max_length=1000)]
    path: str = "/v1/mcp"
    health: str | None = None
    metrics: Annotated[Several[str], Field(max_length=20)] = ()
    client_ip_header: HeaderName | None = None
    sources: Annotated[
        Several[Annotated[str, Field(min_length=1, max_length=100)]], Field(max_length=1000)
    ] = ()
    headers: dict[HeaderName, HeaderValue] = Field(default_factory=dict)
    auth: Auth | None = None
    accounts: AccountSource = AccountSource()
    tool: ToolCall | None = None
    tools: RoleTools | None = None
    intents: IntentPlace = USUAL
    trace: bool = False
    effects: EffectsList | None = None
    timeout: Annotated[Duration, Field(le=600)] = 35.0
    max_body_mib: Annotated[int, Field(ge=1, le=1024)] = 16
    tls: Tls = Tls()
    stop_when: StopWhen | None = None
    metric_names: dict[Word, Annotated[str, Field(min_length=1, max_length=500)]] = Field(
        default_factory=dict
    )
    limits: Limits = Limits()
    control: Literal["bundled"] | None = None
    i_own_this_host: Annotated[str, Field(max_length=253)] | None = None
    max_rps: Annotated[float, Field(gt=0, le=1_000_000)] | None = None
    max_duration: Duration | None = None

    @field_validator("base_url")
    @classmethod
    def _base_url(cls, url: str) -> str:
        if url == BUNDLED:
            return url
        parts = split_url(url)
        if parts.path not in ("", "/") or "?" in url:
            raise ValueError(
                f"{shown_url(url)!r} has a path or a query, "
                "allowed: scheme, host and port alone (the rest is `path`)"
            )
        return url.rstrip("/")

    @field_validator("path", "health")
    @classmethod
    def _paths(cls, path: str | None) -> str | None:
        """Not by the field's own pattern: its complaint would show the query."""
        if path is not None and (len(path) > LONGEST_PATH or not re.fullmatch(URL_PATH, path)):
            allowed = f"text that matches {URL_PATH}, up to {LONGEST_PATH:,} characters"
            raise ValueError(f"{short(shown_path(path))}, allowed: {allowed}")
        return path

    @field_validator("sources")
    @classmethod
    def _sources(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        ranges.addresses(texts)
        return texts

    @field_validator("metrics")
    @classmethod
    def _metrics(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        for url in urls:
            split_url(url)
        return urls

    @field_validator("headers")
    @classmethod
    def _headers(cls, headers: dict[str, Secret]) -> dict[str, Secret]:
        for name, value in headers.items():
            if name.lower() in RESERVED:
                raise ValueError(f"{name!r}, allowed: any header but {', '.join(sorted(RESERVED))}")
            if name.lower() == "accept-encoding":
                _check_encodings(value.reveal())
        return headers

    @model_validator(mode="after")
    def _control(self) -> Target:
        if self.bundled != (self.control == BUNDLED):
            raise ValueError("control: bundled, allowed: together with `base_url: bundled`, otherwise null")
        if self.bundled and self.auth is not None:
            raise ValueError("auth: the bundled stack signs tokens itself, allowed: no auth")
        if self.bundled and (self.effects is not None or self.intents != USUAL):
            raise ValueError("effects, intents: the bundled stack has its own, allowed: neither")
        return self

    @model_validator(mode="after")
    def _one_of_two(self) -> Target:
        if self.tool is not None and self.tools is not None:
            raise ValueError("tool beside tools, allowed: one of them")
        signed = self.auth or (Auth() if self.accounts.tokens is not None else None)
        taken = {
            "auth.header": signed and signed.header,
            "client_ip_header": self.client_ip_header,
            "trace": TRACEPARENT if self.trace else None,
        }
        for key, header in taken.items():
            if header and header.lower() in (name.lower() for name in self.headers):
                raise ValueError(f"headers: {header!r} is what {key} sends, allowed: one of the two")
        own = (*RESERVED, *(one.lower() for one in (*self.headers, *taken.values()) if one))
        if self.intents.header.lower() in own:
            raise ValueError(f"intents.header: {self.intents.header!r}, allowed: a header of its own")
        return self

    @model_validator(mode="after")
    def _health_to_ask(self) -> Target:
        if self.stop_when is not None and self.stop_when.health_failures and self.health is None:
            raise ValueError("stop_when.health_failures: nothing to ask, allowed: together with `health`")
        return self

    @model_validator(mode="after")
    def _ownership(self) -> Target:
        for url in () if self.bundled else (self.base_url, *self.metrics, *self.effects_pages):
            host = split_url(url).host
            if not is_loopback_name(host):
                self._check_owned(host)
        return self

    def _check_owned(self, host: str) -> None:
        if self.i_own_this_host != host:
            raise ValueError(
                f"i_own_this_host: must be {host!r}, for it is not on loopback; allowed: only what is yours"
            )
        for key in ("max_rps", "max_duration"):
            if getattr(self, key) is None:
                raise ValueError(f"{key}: is missing, allowed: a bound (required off loopback)")

    @property
    def bundled(self) -> bool:
        """The suite starts the target itself."""
        return self.base_url == BUNDLED

    @property
    def effects_pages(self) -> tuple[str, ...]:
        """The page that lists effects, where there is one."""
        page = self.effects and self.effects.http
        return (page.url,) if page else ()

    @property
    def tool_given(self) -> bool:
        """The file says what to call (a tool, or null for `tools/list`); otherwise the scenario does."""
        return "tool" in self.model_fields_set

    @property
    def sent_headers(self) -> dict[str, str]:
        """`headers` as they are sent."""
        return {name: value.reveal() for name, value in self.headers.items()}

    @property
    def max_body(self) -> int:
        """Bytes of an answer's body that are read; a larger one fails as `bad_response`."""
        return self.max_body_mib * 1024 * 1024

    @property
    def shared_credential(self) -> str:
        """The header whose one static value every account sends, so that they are one user; "" for none."""
        signed = self.auth is not None or self.accounts.tokens is not None
        return next((name for name in self.headers if not signed and CREDENTIAL.search(name)), "")

    def public(self) -> dict[str, Any]:
        """Plain data without secrets: names of headers stay; their values, the key and queries do not."""
        data = self.model_dump(mode="json", by_alias=True)
        data["path"] = shown_path(self.path)
        data["health"] = self.health and shown_path(self.health)
        data["metrics"] = [shown_url(url) for url in self.metrics]
        if self.effects_pages:
            data["effects"]["http"]["url"] = shown_url(*self.effects_pages)
        if data["auth"] is not None:
            data["auth"]["key"] = None
        return data

    def whole(self) -> dict[str, Any]:
        """Plain data for a process of ours, with the secrets."""
        return self.model_dump(mode="json", by_alias=True, context=REVEALED)

"""The KV namespace behind the Worker's binding, as an HTTP service: what workerd sends is what it answers.

    PUT    /<key>?expiration_ttl=60     200, or 429; 400 for a ttl under 60, counted as KV's refusal
    GET    /<key>                       200 with the value, 404 if there is none, or 429
    DELETE /<key>                       as a PUT of nothing
    GET    /?prefix=…                   {"keys": [{"name"}], "list_complete": true}, counted as a read
Quota, the one write a second to a key and the delay between places are `fakes.edge_runtime.kv.Kv`'s. A
refusal has the body of Cloudflare's API, and the binding throws its own exception for it, with the words of
the answer's status line: "KV PUT failed: 429 Too Many Requests".
One service a place, as each isolate writes and reads from a place of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

import msgspec

from fakes.edge_runtime.kv import Kv, KvError, too_short
from fakes.http.asgi import JSON, Reply
from fakes.settings import KvSettings

QUOTA: Final = 10048  # Cloudflare's code for a used-up free plan
KEY_RATE: Final = 429  # it documents none for too many writes to one key
BAD_REQUEST: Final = 400
_REFUSED: Final = {"quota": (429, QUOTA), "key-rate": (429, KEY_RATE), "ttl": (400, BAD_REQUEST)}


class KvService:
    """The operations of one place; `settings` gives those in force."""

    def __init__(self, kv: Kv, settings: Callable[[], KvSettings], place: int = 0) -> None:
        self._kv, self._settings, self._place = kv, settings, place

    def answer(self, method: str, target: bytes, body: bytes) -> Reply:
        """Carry out one operation."""
        path, query = _parsed(target)
        try:
            return self._serve(method, path[1:], query, body)
        except KvError as error:
            status, code = _REFUSED[error.cause]
            return refusal(status, code, error.words or str(error))

    def _serve(self, method: str, key: str, query: Mapping[str, str], body: bytes) -> Reply:
        settings = self._settings()
        match method:
            case "GET" if key:
                value = self._kv.get(settings, key, self._place)
                return Reply(404, [], b"") if value is None else Reply(200, [], value)
            case "GET":
                return self._list(settings, query.get("prefix", ""))
            case "PUT":
                return self._put(settings, key, query, body)
            case "DELETE":
                self._kv.put(settings, key, None, place=self._place)
                return Reply(200, [], b"")
        return refusal(405, BAD_REQUEST, f"no such operation: {method}")

    def _put(self, settings: KvSettings, key: str, query: Mapping[str, str], body: bytes) -> Reply:
        ttl = query.get("expiration_ttl")
        if ttl is not None and not ttl.isdigit():
            return refusal(400, BAD_REQUEST, too_short(ttl))
        forever = float("inf")
        self._kv.put(settings, key, body, forever if ttl is None else int(ttl), self._place)
        return Reply(200, [], b"")

    def _list(self, settings: KvSettings, prefix: str) -> Reply:
        keys = [{"name": key} for key in self._kv.list_keys(settings, prefix, self._place)]
        return Reply(200, [JSON], msgspec.json.encode({"keys": keys, "list_complete": True}))


def _parsed(target: bytes) -> tuple[str, Mapping[str, str]]:
    path, _, query = target.partition(b"?")
    return unquote(path.decode()), _options(query)


@lru_cache(maxsize=64)  # the Worker asks with the same few
def _options(query: bytes) -> Mapping[str, str]:
    return dict(parse_qsl(query.decode()))


def words_of(refused: Reply) -> str:
    """KV's own words of a `refusal`, fit for a status line."""
    said = str(msgspec.json.decode(refused.body)["errors"][0]["message"])
    return "".join(letter for letter in said if letter.isascii() and letter.isprintable())


def refusal(status: int, code: int, message: str) -> Reply:
    """An answer of Cloudflare's API that says no."""
    body: dict[str, Any] = {
        "success": False, "errors": [{"code": code, "message": message}], "messages": [], "result": None,
    }  # fmt: skip
    return Reply(status, [JSON], msgspec.json.encode(body))

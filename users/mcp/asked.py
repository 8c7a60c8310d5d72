"""A tool that asks the user first (`input_required`): the same request again, with answers made up.

    answered(dialect, message, reply)    # a Message with `inputResponses`, and `requestState` as it was

Fields of a question get their default or the plainest value of their type; a model says "x"; roots are none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import UNSET, Struct

from users.mcp.dialect import Dialect
from users.mcp.messages import Message
from users.mcp.sse import UNREADABLE

SAMPLED: Final = {
    "role": "assistant", "content": {"type": "text", "text": "x"}, "model": "x", "stopReason": "endTurn",
}  # fmt: skip
RESPONSES: Final = "inputResponses"
BY_TYPE: Final = {"string": "x", "integer": 1, "number": 1, "boolean": True, "array": [], "object": {}}


class _Form(Struct):
    properties: dict[str, dict[str, Any]] = {}


class _Params(Struct):
    requestedSchema: _Form = msgspec.field(default_factory=_Form)  # noqa: N815 - the wire's own name


class _Question(Struct):
    method: str = ""
    params: _Params = msgspec.field(default_factory=_Params)


class _Result(Struct):
    inputRequests: dict[str, _Question] = {}  # noqa: N815
    requestState: Any = UNSET  # noqa: N815


class _Reply(Struct):
    result: _Result


class _Request(Struct):
    method: str
    params: dict[str, Any] = {}


_read: Final = msgspec.json.Decoder(_Reply).decode
_sent: Final = msgspec.json.Decoder(_Request).decode


def answered(dialect: Dialect, message: Message, reply: bytes) -> Message | None:
    """None where the reply asks for nothing that can be read."""
    try:
        asked, sent = _read(reply).result, _sent(message.before + b"0" + message.after)
    except UNREADABLE:
        return None
    if not asked.inputRequests and asked.requestState is UNSET:
        return None
    params = {key: value for key, value in sent.params.items() if key not in ("_meta", RESPONSES)}
    params[RESPONSES] = {name: _response(one) for name, one in asked.inputRequests.items()}
    if asked.requestState is not UNSET:
        params["requestState"] = asked.requestState
    return dialect.request(sent.method, params)._replace(expect=message.expect)


def is_answer(message: Message) -> bool:
    """Whether the message brings answers already."""
    return f'"{RESPONSES}"'.encode() in message.after


def _response(question: _Question) -> dict[str, Any]:
    if question.method == "roots/list":
        return {"roots": []}
    if question.method == "sampling/createMessage":
        return dict(SAMPLED)
    fields = question.params.requestedSchema.properties
    return {"action": "accept", "content": {name: made_up(schema) for name, schema in fields.items()}}


def made_up(schema: Mapping[str, Any]) -> Any:
    """A value that fits a JSON Schema: its default, the first of its choices, or the plainest of its type."""
    choices = schema.get("enum")
    if "default" in schema:
        return schema["default"]
    if isinstance(choices, list) and choices:
        return choices[0]
    kind = schema.get("type")
    return BY_TYPE.get(kind, "x") if isinstance(kind, str) else "x"

from __future__ import annotations

import msgspec
import pytest

from fakes.http import reasons, rpc
from telemetry.recording import sample


def test_both_copies_of_the_reasons_are_equal() -> None:
    assert set(reasons.REASONS) | set(reasons.CLIENT_ONLY) == {*sample.REFUSALS, *sample.ERRORS}
    assert not set(reasons.REASONS) & set(reasons.CLIENT_ONLY)
    assert set(reasons.REFUSALS) == set(sample.REFUSALS) - {"refused"}


@pytest.mark.parametrize("reason", reasons.REASONS)
def test_a_refusal_carries_its_reason_and_the_calls_id(reason: str) -> None:
    reply = rpc.refuse(reason, "x", retry_after=0.2)
    error = msgspec.json.decode(reply.body)["error"]
    assert error["data"] == {"reason": reason, "retry_after": 1}
    assert error["code"] == reasons.REASONS[reason].code
    assert reply.status == reasons.REASONS[reason].status
    assert (b"retry-after", b"1") in reply.headers


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", -32700),
        (b"{", -32700),
        (b"\xff", -32700),
        (b"[]", -32600),
        (b"{}", -32600),
        (b'{"method":1}', -32600),
    ],
)
def test_what_is_no_request_is_named_by_its_code(body: bytes, code: int) -> None:
    with pytest.raises(rpc.RpcError) as caught:
        rpc.decode(body)
    assert caught.value.code == code
    assert rpc.id_of(body) is None


@pytest.mark.parametrize("request_id", [7, "seven", None])
def test_the_id_is_read_from_a_request(request_id: rpc.Id) -> None:
    body = msgspec.json.encode(
        {"jsonrpc": "2.0", "id": request_id, "method": "tools/list", "params": {"a": [1]}}
    )
    assert rpc.id_of(body) == rpc.decode(body).id == request_id


def test_a_tools_failure_is_a_result() -> None:
    reply = rpc.text_result(1, "no such page", is_error=True)
    assert reply.status == 200
    assert msgspec.json.decode(reply.body)["result"]["isError"] is True

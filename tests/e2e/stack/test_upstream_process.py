"""The upstreams and the issuer as processes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Iterator

import jwt
import pytest

from fakes.database.postgres import EmbeddedPostgres
from fakes.edge_runtime.key_set import parse
from fakes.http.hop import HopReset
from tests.support.origin_rig import OriginRig, rig, until

pytestmark = pytest.mark.e2e
TOOLS = {
    "upstreams": {
        "notion": {"quick": {"mean": 0.01, "body_bytes": 333}, "slow": {"mean": 60.0}},
        "jira": {"quick": {"mean": 0.01, "error_share": 1.0}},
    }
}


@pytest.fixture(scope="module")
def postgres() -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres()
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def made(postgres: EmbeddedPostgres) -> AsyncIterator[OriginRig]:
    async with rig(TOOLS, names=("upstream", "supabase"), postgres=postgres) as running:
        yield running


def served(tool: str, status: int) -> str:
    return f'mcpist_upstream_requests_total{{status="{status}",tool="{tool}",upstream="notion"}}'


async def test_answers_after_the_tools_latency_and_tells_it(made: OriginRig) -> None:
    began = time.monotonic()
    reply = await made.request("upstream", "POST", "/notion/quick", b"{}")
    waited = (time.monotonic() - began) * 1000
    told = float(dict(reply.headers)[b"server-timing"].removeprefix(b"upstream;dur="))
    assert (reply.status, len(reply.body), json.loads(reply.body)["tool"]) == (200, 333, "notion.quick")
    assert 10 - 1.5 <= told <= waited + 0.05  # timers are up to 1 ms early; told is rounded to 0.1 ms
    assert (await made.request("upstream", "POST", "/jira/quick")).status == 422
    assert await made.metric("upstream", served("quick", 200)) == 1


@pytest.mark.parametrize("path", ["/notion/none", "/notion", "/", "/x/quick"])
async def test_there_is_nothing_elsewhere(made: OriginRig, path: str) -> None:
    assert (await made.request("upstream", "POST", path)).status == 404


async def test_a_stall_holds_what_is_due_until_it_is_lifted(made: OriginRig) -> None:
    await made.fault("upstream", "upstream-stall", target="notion")
    calls = [asyncio.create_task(made.request("upstream", "POST", "/notion/quick")) for _ in range(20)]
    assert (await made.request("upstream", "POST", "/jira/quick")).status == 422
    leaving = calls.pop()
    done, _ = await asyncio.wait(calls, timeout=0.2)
    assert not done
    assert await made.metric("upstream", 'mcpist_upstream_in_flight_peak{upstream="notion"}') == 20
    leaving.cancel()

    async def left() -> bool:
        return await made.metric("upstream", 'mcpist_upstream_in_flight{upstream="notion"}') == 19

    await until(left)
    await made.control("upstream", "faults", {"faults": []})
    assert {reply.status for reply in await asyncio.gather(*calls)} == {200}
    assert await made.metric("upstream", 'mcpist_upstream_in_flight{upstream="notion"}') == 0
    assert await made.metric("upstream", served("quick", 200)) == 19
    assert await made.metric("upstream", served("quick", 499)) == 1


async def test_errors_resets_and_slowness(made: OriginRig) -> None:
    await made.fault("upstream", "upstream-error", target="notion", status=503)
    assert (await made.request("upstream", "POST", "/notion/quick")).status == 503
    await made.fault("upstream", "upstream-error", share=0.5)
    said = [(await made.request("upstream", "POST", "/notion/quick")).status for _ in range(60)]
    assert set(said) == {200, 500}
    await made.fault("upstream", "upstream-reset")
    with pytest.raises(HopReset):
        await made.request("upstream", "POST", "/notion/quick")
    await made.fault("upstream", "upstream-slow", factor=20)
    reply = await made.request("upstream", "POST", "/notion/quick")
    assert float(dict(reply.headers)[b"server-timing"].removeprefix(b"upstream;dur=")) >= 198


async def test_a_caller_that_pipelines_is_broken_off(made: OriginRig) -> None:
    reader, writer = await asyncio.open_connection(*made.addresses["upstream"])
    request = b"POST /notion/slow HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}"
    writer.write(request * 2)
    with contextlib.suppress(ConnectionError):
        assert await reader.read() == b""
    writer.close()

    async def clean() -> bool:
        return await made.metric("upstream", 'mcpist_upstream_in_flight{upstream="notion"}') == 0

    await until(clean)


async def test_connection_close_is_obeyed(made: OriginRig) -> None:
    reader, writer = await asyncio.open_connection(*made.addresses["upstream"])
    writer.write(b"POST /notion/quick HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
    assert (await reader.read()).startswith(b"HTTP/1.1 200 OK\r\n")
    writer.close()


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256"])
async def test_the_issuers_tokens_verify_with_its_key_set(made: OriginRig, algorithm: str) -> None:
    keys = parse((await made.request("supabase", "GET", "/auth/v1/.well-known/jwks.json")).body)
    wanted = json.dumps({"sub": "a", "tier": "pro", "alg": algorithm}).encode()
    token = json.loads((await made.request("supabase", "POST", "/auth/v1/token", wanted)).body)[
        "access_token"
    ]
    key = keys[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(token, key.key, [algorithm], issuer=made.identity.signing.issuer)
    assert (claims["sub"], claims["tier"]) == ("a", "pro")
    assert await made.metric("supabase", "mcpist_jwks_requests_total") == 1


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"{}", b'{"sub":""}', b'{"sub":"a","x":1}', b'{"sub":"a","alg":"none"}']
)
async def test_bad_wishes_are_400(made: OriginRig, body: bytes) -> None:
    assert (await made.request("supabase", "POST", "/auth/v1/token", body)).status == 400

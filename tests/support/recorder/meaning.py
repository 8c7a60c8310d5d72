"""Behaviours in HTTP that is right and says something odd: statuses, JSON-RPC, SSE, header values."""

from __future__ import annotations

import asyncio

from tests.support.recorder.exchange import OK, Exchange, behaviour, head

SSE = b"text/event-stream"
ODD_VALUES = (
    b"abc", b"-5", b"99999999999999999999", b"3000000000", b"1e300",
    b"1e400", b"nan", b"", b"\xff\xfe", b"0x10",
)  # fmt: skip


def error(x: Exchange, inner: bytes) -> bytes:
    """A JSON-RPC error answer."""
    return b'{"jsonrpc":"2.0","id":%b,"error":%b}' % (x.rpc_id, inner)


@behaviour("redirect", "redirect")
async def redirect(x: Exchange) -> None:
    location = b"Location: http://127.0.0.1:%d/elsewhere" % x.elsewhere
    await x.answer(x.result(), location, status=b"302 Found")


@behaviour("redirect-307", "redirect")
async def redirect_307(x: Exchange) -> None:
    location = b"Location: http://127.0.0.1:%d/elsewhere" % x.elsewhere
    await x.answer(b"", location, status=b"307 Temporary Redirect")


@behaviour("status-500", "http_error")
async def status_500(x: Exchange) -> None:
    await x.answer(b"<html>oops</html>", status=b"500 Internal Server Error")


@behaviour("status-999", "http_error", "bad_response")
async def status_999(x: Exchange) -> None:
    await x.answer(b"{}", status=b"999 What")


@behaviour("status-429", "refused")
async def status_429(x: Exchange) -> None:
    await x.answer(b"slow down", b"Retry-After: 1", status=b"429 Too Many Requests")


@behaviour("status-429-date", "refused")
async def status_429_date(x: Exchange) -> None:
    when = b"Retry-After: Wed, 21 Oct 2026 07:28:00 GMT"
    await x.answer(b"{}", when, status=b"429 Too Many Requests")


@behaviour("not-json", "bad_response")
async def not_json(x: Exchange) -> None:
    await x.answer(b'{"jsonrpc":"2.0","id":' + x.rpc_id)


@behaviour("not-utf8", "bad_response")
async def not_utf8(x: Exchange) -> None:
    await x.answer(b'{"jsonrpc":"2.0","id":\xff\xfe}')


@behaviour("deep-json", "bad_response")
async def deep_json(x: Exchange) -> None:
    await x.answer(b'{"jsonrpc":"2.0","id":%b,"result":' % x.rpc_id + b"[" * 100_000)


@behaviour("json-scalar", "bad_response")
async def json_scalar(x: Exchange) -> None:
    await x.answer((b"null", b"7", b'"text"', b"[]", b"true")[x.number % 5])


@behaviour("no-result", "bad_response")
async def no_result(x: Exchange) -> None:
    await x.answer(b'{"jsonrpc":"2.0","id":%b}' % x.rpc_id)


@behaviour("other-id", "bad_response")
async def other_id(x: Exchange) -> None:
    await x.answer(x.result().replace(b'"id":' + x.rpc_id, b'"id":987654321987'))


@behaviour("id-in-text-only", "bad_response")
async def id_in_text_only(x: Exchange) -> None:
    """The right id, but only inside a string of an answer to another one."""
    text = rb"\"id\":%b," % x.rpc_id
    await x.answer(x.result(text).replace(b'"id":' + x.rpc_id, b'"id":987654321987', 1))


@behaviour("spaced-json", OK)
async def spaced_json(x: Exchange) -> None:
    await x.answer(
        b'{\n  "result" : { "isError" : false, "content" : [ ] },\n  "id" : %b,\n  "jsonrpc" : "2.0"\n}'
        % x.rpc_id
    )


@behaviour("is-error-in-text", OK)
async def is_error_in_text(x: Exchange) -> None:
    r"""A result whose text quotes an error: `\"error\":` and `\"isError\":true` are data here."""
    await x.answer(x.result(rb"\"error\":{\"code\":1},\"isError\":true"))


@behaviour("rpc-error", "rpc_error")
async def rpc_error(x: Exchange) -> None:
    await x.answer(error(x, b'{"code":-32603,"message":"broken"}'))


@behaviour("rpc-huge-code", "rpc_error", "bad_response")
async def rpc_huge_code(x: Exchange) -> None:
    await x.answer(error(x, b'{"code":99999999999999,"message":"broken"}'))


@behaviour("rpc-odd-error", "rpc_error", "bad_response")
async def rpc_odd_error(x: Exchange) -> None:
    odd = (b'"text"', b"[]", b'{"code":"x"}', b'{"code":1,"data":7}', b'{"code":1,"data":{"reason":[]}}')
    await x.answer(error(x, odd[x.number % len(odd)]))


@behaviour("is-error", "tool_error")
async def is_error(x: Exchange) -> None:
    await x.answer(x.result().replace(b'"isError":false', b'"isError":true'))


@behaviour("is-error-spaced", "tool_error")
async def is_error_spaced(x: Exchange) -> None:
    await x.answer(x.result().replace(b'"isError":false', b'"isError" : true'))


@behaviour("sse", OK)
async def sse(x: Exchange) -> None:
    body = b'event: message\ndata: {"jsonrpc":"2.0","method":"notifications/progress"}\n\n: ping\n\n'
    body += b"id: 2\nevent: message\ndata: " + x.result() + b"\n\n"
    await x.send(head(b"Content-Length: %d" % len(body), kind=SSE), body)


@behaviour("sse-chunked", OK)
async def sse_chunked(x: Exchange) -> None:
    """Events with CRLF, and the answer over two `data:` lines."""
    first, second = x.result().split(b",", 1)
    events = (b": hello\r\n\r\n", b"data: " + first + b",\r\n", b"data:" + second + b"\r\n\r\n")
    await x.send(head(b"Transfer-Encoding: chunked", kind=SSE + b"; charset=utf-8"))
    for event in events:
        await x.send(b"%x\r\n%b\r\n" % (len(event), event))
    await x.send(b"0\r\n\r\n")


@behaviour("sse-long", OK)
async def sse_long(x: Exchange) -> None:
    """Thousands of messages before the answer, and a stream that ends a moment after it."""
    note = b'data: {"jsonrpc":"2.0","method":"notifications/progress"}\n\n' * 50
    await x.send(head(b"Transfer-Encoding: chunked", kind=SSE))
    for _ in range(100):
        await x.send(b"%x\r\n%b\r\n" % (len(note), note))
    event = b"data: " + x.result() + b"\n\n"
    await x.send(b"%x\r\n%b\r\n" % (len(event), event))
    await asyncio.sleep(0.001)
    await x.send(b"0\r\n\r\n")


@behaviour("sse-without-end", OK)
async def sse_without_end(x: Exchange) -> None:
    """The client hangs up some time after its answer."""
    await x.send(head(b"Transfer-Encoding: chunked", kind=SSE))
    event = b"data: " + x.result() + b"\n\n"
    await x.send(b"%x\r\n%b\r\n" % (len(event), event))
    await x.until_gone()


@behaviour("sse-without-answer", "bad_response")
async def sse_without_answer(x: Exchange) -> None:
    body = b'data: {"jsonrpc":"2.0","method":"notifications/progress"}\n\ndata: {{{\n\n'
    await x.send(head(b"Content-Length: %d" % len(body), kind=SSE), body)


@behaviour("sse-error", "rpc_error")
async def sse_error(x: Exchange) -> None:
    body = b"data: " + error(x, b'{"code":-32603,"message":"broken"}') + b"\n\n"
    await x.send(head(b"Content-Length: %d" % len(body), kind=SSE), body)


@behaviour("odd-values", OK)
async def odd_values(x: Exchange) -> None:
    """Header values that fit no field of a sample."""
    odd = ODD_VALUES[x.number % len(ODD_VALUES)]
    names = (b"X-RateLimit-Limit", b"X-RateLimit-Remaining", b"X-RateLimit-Reset", b"Retry-After")
    await x.answer(x.result(), *(name + b": " + odd for name in names), b"Server-Timing: upstream;dur=" + odd)


@behaviour("many-instances", OK)
async def many_instances(x: Exchange) -> None:
    await x.answer(x.result(), b"X-Instance-ID: instance-%d" % x.number)


@behaviour("odd-session", OK)
async def odd_session(x: Exchange) -> None:
    """A session id that a careless client would send back as a header of its own."""
    await x.answer(x.result(), b"Mcp-Session-Id: \xff\xfe " + b"s" * 5000)

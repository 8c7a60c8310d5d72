// A refusal or error by its name: a JSON-RPC error with the HTTP status of `reasons`, which is told to us.

const TEXT = new TextDecoder();

// `retryAfter` in seconds, rounded up.
export async function refuse(call, reason, { message, retryAfter, status } = {}) {
  const [usual, code, words] = call.inForce.reasons[reason];
  const data = { reason };
  const headers = { "content-type": "application/json" };
  if (retryAfter !== undefined) {
    data.retry_after = Math.max(1, Math.ceil(retryAfter));
    headers["retry-after"] = String(data.retry_after);
  }
  call.isolate.figures.add(`mcpist_refused_total{reason="${reason}"}`);
  const error = { code, message: message || words, data };
  const body = JSON.stringify({ jsonrpc: "2.0", id: await idOf(call), error });
  return new Response(body, { status: status ?? usual, headers });
}

// A failed write or read of KV, by the mode that the limit has for it; null lets the call on.
export function kvRefusal(call, error, mode) {
  if (mode === "fail-open") return null;
  return refuse(call, "kv_error", { message: error.message, status: mode === "fail-closed" ? 503 : undefined });
}

export function overLimit(call, limit, reason, retryAfter) {
  call.isolate.figures.add(`mcpist_rate_limit_hits_total{limit="${limit}"}`);
  return refuse(call, reason, { retryAfter });
}

// A header does not say what the body says: an error of the protocol, not a refusal.
export async function headerMismatch(call, header) {
  const message = `Header mismatch: ${header} is not what the body says`;
  return Response.json({ jsonrpc: "2.0", id: await idOf(call), error: { code: -32020, message } }, { status: 400 });
}

// The JSON-RPC id of the request, null if there is none to be read.
async function idOf(call) {
  try {
    const body = call.body ?? (await call.request.arrayBuffer());
    const { id } = JSON.parse(TEXT.decode(body));
    return typeof id === "number" || typeof id === "string" ? id : null;
  } catch {
    return null;
  }
}

// A refusal or error by its name: a JSON-RPC error with the HTTP status of `reasons`, which is told to us.

const TEXT = new TextDecoder();
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\]]|[^\s,:{}[\]"]+/g; // of JSON that is known to be sound

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
  return new Response(await failed(call, error), { status: status ?? usual, headers });
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
  const headers = { "content-type": "application/json" };
  return new Response(await failed(call, { code: -32020, message }), { status: 400, headers });
}

async function failed(call, error) {
  return `{"jsonrpc":"2.0","id":${await idOf(call)},"error":${JSON.stringify(error)}}`;
}

// The JSON-RPC id of the request as JSON, "null" if there is none to be read.
async function idOf(call) {
  try {
    const text = TEXT.decode(call.body ?? (await call.request.arrayBuffer()));
    const { id } = JSON.parse(text);
    if (typeof id === "number" && !Number.isSafeInteger(id)) return idAsWritten(text);
    return typeof id === "number" || typeof id === "string" ? JSON.stringify(id) : "null";
  } catch {
    return "null";
  }
}

// A number that is the id of an object, digit by digit: as a double it may be another call's id.
function idAsWritten(text) {
  let depth = 0;
  let key = null;
  let id;
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === "}" || token === "]") {
      depth -= 1;
      continue;
    }
    if (depth === 1) {
      if (key === "id") id = token; // of several the last counts, as for JSON.parse
      key = key === null ? JSON.parse(token) : null;
    }
    if (token === "{" || token === "[") depth += 1;
  }
  return id;
}

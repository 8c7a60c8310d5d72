// Who calls: the bearer token is checked, and the user and tier of its claims join the call.
//
// 401 missing_token without a bearer; 401 invalid_token for a token that does not hold; 403 invalid_token for
// a sound token of another issuer; 503 internal_error when no key set can be had. With `token_cache` a verified
// token is believed until it expires; not so while the key set itself is not kept.

import { keepsNothing } from "./jwks_cache.mjs";
import { InvalidToken, parse, verify } from "./jwt.mjs";
import { JwksUnavailable } from "./key_set.mjs";
import { refuse } from "./refuse.mjs";

const MAX_TOKENS = 10_000; // remembered an isolate

export async function authenticate(call) {
  const token = bearer(call.request.headers.get("authorization") ?? "");
  if (token === "") return refuse(call, "missing_token");
  try {
    const claims = remembered(token, call) ?? (await check(token, call));
    call.user = claims.sub;
    call.tier = claims.tier ?? "";
    return null;
  } catch (error) {
    return refusal(call, error);
  }
}

function refusal(call, error) {
  if (error instanceof InvalidToken) {
    const status = error.result === "wrong_issuer" ? 403 : 401;
    return refuse(call, "invalid_token", { message: error.message, status });
  }
  if (!(error instanceof JwksUnavailable)) throw error;
  return refuse(call, "internal_error", { message: `key set unavailable: ${error.message}`, status: 503 });
}

async function check(token, call) {
  let result = "valid";
  try {
    const parsed = parse(token);
    const found = await call.isolate.jwks.key(parsed.kid, call);
    const claims = await verify(parsed, found, call.inForce.issuer, call.now());
    remember(token, claims, call);
    return claims;
  } catch (error) {
    result = error.result ?? "no_key_set";
    throw error;
  } finally {
    call.isolate.figures.add(`mcpist_jwt_checks_total{result="${result}"}`);
  }
}

function believes(call) {
  return call.edge.token_cache && !keepsNothing(call);
}

function remembered(token, call) {
  if (!believes(call)) return undefined;
  const claims = call.isolate.tokens.get(token);
  if (claims === undefined || claims.exp > call.now()) return claims;
  call.isolate.tokens.delete(token);
  return undefined;
}

function remember(token, claims, call) {
  if (!believes(call)) return;
  const { tokens } = call.isolate;
  if (tokens.size >= MAX_TOKENS) tokens.clear();
  tokens.set(token, claims);
}

function bearer(value) {
  const space = value.indexOf(" ");
  return space > 0 && value.slice(0, space).toLowerCase() === "bearer" ? value.slice(space + 1).trim() : "";
}

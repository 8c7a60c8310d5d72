// Checking one JSON Web Token: signature (with the one algorithm that the issuer's key is for), expiry, issuer.

const TEXT = new TextDecoder("utf-8", { fatal: true });
const BYTES = new TextEncoder();
const BASE64URL = /^[A-Za-z0-9_-]*$/;
const HEADER_VALUE = /^[\x20-\x7e]*$/; // a line break in a claim that goes on as a header would forge others

// A token that does not hold; `result` is its label in the figures.
export class InvalidToken extends Error {
  constructor(result, message) {
    super(message);
    this.result = result;
  }
}

// The token in parts, its header read: { kid, alg, signed, claims, signature }. Throws InvalidToken.
export function parse(token) {
  const parts = token.split(".");
  if (parts.length !== 3) throw new InvalidToken("malformed", "not three segments");
  const head = object(parts[0], "header");
  if (typeof head.alg !== "string" || head.alg.toLowerCase() === "none") {
    throw new InvalidToken("wrong_algorithm", "algorithm none is not accepted");
  }
  if (head.crit !== undefined) throw new InvalidToken("malformed", "critical extensions are not understood");
  const kid = typeof head.kid === "string" ? head.kid : "";
  const signed = token.slice(0, parts[0].length + 1 + parts[1].length);
  return { kid, alg: head.alg, signed, claims: parts[1], signature: parts[2] };
}

// The claims of a parsed token that holds for `issuer` at `now` (Unix seconds). Throws InvalidToken.
export async function verify(parsed, found, issuer, now) {
  if (found === undefined) throw new InvalidToken("unknown_kid", "key id is not known");
  if (parsed.alg !== found.alg) throw new InvalidToken("wrong_algorithm", "not the algorithm of the key");
  const signature = decoded(parsed.signature, "signature");
  const held = await crypto.subtle.verify(found.parameters, found.key, signature, BYTES.encode(parsed.signed));
  if (!held) throw new InvalidToken("bad_signature", "Signature verification failed");
  const claims = object(parsed.claims, "claims");
  checkClaims(claims, issuer, now);
  return claims;
}

function checkClaims(claims, issuer, now) {
  for (const name of ["exp", "iss", "sub"]) {
    if (claims[name] === undefined) throw new InvalidToken("malformed", `Token is missing the "${name}" claim`);
  }
  if (!isTime(claims.exp) || !(claims.nbf === undefined || isTime(claims.nbf))) {
    throw new InvalidToken("malformed", "exp and nbf must be numbers");
  }
  if (claims.exp <= now) throw new InvalidToken("expired", "Signature has expired");
  if (claims.nbf > now) throw new InvalidToken("malformed", "The token is not yet valid (nbf)");
  if (claims.iss !== issuer) throw new InvalidToken("wrong_issuer", "Invalid issuer");
  if (!isHeader(claims.sub) || !isHeader(claims.tier ?? "")) {
    throw new InvalidToken("malformed", "sub or tier is not plain text");
  }
}

function isTime(value) {
  return typeof value === "number" && Number.isFinite(value);
}

function isHeader(value) {
  return typeof value === "string" && HEADER_VALUE.test(value);
}

function object(segment, what) {
  let value;
  try {
    value = JSON.parse(TEXT.decode(decoded(segment, what)));
  } catch {
    value = null;
  }
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    throw new InvalidToken("malformed", `Invalid ${what}`);
  }
  return value;
}

function decoded(segment, what) {
  if (!BASE64URL.test(segment) || segment.length % 4 === 1) throw new InvalidToken("malformed", `Invalid ${what}`);
  const binary = atob(segment.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
}

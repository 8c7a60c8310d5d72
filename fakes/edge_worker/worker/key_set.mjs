// The issuer's key set: fetching it, and what a set is.
//
// A set maps a `kid` to a public key and the one algorithm that the key is for. Symmetric keys and keys of
// unknown kinds are left out, so neither `alg: none` nor HS256 with a public key can ever verify.

const ECDSA = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const RSA = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
const ALGORITHMS = {
  EdDSA: { fits: (jwk) => jwk.kty === "OKP" && jwk.crv === "Ed25519", parameters: { name: "Ed25519" } },
  ES256: { fits: (jwk) => jwk.kty === "EC" && jwk.crv === "P-256", parameters: ECDSA },
  RS256: { fits: (jwk) => jwk.kty === "RSA", parameters: RSA },
};
const WITHIN = 5000; // milliseconds

export class JwksUnavailable extends Error {}

// The usable keys of a JWKS document: kid → { alg, parameters, key }. Throws JwksUnavailable if it is none.
export async function parseKeys(document) {
  if (!Array.isArray(document?.keys)) throw new JwksUnavailable("not a JWKS");
  const found = await Promise.all(document.keys.map(usable));
  return new Map(found.filter((entry) => entry !== null));
}

async function usable(jwk) {
  const alg = Object.keys(ALGORITHMS).find((name) => ALGORITHMS[name].fits(jwk));
  if (alg === undefined || !jwk.kid || (jwk.alg !== undefined && jwk.alg !== alg)) return null;
  const { parameters } = ALGORITHMS[alg];
  try {
    const bare = { kty: jwk.kty, crv: jwk.crv, x: jwk.x, y: jwk.y, n: jwk.n, e: jwk.e };
    const key = await crypto.subtle.importKey("jwk", bare, parameters, false, ["verify"]);
    return [jwk.kid, { alg, parameters, key }];
  } catch {
    return null;
  }
}

// The set at a URL. Throws JwksUnavailable.
export async function fetchKeys(url) {
  let document;
  try {
    const reply = await fetch(url, { signal: AbortSignal.timeout(WITHIN) });
    if (reply.status !== 200) throw new Error(`status ${reply.status}`);
    document = await reply.json();
  } catch (error) {
    throw new JwksUnavailable(error.message);
  }
  return parseKeys(document);
}

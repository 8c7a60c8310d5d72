import assert from "node:assert/strict";
import { before, test } from "node:test";
import { authenticate } from "../../../../fakes/edge_worker/worker/auth.mjs";
import { InvalidToken, parse, verify } from "../../../../fakes/edge_worker/worker/jwt.mjs";
import { JwksUnavailable, parseKeys } from "../../../../fakes/edge_worker/worker/key_set.mjs";
import { Rig } from "./rig.mjs";

const NOW = 1_000_000_000;
const MAKERS = {
  EdDSA: [{ name: "Ed25519" }, { name: "Ed25519" }],
  ES256: [{ name: "ECDSA", namedCurve: "P-256" }, { name: "ECDSA", hash: "SHA-256" }],
  RS256: [
    { name: "RSASSA-PKCS1-v1_5", modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-256" },
    { name: "RSASSA-PKCS1-v1_5" },
  ],
};
const pairs = {};
const document = { keys: [] };

before(async () => {
  for (const [alg, [generation]] of Object.entries(MAKERS)) {
    pairs[alg] = await crypto.subtle.generateKey(generation, true, ["sign", "verify"]);
    document.keys.push({ ...(await crypto.subtle.exportKey("jwk", pairs[alg].publicKey)), kid: alg, alg });
  }
});

const encoded = (value) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

async function token(claims = {}, { alg = "EdDSA", head = {} } = {}) {
  const whole = { sub: "ann", iss: "us", exp: NOW + 60, ...claims };
  const signed = `${encoded({ alg, kid: alg, ...head })}.${encoded(whole)}`;
  const signature = await crypto.subtle.sign(MAKERS[alg][1], pairs[alg].privateKey, Buffer.from(signed));
  return `${signed}.${Buffer.from(signature).toString("base64url")}`;
}

async function result(text) {
  try {
    const keys = await parseKeys(document);
    const parsed = parse(text);
    await verify(parsed, keys.get(parsed.kid), "us", NOW);
    return "valid";
  } catch (error) {
    if (!(error instanceof InvalidToken)) throw error;
    return error.result;
  }
}

for (const alg of Object.keys(MAKERS)) {
  test(`${alg}: a sound token holds, a changed one does not`, async () => {
    const good = await token({}, { alg });
    assert.equal(await result(good), "valid");
    const [head, claims, signature] = good.split(".");
    assert.equal(await result([head, encoded({ sub: "root", iss: "us", exp: NOW + 60 }), signature].join(".")), "bad_signature");
    assert.equal(await result([head, claims, ""].join(".")), "bad_signature");
  });
}

test("an algorithm that is not the key's own never verifies", async () => {
  const head = (alg) => encoded({ alg, kid: "RS256" });
  const [, claims, signature] = (await token({}, { alg: "RS256" })).split(".");
  for (const alg of ["none", "None", "NONE", "HS256", "ES256", "RS512", 7, null]) {
    assert.equal(await result([head(alg), claims, signature].join(".")), "wrong_algorithm", alg);
  }
});

for (const [claims, expected] of [
  [{ exp: NOW }, "expired"],
  [{ exp: NOW + 1 }, "valid"],
  [{ exp: undefined }, "malformed"],
  [{ exp: "soon" }, "malformed"],
  [{ iss: "them" }, "wrong_issuer"],
  [{ iss: undefined }, "malformed"],
  [{ iss: ["us"] }, "wrong_issuer"],
  [{ sub: undefined }, "malformed"],
  [{ sub: 7 }, "malformed"],
  [{ sub: "a\r\nx: y" }, "malformed"],
  [{ tier: "é" }, "malformed"],
  [{ tier: "pro" }, "valid"],
  [{ nbf: NOW + 1 }, "malformed"],
  [{ nbf: NOW - 1 }, "valid"],
]) {
  test(`claims ${JSON.stringify(claims)}: ${expected}`, async () => assert.equal(await result(await token(claims)), expected));
}

for (const text of ["", ".", "..", "...", "a.b", "!.e30.e30", "e30.e30.e30.e30", "e.e30.", encoded("[]") + ".e30.", encoded("null") + ".e30."]) {
  test(`${JSON.stringify(text)} is malformed`, async () => assert.equal(await result(text), "malformed"));
}

test("a header without alg, or with a critical extension, is refused", async () => {
  assert.equal(await result("e30.e30."), "wrong_algorithm");
  assert.equal(await result(await token({}, { head: { crit: ["x"] } })), "malformed");
});

test("an unknown or absent kid", async () => {
  assert.equal(await result(await token({}, { head: { kid: "nobody" } })), "unknown_kid");
  assert.equal(await result(await token({}, { head: { kid: 7 } })), "unknown_kid");
});

test("of a key set only public keys of known kinds are used", async () => {
  const [good] = document.keys;
  const odd = [
    { kty: "oct", k: "c2VjcmV0", kid: "oct", alg: "HS256" },
    { ...good, kid: undefined },
    { ...good, kid: "lying", alg: "HS256" },
    { ...good, kid: "broken", x: "!" },
    { kty: "EC", crv: "P-521", kid: "p521" },
  ];
  assert.deepEqual([...(await parseKeys({ keys: [...odd, good] })).keys()], [good.kid]);
  for (const none of [null, {}, { keys: 1 }, []]) await assert.rejects(parseKeys(none), JwksUnavailable);
});

test("a token that says it is not signed costs no fetch of the keys", async () => {
  let fetches = 0;
  const rig = new Rig({ jwks_mode: "none" }, { fetcher: async () => ((fetches += 1), parseKeys(document)) });
  for (const alg of ["none", "None"]) {
    const authorization = `Bearer ${encoded({ alg, kid: "EdDSA" })}.${encoded({ sub: "ann" })}.`;
    assert.equal((await authenticate(rig.call({ headers: { authorization } }))).status, 401);
  }
  assert.equal(fetches, 0);
});

test("the layer: who is let on, and what the others are told", async () => {
  let up = true;
  const fetcher = async () => {
    if (!up) throw new JwksUnavailable("status 500");
    return parseKeys(document);
  };
  const rig = new Rig({}, { fetcher });
  const ask = async (authorization) => {
    const call = rig.call({ user: "", headers: authorization ? { authorization } : {} });
    return [(await authenticate(call))?.status ?? null, call.user];
  };
  const good = await token({ tier: "pro" });
  assert.deepEqual(await ask(""), [401, ""]);
  assert.deepEqual(await ask("Basic x"), [401, ""]);
  assert.deepEqual(await ask(`bearer ${good}`), [null, "ann"]);
  assert.deepEqual(await ask(`Bearer ${await token({ iss: "them" })}`), [403, ""]);
  assert.equal(rig.count('mcpist_jwt_checks_total{result="valid"}'), 1);
  assert.deepEqual(await ask(`Bearer ${good}`), [null, "ann"]); // remembered
  assert.equal(rig.count('mcpist_jwt_checks_total{result="valid"}'), 1);
  rig.now += 61_000;
  assert.deepEqual(await ask(`Bearer ${good}`), [401, ""]); // no longer
  [up, rig.isolate.inForce.settings.jwks_mode] = [false, "none"];
  assert.deepEqual(await ask(`Bearer ${good}`), [503, ""]);
});

// A call in an isolate on a manual clock, with a KV that can be told to fail.

import { Call, Isolate } from "../../../../fakes/edge_worker/worker/isolate.mjs";

export const REASONS = {
  ip_limit_exceeded: [429, -32029, "ip"],
  burst_exceeded: [429, -32029, "burst"],
  name_limit_exceeded: [429, -32029, "name"],
  missing_token: [401, -32001, "missing"],
  invalid_token: [401, -32001, "invalid"],
  kv_error: [500, -32603, "kv"],
  gateway_timeout: [504, -32051, "timeout"],
  origin_unavailable: [503, -32055, "origin"],
  internal_error: [500, -32603, "internal"],
};

export const SETTINGS = {
  ip_per_min: 3, ip_window: 60, ip_on_failure: "fail-open",
  burst_per_s: 5, burst_window: 1, burst_strategy: "kv-every-request", burst_on_failure: "throw",
  burst_ttl: 60, burst_write_wait: 0,
  forward_timeout: 30, name_routes: {}, jwks_mode: "cached", jwks_ttl: 300, jwks_cool_down: 30, jwks_coalesce: true, token_cache: true,
};

export class Kv {
  constructor() {
    this.values = new Map();
    this.puts = [];
    this.gets = 0;
    this.failure = null;
  }

  async get(key) {
    this.gets += 1;
    if (this.failure?.get) throw new Error("KV GET failed: 429 Too Many Requests");
    return this.values.get(key) ?? null;
  }

  async put(key, value, options) {
    if (this.failure?.put) throw new Error("KV PUT failed: 429 Too Many Requests");
    const ttl = options.expirationTtl;
    if (ttl < 60) throw new Error(`KV PUT failed: 400 Invalid expiration_ttl of ${ttl}. Expiration TTL must be at least 60.`);
    this.puts.push([key, value, options.expirationTtl]);
    this.values.set(key, value);
  }
}

export class Rig {
  constructor(settings = {}, { protections, own, fetcher, lb } = {}) {
    this.now = 1_000_000_000_000; // milliseconds
    this.kv = new Kv();
    this.knocks = [];
    const connect = (address) => {
      this.knocks.push(address);
      return { opened: this.refuses ? Promise.reject(new Error("refused")) : Promise.resolve(), close: async () => {} };
    };
    this.isolate = new Isolate(connect, () => this.now, fetcher);
    this.isolate.inForce = {
      place: 0, peers: [], issuer: "us", jwks_url: "http://issuer/jwks", gateway_secret: "secret", run: "run",
      protections: protections ?? ["ip-limit", "jwks-cache", "burst-limit"],
      own: { "name-limit": { per_s: 5, compare: 0, ...own } },
      settings: { ...SETTINGS, ...settings },
      lb: { state: "primary", split: false, alive: ["origin-a", "origin-b"], retry_other: false, ...lb },
      origins: { "origin-a": "a:1", "origin-b": "b:2" },
      reasons: REASONS, buckets: [0.1, 1],
    };
  }

  call({ user = "ann", headers = {}, body = '{"id":7}', method = "POST", ctx = { waitUntil() {} } } = {}) {
    const request = new Request("http://edge/v1/mcp?a=1", { method, headers, body: method === "GET" || method === "HEAD" ? undefined : body });
    const call = new Call(request, "/v1/mcp", { KV: this.kv }, ctx, this.isolate);
    call.user = user;
    return call;
  }

  count(series) {
    return this.isolate.figures.all()[series] ?? 0;
  }
}

export async function reason(response) {
  return (await response.json()).error.data.reason;
}

// `jwks-cache`: when an isolate fetches the issuer's key set. One cache an isolate.
//
//   mode             fetches
//   cached           at first use, and when the set is `jwks_ttl` seconds old
//   refetch-unknown  also on every unknown kid (the usual bug: a flood of them reaches the issuer)
//   cool-down        also on an unknown kid, but not within `jwks_cool_down` seconds of the last fetch
//   none             for every request; so it is when the protection is off
//   per-request      for every request, by a key set made for it: what the real Worker does
//
// With `jwks_coalesce`, calls that need a fetch while one is under way wait for that one; `waitUntil` keeps it
// alive when the call that began it ends. Without a good answer, keys that are known stay in use.

const UNCACHED = new Set(["none", "per-request"]);

// Whether `mode` keeps nothing between requests.
export function keepsNothing(call) {
  return !call.on("jwks-cache") || UNCACHED.has(call.edge.jwks_mode);
}

export class JwksCache {
  #fetch;
  #figures;
  #clock;
  #keys = null;
  #fetched = 0;
  #underWay = null;

  constructor(fetcher, figures, clock) {
    this.#fetch = fetcher;
    this.#figures = figures;
    this.#clock = clock;
  }

  // The key of a kid, undefined if the issuer has none. Throws JwksUnavailable.
  async key(kid, call) {
    if (keepsNothing(call)) {
      this.#count("no-cache");
      return (await this.#fetch(call.inForce.jwks_url)).get(kid);
    }
    let keys = await this.#fresh(call);
    if (!keys.has(kid) && this.#refetches(call.edge)) keys = await this.#refresh("unknown-kid", call);
    return keys.get(kid);
  }

  reset() {
    this.#keys = null;
  }

  #fresh(call) {
    if (this.#keys === null) return this.#refresh("first", call);
    if (this.#age() >= call.edge.jwks_ttl) return this.#refresh("expired", call);
    return this.#keys;
  }

  #age() {
    return (this.#clock() - this.#fetched) / 1000;
  }

  #refetches(edge) {
    if (edge.jwks_mode === "cool-down") return this.#age() >= edge.jwks_cool_down;
    return edge.jwks_mode === "refetch-unknown";
  }

  #refresh(cause, call) {
    if (!call.edge.jwks_coalesce) return this.#load(cause, call.inForce.jwks_url);
    if (this.#underWay === null) {
      this.#underWay = this.#load(cause, call.inForce.jwks_url).finally(() => (this.#underWay = null));
      call.ctx.waitUntil(this.#underWay.catch(() => {}));
    }
    return this.#underWay;
  }

  async #load(cause, url) {
    this.#count(cause);
    try {
      const keys = await this.#fetch(url);
      this.#fetched = this.#clock();
      this.#keys = keys;
    } catch (error) {
      if (this.#keys === null) throw error;
    }
    return this.#keys;
  }

  #count(cause) {
    this.#figures.add(`mcpist_jwks_fetches_total{cause="${cause}"}`);
  }
}

// What an isolate remembers between requests, and one call on its way through it.

import { Figures } from "./figures.mjs";
import { JwksCache } from "./jwks_cache.mjs";
import { fetchKeys } from "./key_set.mjs";

export class Isolate {
  // `connect` opens a TCP connection, as `cloudflare:sockets` has it; `clock` gives Unix milliseconds.
  constructor(connect, clock = Date.now, fetcher = fetchKeys) {
    this.connect = connect;
    this.clock = clock;
    this.inForce = null; // what control.mjs was told last; replaced as a whole
    this.figures = new Figures(clock);
    this.jwks = new JwksCache(fetcher, this.figures, clock);
    this.tokens = new Map(); // verified token → its claims
    this.suspects = new Set(); // origins whose last call was lost
    this.turn = 0; // of a balancer that splits
    this.calls = 0; // for request ids
    this.#forgetCounts();
  }

  reset() {
    this.#forgetCounts();
    this.jwks.reset();
    this.suspects.clear();
    this.figures.reset();
  }

  // Counts kept for the burst limit, whichever strategy made them.
  burstEntries() {
    return this.bursts.size + this.burstCounts.size + this.burstTimes.size;
  }

  #forgetCounts() {
    this.bursts = new WindowCounts(); // by user
    this.names = new WindowCounts(); // by user and tool
    this.burstCounts = new Map(); // of check-burst, by user and window: nothing is ever removed
    this.burstTimes = new Map(); // of sliding, by user
  }
}

// Counts of one window; those of an earlier one are forgotten.
class WindowCounts {
  #window = -1;
  #counts = new Map();

  get size() {
    return this.#counts.size;
  }

  of(window) {
    if (window !== this.#window) [this.#window, this.#counts] = [window, new Map()];
    return this.#counts;
  }
}

export class Call {
  constructor(request, path, env, ctx, isolate) {
    this.request = request;
    this.path = path;
    this.env = env;
    this.ctx = ctx;
    this.isolate = isolate;
    this.inForce = isolate.inForce; // read once: a change is for calls to come
    this.edge = this.inForce.settings;
    this.user = "";
    this.tier = "";
  }

  on(protection) {
    return this.inForce.protections.includes(protection);
  }

  // Unix seconds.
  now() {
    return this.isolate.clock() / 1000;
  }
}

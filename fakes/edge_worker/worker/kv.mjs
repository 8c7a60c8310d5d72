// The KV binding. Whatever it throws is a KvError with the binding's own words.

export const MIN_TTL = 60; // seconds; Workers KV takes no shorter expiration

export class KvError extends Error {}

export async function kvGet(call, key) {
  try {
    return JSON.parse(await call.env.KV.get(key));
  } catch (error) {
    throw new KvError(error.message);
  }
}

// `ttl` in whole seconds.
export async function kvPut(call, key, value, ttl = MIN_TTL) {
  try {
    await call.env.KV.put(key, JSON.stringify(value), { expirationTtl: ttl });
  } catch (error) {
    throw new KvError(error.message);
  }
}

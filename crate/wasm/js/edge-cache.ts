import type { Fetch } from "./source.js";

/** The part of a platform's request context that is used. */
export interface EdgeContext {
  /** Keeps the worker alive for a promise that the answer doesn't wait for. */
  waitUntil?(promise: Promise<unknown>): void;
}

/** Seconds for which a bundle's files are kept: they never change, their paths name their content. */
const FOREVER_SECONDS = 30 * 86_400;

/** How a `platformCache` keeps what it fetches. */
interface Keeping {
  /** Milliseconds for which the pointer and a block are kept. */
  refreshMs: number;
  /** The kept pointer and block are known to be too old. */
  renew: boolean;
  context: EdgeContext | undefined;
}

/**
 * A `fetch` that answers from the platform's cache where there is one. Only address and headers go to the origin:
 * they are functions of public inputs.
 */
export function platformCache(fetch: Fetch, { refreshMs, renew, context }: Keeping): Fetch {
  const cache = typeof caches === "undefined" ? undefined : (caches as unknown as { default?: Cache }).default;
  return async (url, { headers = [], signal = null }) => {
    const sent = { headers, signal };
    const immutable = /\/bundle\/[0-9a-f]{64}\//.test(url);
    const kept = renew && !immutable ? undefined : await cache?.match(new Request(url, { headers }));
    if (kept) return kept;
    const answer = await fetch(url, sent);
    const seconds = immutable ? FOREVER_SECONDS : Math.floor(refreshMs / 1000);
    if (!cache || !answer.ok || seconds <= 0) return answer;
    // Its own headers may vary by account or set a cookie; what is kept here is anonymous and for everybody.
    const copy = new Response(answer.clone().body, {
      headers: { "content-type": answer.headers.get("content-type") ?? "application/octet-stream", "cache-control": `public, max-age=${seconds}` },
    });
    // A cache that can't keep it costs a request, not an answer.
    const keeping = cache.put(new Request(url, { headers }), copy).catch(() => {});
    if (context?.waitUntil) context.waitUntil(keeping);
    else await keeping;
    return answer;
  };
}

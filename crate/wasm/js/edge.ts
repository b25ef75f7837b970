import type { WasmModule, WasmRecommender } from "./engine.js";
import { asUpnextError, typed, UpnextError } from "./errors.js";
import { platformCache, type EdgeContext } from "./edge-cache.js";
import { readEdgeRequest, Refusal, type EdgeRequest } from "./edge-request.js";
import { slateOf, type Slate } from "./slate.js";
import { Source, type Fetch } from "./source.js";
import type { BlockInfo, ErrorCode } from "./types.js";

/** What `createEdgeHandler` takes. `origin`, `languages` and `candidates` are all that a request to the origin can hold. */
export interface EdgeOptions {
  /** Origin of the candidate server, for example `https://video.example`. */
  origin: string;
  /** BCP 47 tags of the content shelves, the same for every viewer; default: none. */
  languages?: string[];
  /** Candidates per block; default 500. */
  candidates?: number;
  /** Milliseconds for which bundle and block are used before the origin is asked again; default 5 minutes. */
  refreshMs?: number;
  /** Milliseconds after which the origin counts as unreachable; default 5000. */
  timeoutMs?: number;
  /** Largest request body, in bytes; default 262144. */
  maxBodyBytes?: number;
  /** Seed of everything random; default 0. */
  seed?: number;
  /** The clock, Unix milliseconds; default `Date.now`. */
  now?: () => number;
  /** The host's fetch; default the global one. */
  fetch?: Fetch;
}

/** The body of an answer: a slate without the candidates that were left out. */
export type EdgeSlate = Omit<Slate, "dropped">;

/** A `fetch` handler: POST an `EdgeRequest` as JSON, get an `EdgeSlate` or `{ code, message }`. */
export type EdgeHandler = (request: Request, env?: unknown, context?: EdgeContext) => Promise<Response>;

/** A bundle with a block of it, loaded. No viewer's data is in `wasm` between two requests. */
interface Ready {
  wasm: WasmRecommender;
  bundleId: string;
  block: BlockInfo;
  loadedAtMs: number;
}

const FIVE_MINUTES_MS = 5 * 60_000;

/** `createEdgeHandler` over the one module of an environment, instantiated at the first request. */
export function edgeFactory(instantiate: () => WasmModule): (options: EdgeOptions) => EdgeHandler {
  return (options) => {
    const { refreshMs = FIVE_MINUTES_MS, now = Date.now } = options;
    let module: WasmModule | undefined;
    let ready: Ready | undefined;

    /** Requests share what is loaded, never what is under way: a platform may cut a request's promises off with it. */
    const load = async (context: EdgeContext | undefined): Promise<void> => {
      module ??= instantiate();
      const cached = platformCache(options.fetch ?? ((url, init) => fetch(url, init)), { refreshMs, context, renew: !!ready && now() >= ready.block.expiresAtMs });
      const put = await fetchAll(module, options, ready, cached);
      ready = { ...put(ready), loadedAtMs: now() };
    };
    /** Sees to it that something fit to rank by is loaded. */
    const prepare = async (context: EdgeContext | undefined): Promise<void> => {
      if (!ready || now() >= ready.block.expiresAtMs) return load(context);
      if (now() - ready.loadedAtMs < refreshMs) return;
      // What is at hand is still good: rank by it, and fetch behind the answer where the platform lets us.
      const refreshed = load(context).catch(() => {});
      if (context?.waitUntil) context.waitUntil(refreshed);
      else await refreshed;
    };
    return async (request, _env, context) => {
      try {
        const asked = await readEdgeRequest(request, options.maxBodyBytes);
        await prepare(context);
        // From here on nothing waits, so no other request comes between.
        return answer(200, rank(module!, ready!, asked, now(), options.seed ?? 0));
      } catch (thrown) {
        const error = asUpnextError(thrown, "server-error");
        const { code, message } = error;
        return answer(error instanceof Refusal ? error.status : statusOf(code), { code, message });
      }
    };
  };
}

/** One viewer's slate. Profile and history are forgotten before it returns. */
function rank(module: WasmModule, { wasm, block }: Ready, asked: EdgeRequest, nowMs: number, seed: number): EdgeSlate {
  const { profile, history, events = [], context = {}, options = {} } = asked;
  try {
    return typed(() => {
      wasm.wipe();
      if (profile) wasm.setProfile(JSON.stringify(profile));
      if (history) wasm.importHistory(JSON.stringify(history));
      for (const event of events) wasm.record(event);
      // The edge's own time zone and device say nothing of the viewer.
      const moment = { utcOffsetMinutes: null, device: null, surface: "up-next", localTime: null, ...context, nowMs };
      const raw = wasm.recommend(moment, { size: 12, diversity: 0.3, explore: 0, watching: null, seed, ...options });
      const { dropped: _, ...slate } = slateOf(raw, block, module.dropReasons(), nowMs);
      return slate;
    });
  } finally {
    wasm.wipe();
  }
}

/** Fetches what `before` lacks. What is returned puts it in place at once, whatever happened while it was fetched. */
async function fetchAll(module: WasmModule, options: EdgeOptions, before: Ready | undefined, fetch: Fetch): Promise<(now: Ready | undefined) => Omit<Ready, "loadedAtMs">> {
  const { languages = [], candidates = 500, timeoutMs = 5000 } = options;
  const origin = options.origin.replace(/\/+$/, "");
  const source = new Source(origin, fetch, AbortSignal.timeout(timeoutMs));
  const bundleId = await source.currentBundle();
  const block = () => source.block(module, { origin, bundleId, languages, size: candidates, token: null });
  if (before?.bundleId === bundleId) {
    const bytes = await block();
    return (now = before) => ({ ...now, block: typed(() => now.wasm.setBlock(bytes)) });
  }
  const manifest = await source.manifest(bundleId);
  const plan = typed(() => module.bundlePlan(bundleId, manifest));
  if (plan.needsOnnx) throw new UpnextError("op-unsupported", "this bundle needs the module upnext/onnx, which the edge does not carry");
  const { paths, files } = await source.bundle(bundleId, manifest, plan);
  const bytes = await block();
  return (now) => {
    const wasm = new module.Recommender();
    try {
      const loaded = { wasm, bundleId, block: typed(() => wasm.load(bundleId, manifest, paths, files, bytes)) };
      now?.wasm.free();
      return loaded;
    } catch (thrown) {
      wasm.free();
      throw thrown;
    }
  };
}

/** The viewer's mistakes are 4xx; whatever comes from the origin is a bad gateway. */
function statusOf(code: ErrorCode): number {
  if (code === "request-invalid" || code === "profile-invalid") return 400;
  if (code === "server-unreachable") return 504;
  if (code === "block-expired" || code === "not-ready") return 503;
  return 502;
}

/** A slate is one viewer's: no cache may keep it. */
function answer(status: number, body: EdgeSlate | { code: ErrorCode; message: string }): Response {
  return Response.json(body, { status, headers: { "cache-control": "no-store" } });
}

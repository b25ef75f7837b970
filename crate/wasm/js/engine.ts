import { UpnextError } from "./errors.js";
import type {
  BlockInfo,
  BundlePlan,
  Context,
  DeclaredInputs,
  DropReason,
  FeedbackEvent,
  RawLearnt,
  RawSlate,
  RequestParts,
  SlateOptions,
} from "./types.js";

/** The recommender inside the module. Every method throws `{ code, message }`. */
export interface WasmRecommender {
  /** Verifies all of it first; on an error what was loaded before stays. */
  load(bundleId: string, manifest: Uint8Array, paths: string[], files: Uint8Array[], block: Uint8Array): BlockInfo;
  /** A new block of the loaded bundle; on an error the old one stays. */
  setBlock(block: Uint8Array): BlockInfo;
  setProfile(json: string): void;
  exportProfile(): string;
  importHistory(json: string): void;
  exportHistory(): string;
  /** Ids of the latest videos that the viewer found relevant, the latest first, `most` at most. */
  recent(most: number, nowMs: number): string[];
  /** Forgets profile and history. */
  wipe(): void;
  record(event: FeedbackEvent): void;
  recommend(context: Context, options: SlateOptions): RawSlate;
  learnt(nowMs: number): RawLearnt;
  /** The ledger of metrics after the question what is told now, and the report where there is one; `random`: 20 bytes. */
  disclose(ledger: string | undefined, nowMs: number, random: Uint8Array): string[];
  free(): void;
}

/** What both WebAssembly modules export; the type check of the entry files holds them to it. */
export interface WasmModule {
  Recommender: new () => WasmRecommender;
  /** `compact` or `onnx`. */
  engine(): string;
  /** Checks the manifest against its id and lists the files this module needs. */
  bundlePlan(bundleId: string, manifest: Uint8Array): BundlePlan;
  /** The candidate request, a function of the declared inputs alone. */
  candidateRequest(inputs: DeclaredInputs): RequestParts;
  /**
   * The block's bytes with those of these videos among its removed ids that no block of its age can hold: `untilMs[i]` is the
   * expiry of the latest block that named `ids[i]` as removed. Nothing where it names them all already.
   */
  withRemoved(block: Uint8Array, ids: string[], untilMs: Float64Array): Uint8Array | undefined;
  /** Clock offset and kind of device, as the host knows them. */
  hostContext(nowMs: number): Context;
  /** Names that `RawSlate.droppedReasons` refers to. */
  dropReasons(): DropReason[];
  /** What a ledger has spent and told, as the JSON of `Disclosed`. */
  disclosed(ledger?: string): string;
  /** The ledger without what was told; what was spent stays. */
  forgetDisclosed(ledger: string): string;
}

/** Ways to get the modules in one environment; nothing is loaded before it is asked for. */
export interface Loaders {
  compact(): Promise<WasmModule>;
  onnx(): Promise<WasmModule>;
  /** Workers that run them, where the environment has workers: the default there. */
  worker?: { compact(): Worker; onnx(): Worker };
}

interface Glue extends WasmModule {
  default(input: { module_or_path: Response | Uint8Array }): Promise<unknown>;
  initSync(input: { module: WebAssembly.Module }): unknown;
}

/** Instantiates asynchronously: Chromium refuses large modules on the main thread otherwise. */
export async function instantiate<G extends Glue>(glue: G, source: Promise<Response | Uint8Array>): Promise<G> {
  const input = await source;
  if (input instanceof Response && !input.ok) {
    throw new UpnextError("not-found", `the WebAssembly module is not at ${input.url} (HTTP ${input.status})`);
  }
  await glue.default({ module_or_path: input });
  return glue;
}

/** The module where the platform has compiled it. */
export function compiled(glue: Glue, module: WebAssembly.Module): WasmModule {
  glue.initSync({ module });
  return glue;
}

/** The bytes of a module that is written into the script. */
export async function fromBase64(text: string): Promise<Uint8Array> {
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}

/** For environments that tract-onnx is too large for. */
export async function withoutOnnx(): Promise<never> {
  throw new UpnextError("op-unsupported", "this bundle needs the module upnext/onnx, which this entry does not carry");
}

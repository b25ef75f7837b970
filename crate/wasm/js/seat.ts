import { typed, UpnextError } from "./errors.js";
import type { WasmModule, WasmRecommender } from "./engine.js";
import type { BundleBytes } from "./source.js";
import { learntOf, type Learnt } from "./learnt.js";
import { slateOf, type Slate } from "./slate.js";
import type { BlockInfo, BundlePlan, Context, DeclaredInputs, Disclosed, FeedbackEvent, Profile, RequestParts, SlateOptions } from "./types.js";

/** Profile and history of one viewer, each as the module's JSON text. */
export interface ViewerTexts {
  profile: string;
  history: string;
}

/** Something that changes what is known of the viewer. Plain data: it crosses threads, and is done again after another tab's. */
export type Change = { kind: "record"; event: FeedbackEvent } | { kind: "profile"; changes: Profile } | { kind: "block-channel"; channel: string } | { kind: "replace"; viewer: ViewerTexts } | { kind: "wipe" };

/** The moment as far as the page says it; the rest is the host's. */
export type Moment = Pick<Context, "nowMs"> & Partial<Context>;

/** What the last slate was made of, besides the viewer, and what came out. */
interface Last {
  context: Context;
  options: SlateOptions;
  receipt: string;
  ids: string[];
}

/** Where one viewer's recommender sits, in whichever thread. Every call is whole, and one that throws changes nothing. */
export class Seat {
  #wasm: WasmRecommender;
  #block: BlockInfo | undefined;
  /** The block as it came: a receipt holds it. */
  #blockBytes: Uint8Array | undefined;
  #last: Last | undefined;

  constructor(private readonly module: WasmModule) {
    this.#wasm = new module.Recommender();
  }

  /** `compact` or `onnx`. */
  engine(): string {
    return this.module.engine();
  }

  /** Checks a manifest against its id and lists the files that are needed. */
  plan(bundleId: string, manifest: Uint8Array): BundlePlan {
    return typed(() => this.module.bundlePlan(bundleId, manifest));
  }

  candidateRequest(inputs: DeclaredInputs): RequestParts {
    return typed(() => this.module.candidateRequest(inputs));
  }

  /** `WasmModule.withRemoved`, of what is known as `[id, untilMs]`. */
  withRemoved(block: Uint8Array, known: [id: string, untilMs: number][]): Uint8Array {
    return this.module.withRemoved(block, known.map(([id]) => id), Float64Array.from(known, ([, untilMs]) => untilMs)) ?? block;
  }

  /** Ids of the latest videos that the viewer found relevant: what mode `recent` declares, and nothing else. */
  recent(most: number, nowMs: number): string[] {
    return typed(() => this.#wasm.recent(most, nowMs));
  }

  /** Loads a bundle with a block of it. */
  load({ id, manifest, paths, files }: BundleBytes, block: Uint8Array): BlockInfo {
    return this.#holds(block, typed(() => this.#wasm.load(id, manifest, paths, files, block)));
  }

  /** Takes a new block of the loaded bundle. */
  setBlock(block: Uint8Array): BlockInfo {
    return this.#holds(block, typed(() => this.#wasm.setBlock(block)));
  }

  #holds(bytes: Uint8Array, info: BlockInfo): BlockInfo {
    this.#last = undefined;
    this.#blockBytes = bytes;
    return (this.#block = info);
  }

  viewer(): ViewerTexts {
    return typed(() => ({ profile: ascii(this.#wasm.exportProfile()), history: ascii(this.#wasm.exportHistory()) }));
  }

  change(change: Change): void {
    typed(() => this.#change(change));
  }

  /** Starts again from `viewer` (absent: nothing is known) and does `changes` on top of it. */
  rebase(viewer: ViewerTexts | undefined, changes: Change[]): void {
    this.change(viewer ? { kind: "replace", viewer } : { kind: "wipe" });
    for (const change of changes) this.change(change);
  }

  recommend(moment: Moment, options: SlateOptions): Slate {
    const block = this.#block;
    if (!block) throw new UpnextError("not-ready", "no block is loaded");
    const context: Context = { ...this.module.hostContext(moment.nowMs), ...moment };
    const slate = slateOf(typed(() => this.#wasm.recommend(context, options)), block, this.module.dropReasons(), moment.nowMs);
    this.#last = { context, options, receipt: slate.receipt, ids: slate.items.map(({ id }) => id) };
    return slate;
  }

  /** What was learnt about the viewer, told by the channels of the loaded block. */
  learnt(nowMs: number): Learnt {
    const block = this.#block;
    if (!block) throw new UpnextError("not-ready", "no block is loaded");
    return learntOf(typed(() => this.#wasm.learnt(nowMs)), block);
  }

  /** Asks the ledger of metrics what is told now: the ledger after that, and the report where there is one. */
  disclose(ledger: string | undefined, nowMs: number, random: Uint8Array): [ledger: string, report?: string] {
    return typed(() => this.#wasm.disclose(ledger, nowMs, random)) as [string, string?];
  }

  disclosed(ledger: string | undefined): Disclosed {
    return JSON.parse(typed(() => this.module.disclosed(ledger))) as Disclosed;
  }

  forgetDisclosed(ledger: string): string {
    return typed(() => this.module.forgetDisclosed(ledger));
  }

  /** JSON of all that the last slate was made of. */
  receipt(): string {
    const { context, options, receipt, ids } = this.#last ?? unfounded("there is no slate of the loaded block yet");
    // The viewer is written as they are now, so they must still be who the slate was for.
    if (typed(() => this.#wasm.recommend(context, options)).receipt !== receipt) unfounded("the viewer did something since the last slate");
    const { profile, history } = this.viewer();
    const rest = JSON.stringify({ version: 1, receipt, bundleId: this.#block!.bundleId, context, options, ids, block: hex(this.#blockBytes!) });
    return `${rest.slice(0, -1)},"profile":${profile},"history":${history}}`;
  }

  /** Frees the module's memory. */
  free(): void {
    this.#wasm.free();
  }

  #change(change: Change): void {
    const wasm = this.#wasm;
    if (change.kind === "record") wasm.record(change.event);
    else if (change.kind === "wipe") wasm.wipe();
    else if (change.kind === "profile") this.#merge(change.changes);
    else if (change.kind === "block-channel") {
      const { blockedChannels = [] } = this.#profile();
      this.#merge({ blockedChannels: [...new Set([...blockedChannels, change.channel])] });
    } else {
      const before = wasm.exportProfile();
      wasm.setProfile(change.viewer.profile);
      try {
        wasm.importHistory(change.viewer.history);
      } catch (thrown) {
        wasm.setProfile(before);
        throw thrown;
      }
    }
  }

  #profile(): Profile {
    return JSON.parse(this.#wasm.exportProfile()) as Profile;
  }

  #merge(changes: Profile): void {
    this.#wasm.setProfile(JSON.stringify({ ...this.#profile(), ...changes }, keepNaN));
  }
}

function unfounded(reason: string): never {
  throw new UpnextError("receipt-mismatch", `${reason}; call recommend first`);
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The same JSON in half the memory: one letter beyond Latin-1 makes every letter of a text two bytes wide. */
function ascii(json: string): string {
  return json.replace(/[\u0080-\uffff]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** JSON writes NaN and infinities as null, which would mean "unknown"; as texts they are refused. */
function keepNaN(_key: string, value: unknown): unknown {
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
}

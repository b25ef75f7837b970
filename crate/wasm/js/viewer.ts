import type { WasmRecommender } from "./engine.js";
import { typed, UpnextError } from "./errors.js";
import type { Stored } from "./stored.js";
import type { Profile } from "./types.js";

/** The viewer's own data: to look at, change, take along and delete. Never sent. */
export class ViewerProfile {
  constructor(
    private readonly wasm: () => WasmRecommender,
    private readonly stored: Stored,
  ) {}

  /** The profile as it stands, a copy. */
  inspect(): Profile {
    return JSON.parse(typed(() => this.wasm().exportProfile())) as Profile;
  }

  /** Changes the named fields; `null` forgets one. */
  async set(changes: Profile): Promise<void> {
    const json = JSON.stringify({ ...this.inspect(), ...changes }, keepNaN);
    typed(() => this.wasm().setProfile(json));
    await this.stored.saveProfile(this.wasm().exportProfile());
  }

  /** Profile and history as one JSON text, for the viewer to keep or to `import` elsewhere. */
  export(): string {
    const history: unknown = JSON.parse(typed(() => this.wasm().exportHistory()));
    return JSON.stringify({ version: 1, profile: this.inspect(), history });
  }

  /** Replaces profile and history by an exported text. A text that can't be read changes nothing. */
  async import(text: string): Promise<void> {
    let whole: { version?: unknown; profile?: Profile; history?: unknown } | null;
    try {
      whole = JSON.parse(text) as typeof whole;
    } catch (cause) {
      throw new UpnextError("profile-invalid", "the text is not JSON", { cause });
    }
    if (typeof whole !== "object" || whole?.version !== 1 || !whole.profile || !whole.history) {
      throw new UpnextError("profile-invalid", "the text must be {\"version\": 1, \"profile\": …, \"history\": …}");
    }
    const before = this.wasm().exportProfile();
    const { profile, history } = whole;
    typed(() => this.wasm().setProfile(JSON.stringify(profile)));
    try {
      typed(() => this.wasm().importHistory(JSON.stringify(history)));
    } catch (thrown) {
      typed(() => this.wasm().setProfile(before));
      throw thrown;
    }
    await this.#save();
  }

  /** Forgets profile and history, on this device for good. */
  async wipe(): Promise<void> {
    typed(() => this.wasm().wipe());
    await this.stored.wipe();
  }

  async #save(): Promise<void> {
    await this.stored.saveProfile(this.wasm().exportProfile());
    await this.stored.saveHistory(() => this.wasm().exportHistory());
  }
}

/** JSON writes NaN and infinities as null, which would mean "unknown"; as texts they are refused. */
function keepNaN(_key: string, value: unknown): unknown {
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
}

import type { Storage } from "./storage.js";
import type { BlockInfo } from "./types.js";

const KEY = "removed";
/** Most videos that are remembered: as many as a block may name (`core::block::MAX_REMOVED`). */
const MOST = 4096;

/** A video that was taken down, and the expiry of the latest block that named it, Unix milliseconds. */
type Known = [id: string, untilMs: number];

/**
 * Videos that were taken down, and until when that is known. A block may be older than what is known: it comes from a cache,
 * or was kept for a start without a network. It says when it expires, which is the later the later it was made; so a video that a
 * block names as removed is in no block that expires no later, and one that expires later knows better.
 */
export class Tombstones {
  constructor(
    private readonly storage: Storage,
    private readonly now: () => number,
    /** The module's: it alone reads and writes blocks. */
    private readonly withRemoved: (block: Uint8Array, known: Known[]) => Promise<Uint8Array>,
  ) {}

  /** The block with all that is known to be removed among its removed ids. */
  async over(block: Uint8Array): Promise<Uint8Array> {
    const known = await this.#known();
    return known.size === 0 ? block : this.withRemoved(block, [...known]);
  }

  /** Remembers what a block says that the module has taken. */
  async learn({ expiresAtMs, removed }: Pick<BlockInfo, "expiresAtMs" | "removed">): Promise<void> {
    const known = await this.#known();
    const more = removed.filter((id) => (known.get(id) ?? 0) < expiresAtMs);
    if (more.length === 0) return;
    for (const id of more) known.set(id, expiresAtMs);
    const latest = [...known].sort(([, a], [, b]) => b - a).slice(0, MOST);
    await this.storage.set(KEY, JSON.stringify(latest));
  }

  /** By id, the expiry of the latest block that named it, as long as a block can live that it is about. */
  async #known(): Promise<Map<string, number>> {
    try {
      const stored = JSON.parse((await this.storage.get(KEY)) ?? "[]") as Known[];
      return new Map(stored.filter(([id, untilMs]) => typeof id === "string" && untilMs > this.now()));
    } catch {
      return new Map();
    }
  }
}

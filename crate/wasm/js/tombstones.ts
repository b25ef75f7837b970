import type { Storage } from "./storage.js";

const KEY = "removed";
/** Most removed ids in a block (`core::block::MAX_REMOVED`). */
const MOST = 4096;
/** Numbers of two fields of the block's message (`core::block::wire`). */
const EXPIRES_AT = 3;
const REMOVED = 26;

/** What of a block's message is looked at. */
interface Said {
  expiresAtMs: number;
  removed: string[];
  /** Everything but the removed ids. */
  rest: Uint8Array[];
}

/**
 * Videos that were taken down, and until when that is known. A block may be older than what is known: it comes from a cache,
 * or was kept for a start without a network. It says when it expires, which is the later the later it was made; so a video that a
 * block names as removed is in no block that expires no later, and one that expires later knows better.
 */
export class Tombstones {
  constructor(
    private readonly storage: Storage,
    private readonly now: () => number,
  ) {}

  /** The block with all that is known to be removed among its removed ids. */
  async over(block: Uint8Array): Promise<Uint8Array> {
    const said = read(block);
    // The module says what is wrong with it.
    if (!said) return block;
    const { expiresAtMs, removed, rest } = said;
    const hidden = new Set([...(await this.#known())].filter(([, untilMs]) => untilMs >= expiresAtMs).map(([id]) => id));
    for (const id of removed) hidden.delete(id);
    if (hidden.size === 0) return block;
    const all = [...removed, ...[...hidden].slice(0, Math.max(0, MOST - removed.length))].map((id) => new TextEncoder().encode(id)).sort(byBytes);
    const parts = [...rest, ...all.flatMap((id) => [Uint8Array.from([...varint((REMOVED << 3) | 2), ...varint(id.length)]), id])];
    const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }

  /** Remembers what a block says that the module has taken. */
  async learn(block: Uint8Array): Promise<void> {
    const { expiresAtMs, removed } = read(block)!;
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
      const stored = JSON.parse((await this.storage.get(KEY)) ?? "[]") as [string, number][];
      return new Map(stored.filter(([id, untilMs]) => typeof id === "string" && untilMs > this.now()));
    } catch {
      return new Map();
    }
  }
}

/** Goes over the fields of a protobuf message; nothing where it is none. */
function read(block: Uint8Array): Said | undefined {
  const said: Said = { expiresAtMs: 0, removed: [], rest: [] };
  let at = 0;
  const number = () => {
    for (let [value, factor] = [0, 1]; ; factor *= 128) {
      const byte = block[at++];
      if (byte === undefined) return Number.NaN;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  };
  while (at < block.length) {
    const from = at;
    const tag = number();
    const [field, kind] = [Math.floor(tag / 8), tag % 8];
    // A number, or how many bytes follow.
    const value = kind === 0 || kind === 2 ? number() : kind === 1 ? 8 : kind === 5 ? 4 : Number.NaN;
    const body = at;
    if (kind !== 0) at += value;
    if (!(at <= block.length)) return undefined;
    if (field === EXPIRES_AT) said.expiresAtMs = value;
    if (field === REMOVED) said.removed.push(new TextDecoder().decode(block.subarray(body, at)));
    else said.rest.push(block.subarray(from, at));
  }
  return said;
}

const varint = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)]);

/** The order in which Rust compares texts. */
function byBytes(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return a.length - b.length;
}

import type { BundleBytes } from "./source.js";
import type { DeclaredInputs } from "./types.js";

/** What points at the rest, written last: as long as it is the old one, the old bundle and block are whole. */
interface Pointer {
  bundleId: string;
  paths: string[];
  /** SHA-256 of the block, hex; its address holds it too. */
  block: string;
  /** SHA-256 of the declared inputs that the block was asked by. */
  inputs: string;
}

/**
 * The last good bundle and block, in Cache Storage. The module verifies the bundle against its id, the block is held
 * to its hash; whatever does not fit is as good as not there.
 */
export class Kept {
  constructor(
    private readonly caches: CacheStorage,
    private readonly origin: string,
  ) {}

  /** Keeps a block, and the bundle where it is another one, in one step. */
  async save(inputs: DeclaredInputs, bundle: BundleBytes | undefined, block: Uint8Array): Promise<void> {
    const cache = await this.#open();
    const before = await this.#pointer(cache);
    if (!bundle && before?.bundleId !== inputs.bundleId) return;
    const { bundleId, paths } = bundle ? { bundleId: bundle.id, paths: bundle.paths } : before!;
    // Most refreshes bring what is there.
    const pointer: Pointer = { bundleId, paths, block: await sha256(block), inputs: await hashOf(inputs) };
    if (!bundle && JSON.stringify(pointer) === JSON.stringify(before)) return;
    const put = (url: string, bytes: Uint8Array | string) => cache.put(url, new Response(bytes as BodyInit));
    if (bundle) await Promise.all([put(this.#file(bundleId, "manifest.json"), bundle.manifest), ...bundle.files.map((bytes, i) => put(this.#file(bundleId, paths[i]!), bytes))]);
    await put(this.#blockUrl(pointer.block), block);
    await put(this.#pointerUrl, JSON.stringify(pointer));
    const wanted = new Set([this.#pointerUrl, this.#blockUrl(pointer.block), ...["manifest.json", ...paths].map((path) => this.#file(bundleId, path))]);
    await Promise.all((await cache.keys()).filter(({ url }) => !wanted.has(url)).map((request) => cache.delete(request)));
  }

  /** What was kept for the same declared inputs, if it is whole. */
  async load(inputs: DeclaredInputs): Promise<{ bundle: Omit<BundleBytes, "plan">; block: Uint8Array } | undefined> {
    const cache = await this.#open();
    const pointer = await this.#pointer(cache);
    if (!pointer || pointer.inputs !== (await hashOf(inputs))) return undefined;
    const { bundleId: id, paths } = pointer;
    const get = async (url: string) => {
      const found = await cache.match(url);
      if (!found) throw new Error(`${url} is not kept`);
      return new Uint8Array(await found.arrayBuffer());
    };
    const block = await get(this.#blockUrl(pointer.block));
    if ((await sha256(block)) !== pointer.block) return undefined;
    const [manifest, ...files] = await Promise.all(["manifest.json", ...paths].map((path) => get(this.#file(id, path))));
    return { bundle: { id, manifest: manifest!, paths, files }, block };
  }

  /** Keeps nothing any more. */
  async forget(): Promise<void> {
    await this.caches.delete(this.#name);
  }

  get #name(): string {
    return `upnext ${this.origin}`;
  }

  #open(): Promise<Cache> {
    return this.caches.open(this.#name);
  }

  // Addresses in the cache alone; nobody serves the last two.
  #file(bundleId: string, path: string): string {
    return new URL(`${this.origin}/bundle/${bundleId}/${path}`).href;
  }
  #blockUrl(hash: string): string {
    return new URL(`${this.origin}/kept/block/${hash}`).href;
  }
  get #pointerUrl(): string {
    return new URL(`${this.origin}/kept/pointer.json`).href;
  }

  async #pointer(cache: Cache): Promise<Pointer | undefined> {
    return (await (await cache.match(this.#pointerUrl))?.json()) as Pointer | undefined;
  }
}

async function sha256(bytes: Uint8Array): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as BufferSource));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Of all but the bundle's id, which changes on its own. */
const hashOf = ({ bundleId: _, ...inputs }: DeclaredInputs) => sha256(new TextEncoder().encode(JSON.stringify(inputs)));

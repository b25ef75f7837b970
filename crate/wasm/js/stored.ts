import { asUpnextError, UpnextError } from "./errors.js";
import { LastWords } from "./last-words.js";
import type { Change, ViewerTexts } from "./seat.js";
import type { Storage } from "./storage.js";
import type { Engine } from "./thread.js";

const VIEWER = "viewer";
const VERSION = 1;
/** Parts of what is stored; before there was a version, each was stored under its own name. */
const PARTS = ["profile", "history"] as const;

/** What is stored: version, profile and history, a line each. A long history is cut off a line, never parsed here. */
const textOf = ({ profile, history }: ViewerTexts) => `${VERSION}\n${profile}\n${history}`;

/** Does something with the engine while nobody else does. */
type Turn = <T>(act: (engine: Pick<Engine, "viewer" | "rebase">) => Promise<T>) => Promise<T>;

/**
 * Keeps profile and history of one recommender in a storage that other tabs may share: what another tab has written
 * comes first, and this tab's unwritten changes are done again on top of it. A wipe in any tab is a wipe in all.
 */
export class Stored {
  readonly lastWords: LastWords;
  /** What this tab last read or wrote. */
  #seen: string | undefined;
  /** Changes that the engine knows and the storage does not. */
  #unwritten: Change[] = [];
  #writing: Promise<void> = Promise.resolve();
  #waiting: Promise<void> | undefined;
  /** What is stored is of a later version, and left alone. */
  #locked = false;

  constructor(
    private readonly storage: Required<Storage>,
    private readonly turn: Turn,
  ) {
    this.lastWords = new LastWords(storage);
  }

  /** Puts what is stored into the engine. A part that can't be read is set aside under a key of its own, and its error returned. */
  async restore(nowMs: number): Promise<UpnextError[]> {
    const text = (this.#seen = await this.storage.get(VIEWER));
    const found = text === undefined ? await this.#unversioned() : this.#parse(text);
    if (this.#locked) return [new UpnextError("storage-unavailable", "what is stored is of a later version of this package: it is left alone, and this page keeps profile and history in memory")];
    const errors: UpnextError[] = [];
    let good = await this.turn((engine) => engine.viewer());
    for (const part of PARTS) {
      const stored = found?.[part];
      if (stored === undefined) continue;
      const next = { ...good, [part]: stored };
      try {
        await this.turn((engine) => engine.rebase(next, []));
        good = next;
      } catch (thrown) {
        await this.storage.set(`${part}-unreadable-${nowMs}`, stored);
        errors.push(asUpnextError(thrown, "profile-invalid"));
      }
    }
    if (text === undefined && found) await this.#migrate();
    return errors;
  }

  /** Takes over what another tab has written. */
  async follow(): Promise<void> {
    await this.written();
    const text = await this.storage.get(VIEWER);
    if (!this.#locked && text !== this.#seen) await this.#take(text);
  }

  /** To be called in the turn in which the engine makes the change; `save` writes it. */
  note(change: Change): void {
    this.#unwritten.push(change);
  }

  /** Writes what was noted. Calls that come while a write is under way share the next one. */
  save(): Promise<void> {
    this.#waiting ??= this.#writing
      .catch(() => {})
      .then(() => {
        this.#waiting = undefined;
        this.#writing = this.#write();
        return this.#writing;
      });
    return this.#waiting;
  }

  /** Resolves when everything that was to be saved is saved, or has failed. */
  async written(): Promise<void> {
    await (this.#waiting ?? this.#writing).catch(() => {});
  }

  async #write(): Promise<void> {
    while (!this.#locked) {
      const { text, changes } = await this.turn(async (engine) => {
        const texts = await engine.viewer();
        const forgotten = this.#unwritten.at(-1)?.kind === "wipe";
        return { text: forgotten ? undefined : textOf(texts), changes: this.#unwritten.length };
      });
      // A long history costs a page milliseconds to receive and as many to write: not in one go.
      await nextTask();
      if (await this.storage.replace(VIEWER, this.#seen, text)) {
        this.#seen = text;
        this.#unwritten.splice(0, changes);
        return;
      }
      await this.#take(await this.storage.get(VIEWER));
    }
  }

  /** Starts again from what is stored, with what this tab has not written yet on top. */
  #take(text: string | undefined): Promise<void> {
    const viewer = text === undefined ? undefined : this.#parse(text);
    return this.turn(async (engine) => {
      if (!this.#locked) await engine.rebase(viewer, this.#unwritten);
      this.#seen = text;
    });
  }

  /** What the layout without a version holds. */
  async #unversioned(): Promise<Partial<ViewerTexts> | undefined> {
    const [profile, history] = [await this.storage.get("profile"), await this.storage.get("history")];
    return profile === undefined && history === undefined ? undefined : { ...(profile !== undefined && { profile }), ...(history !== undefined && { history }) };
  }

  /** From the layout without a version. Two tabs that do it at once write the same. */
  async #migrate(): Promise<void> {
    const text = textOf(await this.turn((engine) => engine.viewer()));
    if (await this.storage.replace(VIEWER, undefined, text)) this.#seen = text;
    else await this.#take(await this.storage.get(VIEWER));
    for (const part of PARTS) await this.storage.remove(part);
  }

  /** The texts, which the module checks; nothing, and locked, for a later version. */
  #parse(text: string): ViewerTexts | undefined {
    const [version, profile = "", history = ""] = text.split("\n");
    this.#locked = Number(version) > VERSION;
    return this.#locked ? undefined : { profile, history };
  }
}

/** Resolves in a task of its own, without the wait that a timer has in a page in the background. */
function nextTask(): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  return new Promise((done) => {
    port1.onmessage = () => {
      port1.close();
      done();
    };
    port2.postMessage(null);
  });
}

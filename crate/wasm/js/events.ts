import { unlessAborted } from "./abort.js";
import { UpnextError } from "./errors.js";
import type { Outbox, OutboxOptions } from "./outbox.js";
import type { Storage } from "./storage.js";
import type { FeedbackEvent } from "./types.js";

/** Purposes for which what the viewer does may go to the server. What is absent or false is off: nothing is kept for it, nothing sent. */
export interface EventPurposes {
  /**
   * Better candidates and models: every event that is recorded from now on is told to the server under the account of
   * `token`, by kind, video, seconds, text, time and surface, and by nothing else.
   */
  improve?: boolean;
  /**
   * Counting how recommendations do: every event but searches is told under that account, by kind, video, seconds, time,
   * surface, the bundle that ranked and the arm of the experiment. Alone it changes no candidates and no model.
   */
  metrics?: boolean;
}

/** What ranked when something happened; told for `metrics` alone. */
export interface Ranked {
  /** Arm of an experiment. */
  arm?: string;
  /** Id of the bundle of the latest slate. */
  bundle?: string;
}

/** What an event may leave the device for, and what it is counted under. */
export type Leave = Required<EventPurposes> & Ranked;

/** What `createRecommender` takes of events. */
export interface EventOptions extends EventPurposes {
  /** Milliseconds between two sendings, a fixed schedule from the start on; default one minute, 0: only by `send` and when the page goes. */
  sendMs?: number;
  /**
   * Arm of an experiment that this viewer is in, by your assignment: 1 to 64 bytes. Told with each event for `metrics`, unless the
   * server's block names an arm of its own.
   */
  arm?: string;
}

/** What goes to the server by the viewer's leave. */
export interface ViewerEvents {
  /** What is on. */
  readonly allowed: Readonly<Required<EventPurposes>>;
  /** Switches purposes that are named, at once. Where one is switched off, what waits for it is forgotten. */
  allow(purposes: EventPurposes): Promise<void>;
  /** How many events wait to be sent, in all tabs. */
  waiting(): Promise<number>;
  /**
   * Sends what waits, as the schedule does. Rejects where it can't be sent; it goes on to wait then. `signal` ends the wait for
   * it, with its reason.
   */
  send(options?: { signal?: AbortSignal }): Promise<void>;
}

/** Where what waits is stored. */
export const EVENTS_KEY = "events";

/** `ViewerEvents`; while everything is off, the script that sends is not even loaded. */
export class Events implements ViewerEvents {
  #outbox: Outbox | undefined;

  constructor(
    private readonly storage: Required<Storage>,
    private readonly options: Omit<OutboxOptions, "token" | "purposes"> & { token: string | undefined; ranked: () => Ranked },
  ) {}

  get allowed(): Required<EventPurposes> {
    return { improve: false, metrics: false, ...this.#outbox?.purposes };
  }

  /** For what an event that happens now may leave the device. */
  leave(): Leave {
    const { allowed } = this;
    return { ...allowed, ...(allowed.metrics && this.options.ranked()) };
  }

  async allow({ improve = this.allowed.improve, metrics = this.allowed.metrics }: EventPurposes): Promise<void> {
    if (!improve && !metrics) return this.#forgetFor(this.close());
    const { token } = this.options;
    if (token === undefined) throw new UpnextError("request-invalid", "events need a token: they belong to an account");
    const purposes = { improve, metrics };
    try {
      const { Outbox } = await import("./entry/outbox.js");
      // Two calls may have waited for it.
      this.#outbox ??= new Outbox(this.storage, { ...this.options, token, purposes });
    } catch (cause) {
      this.options.report(new UpnextError("not-found", "the script that sends events can't be had: they stay here", { cause }));
    }
    await this.#outbox?.allow(purposes);
  }

  async waiting(): Promise<number> {
    return (await this.#outbox?.waiting()) ?? 0;
  }

  async send({ signal }: { signal?: AbortSignal } = {}): Promise<void> {
    await unlessAborted(this.#outbox?.send() ?? Promise.resolve(), signal);
  }

  /** An event that was recorded; resolves when it is stored with what waits. */
  async add(event: FeedbackEvent, leave: Leave): Promise<void> {
    await this.#outbox?.add(event, leave);
  }

  /** The same where the page goes: it is sent before this returns. */
  addNow(event: FeedbackEvent, leave: Leave): void {
    this.#outbox?.addNow(event, leave);
  }

  /** Another tab has written. */
  async follow(): Promise<void> {
    await this.#outbox?.waiting();
  }

  /** Forgets what waits, the request that is under way too. */
  forget(): Promise<void> {
    return this.#forgetFor(this.#outbox);
  }

  /** No more sendings; what waits goes on to wait. */
  close(): Outbox | undefined {
    const outbox = this.#outbox;
    this.#outbox = undefined;
    outbox?.close();
    return outbox;
  }

  async #forgetFor(outbox: Outbox | undefined): Promise<void> {
    if (outbox) await outbox.forget();
    // A page that has it switched on may have left something.
    else if ((await this.storage.get(EVENTS_KEY)) !== undefined) await this.storage.remove(EVENTS_KEY);
  }
}

import { asUpnextError, UpnextError } from "./errors.js";
import { EVENTS_KEY, type EventPurposes, type Leave } from "./events.js";
import { serverError, type Fetch } from "./source.js";
import { memoryStorage, withMemoryFallback, type Storage } from "./storage.js";
import type { FeedbackEvent } from "./types.js";

/** What an outbox sends where and how. */
export interface OutboxOptions {
  origin: string;
  /** The account's. */
  token: string;
  /** What the viewer lets events go for. */
  purposes: Required<EventPurposes>;
  fetch: Fetch;
  /** Milliseconds between two sendings; 0: none by itself. */
  sendMs: number;
  report: (error: UpnextError) => void;
}

const VERSION = 1;
/** Most events that wait; beyond them the oldest are let go. */
const MOST_EVENTS = 1000;
/** Most events and letters of one request: what outlives its page may have 64 KiB, and a letter up to three bytes. */
const MOST_SENT = 200;
const MOST_LETTERS = 20 << 10;
/** After so many failures the pause between two tries grows no more: 64 sendings of the schedule are left out. */
const MOST_DOUBLINGS = 6;
const TIMEOUT_MS = 30_000;

/** The names of purposes, in the order in which they are told. */
const PURPOSES = ["improve", "metrics"] as const;

/**
 * An event as the server takes it, one line of JSON; nothing where it may not leave. Its id is made of what it says: however
 * often it is told, it is one. What a viewer has written is nobody's to count: without `improve` no text leaves.
 */
function lineOf({ kind, video, seconds, text, atMs, surface }: FeedbackEvent, leave: Leave, now: Required<EventPurposes>): string | undefined {
  const purposes = PURPOSES.filter((purpose) => leave[purpose] && now[purpose]);
  if (purposes.length === 0 || (kind === "search" && !purposes.includes("improve"))) return undefined;
  const said = { type: kind, video_id: video, seconds, text: purposes.includes("improve") ? text : undefined, timestamp: Math.round(atMs), surface };
  const { arm, bundle } = purposes.includes("metrics") ? leave : ({} as Leave);
  return JSON.stringify({ id: `${said.timestamp.toString(36)}-${hash(JSON.stringify(said))}`, ...said, purposes, arm, bundle });
}

/** What of a line may still leave; nothing where no purpose is left, or it holds what the viewer has written. */
function narrowed(line: string, now: Required<EventPurposes>): string | undefined {
  let before: string[] | undefined, arm: string | undefined, bundle: string | undefined, said: { text?: string };
  try {
    ({ purposes: before, arm, bundle, ...said } = JSON.parse(line));
  } catch {
    return undefined;
  }
  // Before there was another, there was one.
  const purposes = PURPOSES.filter((purpose) => now[purpose] && (before ?? ["improve"]).includes(purpose));
  if (purposes.length === before?.length) return line;
  if (purposes.length === 0 || (said.text !== undefined && !purposes.includes("improve"))) return undefined;
  return JSON.stringify({ ...said, purposes, ...(purposes.includes("metrics") && { arm, bundle }) });
}

/** Two 32-bit hashes side by side (FNV-1a, and the same with another prime), for events of one millisecond. */
function hash(text: string): string {
  let [a, b] = [0x811c9dc5, 0x811c9dc5];
  for (let i = 0; i < text.length; i++) {
    a = Math.imul(a ^ text.charCodeAt(i), 0x01000193);
    b = Math.imul(b ^ text.charCodeAt(i), 0x85ebca6b);
  }
  return `${(a >>> 0).toString(36)}${(b >>> 0).toString(36)}`;
}

/** Whose token it is, as far as its middle says: tokens change, accounts stay. */
function accountOf(token: string): string {
  try {
    const { sub } = JSON.parse(atob(token.split(".")[1]!.replaceAll("-", "+").replaceAll("_", "/"))) as { sub?: unknown };
    if (typeof sub === "string") return hash(sub);
  } catch {
    // Not a JSON Web Token: each is an account of its own.
  }
  return hash(token);
}

/** What became of a batch; nothing in a page that a network wants its users to see first, say. */
function answerOf(body: ArrayBuffer): { stored?: unknown; known?: unknown; refused?: { index: number; message: string }[] } {
  try {
    return (JSON.parse(new TextDecoder().decode(body)) as ReturnType<typeof answerOf> | null) ?? {};
  } catch {
    return {};
  }
}

/** The first lines that fit into one request. */
function batchOf(lines: string[]): string[] {
  let letters = 0;
  const end = lines.findIndex((line, i) => i === MOST_SENT || (i > 0 && letters + line.length > MOST_LETTERS) || void (letters += line.length));
  return end < 0 ? lines : lines.slice(0, end);
}

/** One tab at a time, where the browser can tell; elsewhere the ids see to it that nothing counts twice. */
const alone = <T>(name: string, act: () => Promise<T>): Promise<T> => (typeof navigator !== "undefined" && navigator.locks ? (navigator.locks.request(name, act) as Promise<T>) : act());

/**
 * Events that wait for the server: stored before anything is sent, taken off when the server has answered for them. All
 * tabs share them, one sends. Sent when the page opens, by a fixed schedule, and when the page goes; after a failure some turns
 * of the schedule are left out, so that no time between them says anything.
 */
export class Outbox {
  readonly #head: string;
  /** Lines of this page that may still wait, and whether they are stored: what a page that goes sends without asking the storage. */
  readonly #own = new Map<string, boolean>();
  readonly #underWay = new Set<string>();
  readonly #timer: ReturnType<typeof setInterval> | undefined;
  readonly #listening = new AbortController();
  #abort = new AbortController();
  /** What was stored when this page last looked. */
  #seen: string | undefined;
  /** What was stored when this page last saw to it that nothing waits without a purpose. */
  #clean: string | undefined;
  #sending: Promise<void> | undefined;
  #changing: Promise<unknown> = Promise.resolve();
  #failures = 0;
  /** Turns of the schedule that are left out. */
  #rest = 0;

  /** What events may leave for. */
  purposes: Required<EventPurposes>;

  constructor(
    private storage: Required<Storage>,
    private readonly options: OutboxOptions,
  ) {
    this.purposes = options.purposes;
    this.#head = JSON.stringify([VERSION, accountOf(options.token)]);
    const turn = () => void (this.#rest > 0 ? this.#rest-- : this.send().catch(() => {}));
    turn();
    if (options.sendMs > 0) this.#timer = setInterval(turn, options.sendMs);
    // Node keeps a process alive for a timer; a page's timers are numbers.
    if (typeof this.#timer === "object") this.#timer.unref();
    if (typeof document !== "undefined") addEventListener("pagehide", () => this.#sendNow(), { signal: this.#listening.signal });
  }

  async waiting(): Promise<number> {
    return (await this.#change((lines) => lines)).length;
  }

  /** Other purposes from now on. What waits for one that is none any more is forgotten, and what is under way given up. */
  async allow(purposes: Required<EventPurposes>): Promise<void> {
    const before = this.purposes;
    this.purposes = purposes;
    if (!PURPOSES.some((purpose) => before[purpose] && !purposes[purpose])) return;
    this.#abort.abort();
    this.#abort = new AbortController();
    this.#clean = undefined;
    const own = [...this.#own];
    this.#own.clear();
    for (const [line, stored] of own) {
      const left = narrowed(line, purposes);
      if (left !== undefined) this.#own.set(left, stored);
    }
    await this.waiting();
  }

  async add(event: FeedbackEvent, leave: Leave): Promise<void> {
    const line = lineOf(event, leave, this.purposes);
    if (line === undefined) return;
    if (!this.#own.get(line)) this.#own.set(line, false);
    await this.#change((lines) => {
      if (lines.includes(line)) return lines;
      if (lines.length >= MOST_EVENTS) this.options.report(new UpnextError("overloaded", `more than ${MOST_EVENTS} events wait for the server: the oldest is let go`));
      return [...lines, line].slice(-MOST_EVENTS);
    });
    if (this.#own.has(line)) this.#own.set(line, true);
  }

  addNow(event: FeedbackEvent, leave: Leave): void {
    const line = lineOf(event, leave, this.purposes);
    if (line !== undefined && !this.#own.get(line)) this.#own.set(line, false);
    this.#sendNow();
  }

  send(): Promise<void> {
    return (this.#sending ??= alone(`upnext events ${this.options.origin}`, () => this.#sendAll()).finally(() => void (this.#sending = undefined)));
  }

  async forget(): Promise<void> {
    this.#abort.abort();
    this.#abort = new AbortController();
    this.#own.clear();
    // What a later version has left is forgotten too.
    await (this.#changing = this.#changing.then(() => this.storage.remove(EVENTS_KEY)));
  }

  close(): void {
    clearInterval(this.#timer);
    this.#listening.abort();
  }

  async #sendAll(): Promise<void> {
    try {
      for (;;) {
        const gone = this.#abort.signal;
        const waiting = await this.#change((lines) => lines);
        // Those of a page that goes are on their way already.
        const batch = batchOf(waiting.filter((line) => !this.#underWay.has(line)));
        if (batch.length === 0) return;
        if (!gone.aborted) await this.#post(batch);
        // The viewer has taken something back: what still waits has time until the next turn.
        if (gone.aborted) return;
        this.#failures = this.#rest = 0;
      }
    } catch (thrown) {
      const error = asUpnextError(thrown);
      // One report for each row of failures: without a network there is one every minute.
      if (this.#failures++ === 0 && !this.#abort.signal.aborted) this.options.report(error);
      this.#rest = Math.max(this.#rest, 2 ** Math.min(this.#failures - 1, MOST_DOUBLINGS) - 1);
      throw error;
    }
  }

  /** What this page has queued, in a request that outlives it. */
  #sendNow(): void {
    const batch = batchOf([...this.#own.keys()].filter((line) => !this.#underWay.has(line)));
    // Where the server wants to be left alone, or is not there, the next start sees to it.
    if (batch.length > 0 && this.#failures === 0) this.#post(batch).catch(() => {});
  }

  /** Sends lines; they stop to wait when the server has answered for them, whether it took them or not. */
  async #post(lines: string[]): Promise<void> {
    const { origin, token, fetch } = this.options;
    const url = `${origin}/v1/events`;
    const gone = this.#abort.signal;
    const giveUp = new AbortController();
    const stop = () => giveUp.abort();
    const timer = setTimeout(stop, TIMEOUT_MS);
    if (typeof timer === "object") timer.unref();
    gone.addEventListener("abort", stop);
    for (const line of lines) this.#underWay.add(line);
    try {
      const headers: [string, string][] = [["authorization", `Bearer ${token}`], ["content-type", "application/json"]];
      const init: RequestInit = { method: "POST", headers, body: `{"events":[${lines.join()}]}`, keepalive: true, credentials: "omit", referrerPolicy: "no-referrer", signal: giveUp.signal };
      let response: Response;
      let body: ArrayBuffer;
      try {
        response = await fetch(url, init);
        body = await response.arrayBuffer();
      } catch (cause) {
        if (gone.aborted) return;
        throw new UpnextError("server-unreachable", `no answer from ${url}`, { cause });
      }
      if (gone.aborted) return;
      if (!response.ok) {
        const error = serverError(url, response.status, body);
        // Told again as they are they would be refused again.
        if (response.status !== 400 && response.status !== 413) {
          this.#rest = Math.ceil((Number(response.headers.get("retry-after")) * 1000 || 0) / (this.options.sendMs || Number.POSITIVE_INFINITY));
          throw error;
        }
        this.options.report(error);
      } else this.#tell(url, body, lines.length);
      const sent = new Set(lines);
      for (const line of lines) this.#own.delete(line);
      await this.#change((waiting) => waiting.filter((line) => !sent.has(line)));
    } finally {
      clearTimeout(timer);
      gone.removeEventListener("abort", stop);
      for (const line of lines) this.#underWay.delete(line);
    }
  }

  /** Reports what the server refused; an answer of another shape is not from a server of ours. */
  #tell(url: string, body: ArrayBuffer, sent: number): void {
    const { stored, known, refused } = answerOf(body);
    if (!Array.isArray(refused) || Number(stored) + Number(known) + refused.length !== sent) throw new UpnextError("server-error", `${url} answered, and not for the ${sent} events that were sent`);
    for (const { index, message } of refused) this.options.report(new UpnextError("request-invalid", `event ${index} of ${sent} was refused and is let go: ${message}`));
  }

  /** Changes the lines that wait, in one step whatever other tabs do; `act` may be called again. */
  #change(act: (lines: string[]) => string[]): Promise<string[]> {
    const changed = this.#changing.then(async () => {
      for (;;) {
        const text = await this.storage.get(EVENTS_KEY);
        const before = this.#read(text);
        if (!before) continue;
        // Another tab has sent or forgotten some.
        const waits = text === this.#seen ? undefined : new Set(before);
        for (const [line, stored] of waits ? this.#own : []) if (stored && !waits!.has(line)) this.#own.delete(line);
        this.#seen = text;
        const lines = act(before);
        const next = lines.length === 0 ? undefined : [this.#head, ...lines].join("\n");
        if (next === text || (await this.storage.replace(EVENTS_KEY, text, next))) {
          this.#seen = this.#clean = next;
          return lines;
        }
      }
    });
    this.#changing = changed.catch(() => {});
    return changed;
  }

  /** The lines that are stored, of this account. A later version's are left alone: this page's wait in memory from then on. */
  #read(text: string | undefined): string[] | undefined {
    if (text === undefined) return [];
    const [head, ...lines] = text.split("\n");
    if (head === this.#head) return text === this.#clean ? lines : lines.map((line) => narrowed(line, this.purposes)).filter((line) => line !== undefined);
    let version: unknown;
    try {
      [version] = JSON.parse(head!) as unknown[];
    } catch {
      // Nobody's.
    }
    if (!(Number(version) > VERSION)) return [];
    this.options.report(new UpnextError("storage-unavailable", "what waits for the server was stored by a later version of this package: it is left alone, and this page's events wait in memory"));
    this.storage = withMemoryFallback(memoryStorage(), this.options.report);
    return undefined;
  }
}

import { asUpnextError, UpnextError } from "./errors.js";
import type { Ledger } from "./ledger.js";
import { serverError, type Fetch } from "./source.js";

/** What a reporter sends where and how. */
export interface ReporterOptions {
  origin: string;
  fetch: Fetch;
  now: () => number;
  report: (error: UpnextError) => void;
}

/** Once an hour it is looked whether a week is over. */
const TURN_MS = 3_600_000;
const TIMEOUT_MS = 30_000;
/** As many as `WasmRecommender.disclose` takes. */
const RANDOM_BYTES = 20;

/** One tab at a time, where the browser can tell; elsewhere the ledger still sees to it that both say the same. */
const alone = <T>(name: string, act: () => Promise<T>): Promise<T> => (typeof navigator !== "undefined" && navigator.locks ? (navigator.locks.request(name, act) as Promise<T>) : act());

/**
 * Sends what the ledger tells: when the page opens and once an hour, a report where a week of the device's turn is over,
 * whether or not anything was done in it. Without the account's token, and never twice if the server answered.
 */
export class Reporter {
  readonly #timer: ReturnType<typeof setInterval>;
  #abort = new AbortController();
  #telling: Promise<void> | undefined;
  #failed = false;

  constructor(
    private readonly ledger: Ledger,
    private readonly options: ReporterOptions,
  ) {
    this.#timer = setInterval(() => void this.turn(), TURN_MS);
    // Node keeps a process alive for a timer; a page's timers are numbers.
    if (typeof this.#timer === "object") this.#timer.unref();
    void this.turn();
  }

  /** Tells what is to be told; a failure is reported, and waits for the next turn. */
  turn(): Promise<void> {
    const { signal } = this.#abort;
    return (this.#telling ??= alone(`upnext metrics ${this.options.origin}`, () => this.#tell(signal))
      .then(() => void (this.#failed = false))
      .catch((thrown: unknown) => {
        // One report for each row of failures.
        if (!this.#failed && !signal.aborted) this.options.report(asUpnextError(thrown, "storage-unavailable"));
        this.#failed = true;
      })
      .finally(() => void (this.#telling = undefined)));
  }

  /** Ends the request that is under way; turns go on. */
  abort(): void {
    this.#abort.abort();
    this.#abort = new AbortController();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#abort.abort();
  }

  async #tell(signal: AbortSignal): Promise<void> {
    const { report, sent } = await this.#disclose();
    if (report === undefined || signal.aborted) return;
    const week = String((JSON.parse(report) as { week: number }).week);
    if (week === sent) return;
    await this.#post(report, signal);
    await this.#delivered(week);
  }

  /** Asks what is told now. The answer is stored before this resolves: it may leave then, and not before. */
  async #disclose(): Promise<{ report: string | undefined; sent: string }> {
    for (;;) {
      const kept = await this.ledger.read();
      const random = crypto.getRandomValues(new Uint8Array(RANDOM_BYTES));
      const [ledger, report] = await this.ledger.turn((engine) => engine.disclose(kept.ledger, this.options.now(), random));
      if (await this.ledger.write(kept, kept.sent, ledger)) return { report, sent: kept.sent };
    }
  }

  /** The server has the report of that week. */
  async #delivered(week: string): Promise<void> {
    for (;;) {
      const kept = await this.ledger.read();
      if (kept.ledger === undefined || (await this.ledger.write(kept, week, kept.ledger))) return;
    }
  }

  async #post(report: string, gone: AbortSignal): Promise<void> {
    const { origin, fetch } = this.options;
    const url = `${origin}/v1/metrics/reports`;
    const giveUp = new AbortController();
    const stop = () => giveUp.abort();
    const timer = setTimeout(stop, TIMEOUT_MS);
    if (typeof timer === "object") timer.unref();
    gone.addEventListener("abort", stop);
    try {
      let response: Response;
      let body: ArrayBuffer;
      try {
        response = await fetch(url, { method: "POST", headers: [["content-type", "application/json"]], body: report, credentials: "omit", referrerPolicy: "no-referrer", signal: giveUp.signal });
        body = await response.arrayBuffer();
      } catch (cause) {
        throw new UpnextError("server-unreachable", `no answer from ${url}`, { cause });
      }
      if (response.ok) return;
      const error = serverError(url, response.status, body);
      // Told again as it is it would be refused again.
      if (response.status !== 400 && response.status !== 413) throw error;
      this.options.report(error);
    } finally {
      clearTimeout(timer);
      gone.removeEventListener("abort", stop);
    }
  }
}

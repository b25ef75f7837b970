import { asUpnextError, UpnextError } from "./errors.js";
import { Ledger, type LedgerTurn } from "./ledger.js";
import type { Reporter, ReporterOptions } from "./reporter.js";
import type { Storage } from "./storage.js";
import type { Disclosed } from "./types.js";

/** Noised answers about the viewer's weeks, of nobody's account, within a lifetime budget: off unless the viewer allows them. */
export interface AnonymousMetrics {
  /** Whether they are on. */
  readonly allowed: boolean;
  /** Switches them, at once. Where they are switched off, a report that was not sent yet is forgotten; what was spent stays spent. */
  allow(allowed: boolean): Promise<void>;
  /** What was told, what it has spent of the budget, and what is left; the same after a wipe but for the report. */
  disclosed(): Promise<Disclosed>;
}

/** `AnonymousMetrics`; while they are off, the script that sends is not even loaded. */
export class Disclosure implements AnonymousMetrics {
  readonly #ledger: Ledger;
  #reporter: Reporter | undefined;

  /** `storage`: one that lasts, or none. */
  constructor(
    private readonly storage: Storage | undefined,
    turn: LedgerTurn,
    private readonly options: ReporterOptions,
  ) {
    this.#ledger = new Ledger(storage ?? { get: async () => undefined, set: async () => {}, remove: async () => {} }, turn);
  }

  get allowed(): boolean {
    return this.#reporter !== undefined;
  }

  async allow(allowed: boolean): Promise<void> {
    if (!allowed) {
      this.close();
      return this.forget();
    }
    if (!this.storage?.replace) throw new UpnextError("storage-unavailable", "anonymous metrics need a storage that lasts and has `replace`: what is spent must not be forgotten");
    try {
      const { Reporter } = await import("./entry/reporter.js");
      // Two calls may have waited for it.
      this.#reporter ??= new Reporter(this.#ledger, this.options);
    } catch (cause) {
      this.options.report(new UpnextError("not-found", "the script that sends metrics can't be had: nothing is told", { cause }));
    }
  }

  disclosed(): Promise<Disclosed> {
    return this.#ledger.disclosed();
  }

  /** Forgets what was told, the request that is under way too. What can't be read is left alone, and reported. */
  async forget(): Promise<void> {
    this.#reporter?.abort();
    await this.#ledger.forget().catch((thrown: unknown) => this.options.report(asUpnextError(thrown, "storage-unavailable")));
  }

  /** No more turns; the ledger stays as it is. */
  close(): void {
    this.#reporter?.close();
    this.#reporter = undefined;
  }
}

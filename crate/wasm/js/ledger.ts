import type { Storage } from "./storage.js";
import type { Engine } from "./thread.js";
import type { Disclosed } from "./types.js";

/** Where the ledger of metrics is stored: the week that the server has, and the module's text, a line each. */
export const LEDGER_KEY = "metrics";

/** A ledger as it is stored. */
export interface Kept {
  /** The stored text; undefined where there is none. */
  text: string | undefined;
  /** The last week whose report the server has; empty: none. */
  sent: string;
  /** The module's own text. */
  ledger: string | undefined;
}

/** Does something with the engine. */
export type LedgerTurn = <T>(act: (engine: Pick<Engine, "disclose" | "disclosed" | "forgetDisclosed">) => Promise<T>) => Promise<T>;

/**
 * The ledger of metrics in a storage that other tabs may share. There is no spare in memory: a page that forgets what was
 * spent would spend it again.
 */
export class Ledger {
  constructor(
    private readonly storage: Storage,
    readonly turn: LedgerTurn,
  ) {}

  async read(): Promise<Kept> {
    const text = await this.storage.get(LEDGER_KEY);
    const [sent = "", ledger] = text?.split("\n") ?? [];
    return { text, sent, ledger: text === undefined ? undefined : (ledger ?? "") };
  }

  /** Stores it if what is stored is still what was read. */
  async write({ text }: Kept, sent: string, ledger: string): Promise<boolean> {
    const next = `${sent}\n${ledger}`;
    return text === next || this.storage.replace!(LEDGER_KEY, text, next);
  }

  /** Forgets what was told; what was spent stays. */
  async forget(): Promise<void> {
    for (;;) {
      const kept = await this.read();
      const { sent, ledger } = kept;
      if (ledger === undefined || (await this.write(kept, sent, await this.turn((engine) => engine.forgetDisclosed(ledger))))) return;
    }
  }

  async disclosed(): Promise<Disclosed> {
    const { ledger } = await this.read();
    return this.turn((engine) => engine.disclosed(ledger));
  }
}

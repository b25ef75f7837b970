// The page's end of the worker: questions and their answers, and a new worker where one died.
import { FileError } from "./csv.js";
import type { Answered, Asked, Questions } from "./protocol.js";

/** An error of the module, with its code. */
export class EngineError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** Answers questions in a worker of its own. */
export class Engine {
  #worker: Worker | undefined;
  #waiting = new Map<number, { answer(value: unknown): void; fail(error: Error): void }>();
  #asked = 0;

  /** `died` hears of a worker that trapped: what it held is gone. */
  constructor(private readonly died: () => void) {}

  ask<Name extends keyof Questions>(name: Name, argument: Parameters<Questions[Name]>[0]): Promise<ReturnType<Questions[Name]>> {
    const worker = (this.#worker ??= this.#start());
    return new Promise((answer, fail) => {
      const id = this.#asked++;
      this.#waiting.set(id, { answer: answer as (value: unknown) => void, fail });
      worker.postMessage({ id, name, argument } satisfies Asked<Name>);
    });
  }

  #start(): Worker {
    const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
    worker.addEventListener("message", ({ data }: MessageEvent<Answered>) => {
      const waiting = this.#waiting.get(data.id);
      this.#waiting.delete(data.id);
      if ("answer" in data) return waiting?.answer(data.answer);
      const { code, message } = data.error;
      const trapped = code === "trapped" && new FileError(`the module stopped: ${message}. tract does so at an id that a table of the tower has no row for: give smaller ids. The module was started again`);
      waiting?.fail(trapped || new EngineError(code, message));
      if (!trapped) return;
      this.#end(trapped);
      this.died();
    });
    worker.addEventListener("error", (event) => this.#end(new FileError(`the worker did not start: ${event.message || "its script was not found"}. Build the page again with npm start`)));
    return worker;
  }

  /** What still waits hears of it; the next question starts another worker. */
  #end(error: Error): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    for (const { fail } of this.#waiting.values()) fail(error);
    this.#waiting.clear();
  }
}

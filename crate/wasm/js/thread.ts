import { asUpnextError, UpnextError } from "./errors.js";
import type { Loaders, WasmModule } from "./engine.js";
import { Seat } from "./seat.js";

/** What can be asked of a `Seat` from another thread. */
const CALLS = ["engine", "plan", "candidateRequest", "recent", "withRemoved", "load", "setBlock", "viewer", "change", "rebase", "recommend", "learnt", "receipt", "disclose", "disclosed", "forgetDisclosed"] as const;
type Call = (typeof CALLS)[number];

/** A `Seat` in this thread or in a worker; calls are done in the order in which they are made. */
export type Engine = { [K in Call]: (...args: Parameters<Seat[K]>) => Promise<ReturnType<Seat[K]>> } & {
  /** No call may follow. */
  close(): void;
};

interface Question {
  id: number;
  call: Call;
  args: unknown[];
}
type Answer = { id: number; value: unknown } | { id: number; error: { code: UpnextError["code"]; message: string } };

function engineBy(ask: (call: Call, args: unknown[]) => Promise<unknown>, close: () => void): Engine {
  const calls = CALLS.map((call) => [call, (...args: unknown[]) => ask(call, args)]);
  return { ...Object.fromEntries(calls), close } as Engine;
}

const answer = (seat: Seat, call: Call, args: unknown[]): unknown => (seat[call] as (...args: unknown[]) => unknown)(...args);

/** The engine in this thread. */
export function inThisThread(module: WasmModule): Engine {
  const seat = new Seat(module);
  return engineBy(async (call, args) => answer(seat, call, args), () => seat.free());
}

/** The engine in a worker that runs `serveEngine`. Resolves when it can rank; rejects where no worker can be had. */
export async function inWorker(worker: Worker): Promise<Engine> {
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: UpnextError) => void }>();
  let last = 0;
  let failure: UpnextError | undefined;
  const fail = (message: string) => {
    failure = new UpnextError("not-found", message);
    for (const { reject } of waiting.values()) reject(failure);
    waiting.clear();
  };
  worker.onerror = (event) => {
    event.preventDefault();
    fail(`the worker can't run: ${event.message ?? "its script was not found, or the page's policy forbids it"}`);
  };
  worker.onmessageerror = () => fail("the worker's answer can't be read");
  worker.onmessage = ({ data }: MessageEvent<Answer>) => {
    const asked = waiting.get(data.id);
    waiting.delete(data.id);
    if ("error" in data) asked?.reject(asUpnextError(data.error));
    else asked?.resolve(data.value);
  };
  const ask = (call: Call, args: unknown[]) =>
    new Promise((resolve, reject) => {
      if (failure) return reject(failure);
      const question: Question = { id: ++last, call, args };
      // What can't be cloned is refused here, before anybody waits.
      worker.postMessage(question);
      waiting.set(last, { resolve, reject });
    }).catch((thrown: unknown) => {
      throw asUpnextError(thrown);
    });
  const engine = engineBy(ask, () => {
    worker.terminate();
    fail("the engine is closed");
  });
  try {
    await engine.engine();
  } catch (thrown) {
    worker.terminate();
    throw thrown;
  }
  return engine;
}

/** The other side of `inWorker`: a worker's whole script. */
export function serveEngine(load: () => Promise<WasmModule>): void {
  const scope = self as unknown as { onmessage: (event: MessageEvent<Question>) => void; postMessage(answer: Answer): void };
  // One for all questions; the first that waits for it hears why it failed.
  const seated = load().then((module) => new Seat(module));
  seated.catch(() => {});
  scope.onmessage = async ({ data: { id, call, args } }) => {
    try {
      const seat = await seated;
      scope.postMessage({ id, value: answer(seat, call, args) });
    } catch (thrown) {
      const { code, message } = asUpnextError(thrown, "server-unreachable");
      scope.postMessage({ id, error: { code, message } });
    }
  };
}

/** An engine that can be asked, what it is and where it runs. */
export interface Started {
  engine: Engine;
  kind: "compact" | "onnx";
  thread: "worker" | "main";
}

/** Starts an engine where it is wanted; where no worker can be had, in this thread, and `report` hears why. */
export async function startEngine(kind: Started["kind"], loaders: Loaders, wanted: Started["thread"] | undefined, report: (error: UpnextError) => void): Promise<Started> {
  const { worker } = loaders;
  if (worker && typeof Worker !== "undefined" && wanted !== "main") {
    try {
      const engine = await inWorker(worker[kind]());
      return { engine, kind: (await engine.engine()) as Started["kind"], thread: "worker" };
    } catch (thrown) {
      report(asUpnextError(thrown, "not-found"));
    }
  }
  try {
    const module = await loaders[kind]();
    return { engine: inThisThread(module), kind: module.engine() as Started["kind"], thread: "main" };
  } catch (thrown) {
    throw asUpnextError(thrown, "server-unreachable");
  }
}

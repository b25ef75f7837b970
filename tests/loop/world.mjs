// The simulated people, as a process that is asked: `upnext-export world`.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { binary } from "../lib/paths.mjs";

export const DAY_MS = 86_400_000;
export const WEEK_MS = 7 * DAY_MS;

/** Starts the world that a data set names. `ask(question)` resolves with its answer; several may wait at once. */
export function startWorld(data) {
  const child = spawn(binary("upnext-export"), ["world", "--data", data], { stdio: ["pipe", "pipe", "pipe"] });
  const waiting = [];
  let said = "";
  child.stderr.on("data", (chunk) => (said = (said + chunk).slice(-4000)));
  createInterface({ input: child.stdout }).on("line", (line) => waiting.shift().done(JSON.parse(line)));
  const ended = new Promise((done) => child.on("close", done));
  void ended.then(() => waiting.splice(0).forEach(({ failed }) => failed(new Error(`the world ended: ${said}`))));
  // Who waits hears of it by the end of the process.
  child.stdin.on("error", () => {});
  return {
    ask: (question) =>
      new Promise((done, failed) => {
        if (child.exitCode !== null) return failed(new Error(`the world has ended: ${said}`));
        waiting.push({ done, failed });
        child.stdin.write(`${JSON.stringify(question)}\n`);
      }),
    /** Resolves when the process has ended. */
    close() {
      child.stdin.end();
      return ended;
    },
  };
}

/** Those who come, as one arm knows them: what they did before the loop, and what they are done with. */
export async function viewersOf(world, startMs) {
  const { viewers } = await world.ask({ ask: "viewers" });
  const known = viewers.map(async (viewer) => {
    const { events, done } = await world.ask({ ask: "past", viewer: viewer.id, until: startMs });
    return [viewer.id, { ...viewer, past: events, done: new Set(done), newcomer: events.length === 0, known: events.length > 0 }];
  });
  return new Map(await Promise.all(known));
}

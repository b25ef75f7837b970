// Runs commands as named steps: what runs, how far it is, how long it will still take.
// A cargo build says how many units are done; any other step is judged by how long it took last time.
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync, createWriteStream } from "node:fs";
import { dirname, join } from "node:path";
import { cacheDir, root } from "./paths.mjs";

const timesFile = join(cacheDir, "step-seconds.json");
const tty = process.stderr.isTTY === true;

/** Seconds that each named step took last time on this machine. */
function readTimes() {
  try {
    return JSON.parse(readFileSync(timesFile, "utf8"));
  } catch {
    return {};
  }
}

function rememberTime(name, seconds) {
  const times = { ...readTimes(), [name]: Math.round(seconds * 10) / 10 };
  mkdirSync(dirname(timesFile), { recursive: true });
  writeFileSync(timesFile, JSON.stringify(times, null, 1));
}

/** `95` → `1m35s`. */
export function span(seconds) {
  const s = Math.max(0, Math.round(seconds));
  return s < 60 ? `${s}s` : `${Math.floor(s / 60)}m${String(s % 60).padStart(2, "0")}s`;
}

/** What a command's latest output says about its progress, 0..1, or undefined. */
export function progressIn(text) {
  const cargo = [...text.matchAll(/Building \[[=> ]*\] (\d+)\/(\d+)/g)].at(-1);
  return cargo && Number(cargo[2]) > 0 ? Number(cargo[1]) / Number(cargo[2]) : undefined;
}

/** Time left by fraction done, or else by the last run's duration; empty when neither is known. */
export function timeLeft(elapsed, fraction, last) {
  if (fraction !== undefined && fraction > 0.03) return `, about ${span((elapsed / fraction) * (1 - fraction))} left`;
  if (last !== undefined) return last > elapsed ? `, about ${span(last - elapsed)} left` : ", longer than last time";
  return "";
}

/**
 * Runs one command and resolves with `{ code, output, seconds }`.
 * `show: true` passes the command's own output through (it reports progress itself).
 * The whole output goes to `<cache>/logs/<name>.log`; its tail is printed when the command fails.
 */
export function step(name, command, args, { cwd = root, env = {}, show = false, allowFailure = false } = {}) {
  const started = Date.now();
  const last = readTimes()[name];
  const logFile = join(cacheDir, "logs", `${name.replace(/[^a-z0-9]+/gi, "-")}.log`);
  mkdirSync(dirname(logFile), { recursive: true });
  const log = createWriteStream(logFile);
  const elapsed = () => (Date.now() - started) / 1000;
  let output = "";
  let fraction;
  const line = () => `  ${name}: ${fraction === undefined ? "" : `${Math.floor(fraction * 100)} %, `}${span(elapsed())}${timeLeft(elapsed(), fraction, last)}`;
  const timer = show
    ? undefined
    : setInterval(() => process.stderr.write(tty ? `\r\x1b[K${line()}` : `${line()}\n`), tty ? 1000 : 15000);

  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, CARGO_TERM_PROGRESS_WHEN: "always", CARGO_TERM_PROGRESS_WIDTH: "80", ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const onData = (chunk) => {
      const text = chunk.toString();
      output += text;
      log.write(text);
      fraction = progressIn(text) ?? fraction;
      if (show) process.stderr.write(text);
    };
    child.stdout.on("data", onData);
    child.stderr.on("data", onData);
    child.on("error", (error) => {
      clearInterval(timer);
      reject(new Error(`${name}: cannot run ${command}: ${error.message}`));
    });
    child.on("close", (code) => {
      clearInterval(timer);
      log.end();
      const seconds = elapsed();
      if (tty && !show) process.stderr.write("\r\x1b[K");
      if (code === 0) rememberTime(name, seconds);
      process.stderr.write(`${code === 0 ? "✓" : "✗"} ${name} (${span(seconds)})\n`);
      if (code !== 0 && !allowFailure) {
        const tail = show ? "" : `\n${output.replace(/\r/g, "\n").split("\n").slice(-60).join("\n")}`;
        reject(new Error(`${name} failed with exit code ${code}; the whole output is in ${logFile}${tail}`));
      } else {
        resolve({ code, output, seconds });
      }
    });
  });
}

// A benchmark's record: what was measured, when, where and by which command. docs/benchmarks holds those of the latest runs, and
// `npm run docs:reference` writes docs/benchmarks.md from them.
//   npm run bench:NAME -- --json docs/benchmarks/NAME.json
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";
import { root } from "../lib/paths.mjs";

/** The flag, for `parseArgs`: a file to write the record to. */
export const recordFlag = { json: { type: "string" } };

/** Programs that were running or waiting before the benchmark began, mean of the last minute: near 0 on a quiet machine. */
const loadBefore = loadavg()[0];

/** The script of package.json and its flags, without the file that the record goes to. */
function commandOf(script) {
  const words = process.argv.slice(2).filter((word, at, all) => !/^--json(=|$)/.test(word) && all[at - 1] !== "--json");
  return `npm run ${script}${words.length > 0 ? ` -- ${words.join(" ")}` : ""}`;
}

/**
 * Writes a record to `path`; does nothing without one. `script`: its name in package.json. `tables`: `{ caption, columns, rows }`, cells
 * that are numbers or texts; a column's name says the unit. `missed`: targets that were missed, in words.
 */
export function keepRecord(path, { script, tables, missed = [] }) {
  if (path === undefined) return;
  const { model } = cpus()[0];
  const record = {
    script,
    command: commandOf(script),
    date: new Date().toISOString().slice(0, 10),
    commit: execFileSync("git", ["rev-parse", "--short", "HEAD"], { cwd: root, encoding: "utf8" }).trim(),
    machine: { processor: model.trim(), cores: cpus().length, memory_gb: Math.round(totalmem() / 2 ** 30), node: process.versions.node },
    load_before: Number(loadBefore.toFixed(2)),
    tables,
    missed,
  };
  writeFileSync(path, `${JSON.stringify(record, null, 1)}\n`);
}

/** A number to so many digits after the point, as a number. */
export const rounded = (value, digits = 2) => Number(value.toFixed(digits));

// The closed loop: a world, a first bundle, the arms, the judge, the report.
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { binary, root } from "../lib/paths.mjs";
import { ARMS } from "./arms.mjs";
import { judge } from "./judge.mjs";
import { live } from "./live.mjs";
import { page } from "./report.mjs";
import { Site, run, train } from "./site.mjs";
import { startWorld, viewersOf } from "./world.mjs";

/** What the loop takes, and what it takes where nothing is said. */
export const DEFAULTS = { weeks: 4, viewers: 400, videos: 700, drifting: 0.3, candidates: 200, seed: 7, epochs: 0, arms: Object.keys(ARMS), jobs: 2 };

const readJson = (path) => JSON.parse(readFileSync(path, "utf8"));
const writeJson = (path, value) => writeFileSync(path, `${JSON.stringify(value, undefined, 1)}\n`);

/** What results were made from: the options but for how many arms run at once, and the programs. */
function keyOf({ jobs: _jobs, arms: _arms, ...options }) {
  const made = (path) => Math.floor(statSync(path).mtimeMs);
  return JSON.stringify({ options, made: [binary("upnext-export"), binary("upnext-server"), join(root, "dist/node.js")].map(made) });
}

/** Runs `work` of all names, `jobs` at once. */
async function sideBySide(names, jobs, work) {
  const left = [...names];
  const one = async () => {
    for (let name = left.shift(); name !== undefined; name = left.shift()) await work(name);
  };
  await Promise.all(Array.from({ length: jobs }, one));
}

/** World, base and first bundle; kept while nothing that they are made of changes. */
async function prepare(work, { weeks, viewers, videos, drifting, seed, epochs }) {
  const [base, bundle] = [join(work, "base"), join(work, "bundle")];
  if (!existsSync(join(work, "prepared"))) {
    const days = 14 * weeks;
    const size = ["--users", viewers, "--videos", videos, "--days", days, "--until-day", days / 2, "--drifting", drifting, "--seed", seed];
    await run("upnext-export", "simulate", "--out", base, ...size.map(String));
    const world = startWorld(base);
    const window = await world.ask({ ask: "window" });
    await world.close();
    const startMs = (window.from + window.until) / 2;
    const tables = join(work, "tables");
    cpSync(base, tables, { recursive: true });
    await train({ tables, bundle, fromMs: window.from, nowMs: startMs, seed, epochs });
    rmSync(tables, { recursive: true, force: true });
    writeJson(join(work, "prepared"), { fromMs: window.from, startMs, untilMs: window.until });
  }
  return { base, bundle, ...readJson(join(work, "prepared")) };
}

/** One arm from its first week to its last; what is done already is read. */
async function runArm(name, { work, base, bundle, fromMs, startMs, options, world, note }) {
  const folder = join(work, "arms", name);
  const result = join(folder, "weeks.json");
  const log = join(folder, "events.jsonl");
  if (!existsSync(result)) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    writeFileSync(log, "");
    const own = join(folder, "bundle");
    cpSync(bundle, own, { recursive: true });
    const site = await Site.open(folder, own, startMs);
    try {
      const arm = ARMS[name].make(site, options);
      const viewers = await viewersOf(world, startMs);
      const retrain = () => site.retrain({ base, fromMs, seed: options.seed, epochs: options.epochs });
      const weeks = await live({ name, arm, site, world, viewers, startMs, weeks: options.weeks, retrain, log, note });
      writeJson(result, weeks);
    } finally {
      await site.close();
    }
  }
  return { log, weeks: readJson(result) };
}

/**
 * Runs the loop into `out` and writes `report.json` and `report.html` there. What was interrupted goes on where an arm was
 * last done; the same options and programs give the same report. `say` hears sentences, `note(arm, week, visits)` how far it is.
 */
export async function loop(out, options, say = () => {}, note = () => {}) {
  const work = join(out, "work");
  const key = keyOf(options);
  if (!existsSync(join(work, "key")) || readFileSync(join(work, "key"), "utf8") !== key) {
    rmSync(work, { recursive: true, force: true });
    mkdirSync(work, { recursive: true });
    writeFileSync(join(work, "key"), key);
  }
  const prepared = await prepare(work, options);
  const { bundle, startMs, untilMs } = prepared;
  const world = startWorld(prepared.base);
  try {
    const { visits } = await world.ask({ ask: "visits", from: startMs, until: untilMs });
    const { videos } = await world.ask({ ask: "videos", from: startMs, until: untilMs });
    const viewers = await viewersOf(world, startMs);
    const came = new Set(visits.map(({ viewer }) => viewer));
    const group = (is) => [...viewers.values()].filter((viewer) => came.has(viewer.id) && is(viewer)).length;
    say(`${visits.length} visits of ${came.size} viewers in ${options.weeks} weeks, ${videos.length} new videos; ${options.arms.length} arms`);
    const done = {};
    await sideBySide(options.arms, options.jobs, async (name) => {
      done[name] = await runArm(name, { ...prepared, work, options, world, note: (week, visited) => note(name, week, visited, visits.length) });
      say(`${name} is done`);
    });
    say("judging");
    const logs = Object.fromEntries(options.arms.map((name) => [name, done[name].log]));
    const isNew = new Set(videos.map(({ id }) => id));
    const newcomer = ({ account }) => viewers.get(account).newcomer;
    const drifted = ({ account, timestamp }) => viewers.get(account).drifts <= timestamp;
    const groups = {
      newcomers: { who: "viewers without an event before the first week", keeps: newcomer },
      drifted: { who: "viewers whose taste changed, from that instant on", keeps: drifted },
      steady: { who: "viewers with a past and one taste", keeps: (event) => !newcomer(event) && viewers.get(event.account).drifts === undefined },
      "new videos": { who: "impressions of videos that were published since the first week", keeps: ({ video_id }) => isNew.has(video_id) },
    };
    const rest = { bundle, startMs, weeks: options.weeks, videos, logs };
    const at = (name) => {
      rmSync(join(work, "judge", name), { recursive: true, force: true });
      return join(work, "judge", name);
    };
    const controls = ["popularity", "server"].filter((name) => options.arms.includes(name));
    const against = {};
    let all;
    for (const control of controls.length > 0 ? controls : [options.arms[0]]) {
      const judged = await judge({ ...rest, folder: at(control), control, byWeek: all === undefined });
      all ??= judged;
      against[control] = judged.against;
    }
    for (const [name, { who, keeps }] of Object.entries(groups)) groups[name] = { who, ...(await judge({ ...rest, folder: at(name), control: options.arms[0], keeps })) };
    const { jobs: _jobs, ...kept } = options;
    const report = {
      version: 1,
      options: kept,
      world: { from: startMs, until: untilMs, visits: visits.length, viewers: came.size, newcomers: group(({ newcomer }) => newcomer), drifting: group(({ drifts }) => drifts !== undefined), newVideos: videos.length },
      arms: Object.fromEntries(options.arms.map((name) => [name, { what: ARMS[name].what, figures: all.arms[name], weeks: done[name].weeks.map((week, at) => ({ ...week, figures: all.weeks[at].arms[name] })) }])),
      against,
      groups,
    };
    writeJson(join(out, "report.json"), report);
    writeFileSync(join(out, "report.html"), page(report));
    return report;
  } finally {
    await world.close();
  }
}

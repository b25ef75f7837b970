// A log in shards on a real Spark cluster: a master and two workers on 127.0.0.1 do the table work and factorise, both of them, and
// what comes out is as good as this program's own factors on the same split, and goes into a bundle like any other.
//   npm run spark                          a simulated world in CSV shards, with rows of every kind of trouble
//   npm run spark -- --data ../shared/data/kuairand-pure     a KuaiRand log instead
//   npm run spark -- --keep                leave tables, factors and logs where they are
// pyspark and what it needs go into a virtual environment in the cache (some 500 MB). It needs Java 17 or newer, which it does
// not install: without it this says that it is skipped.
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { binary, cacheDir, root } from "./lib/paths.mjs";
import { step } from "./lib/step.mjs";

const PYSPARK = "4.3.0";
// Ranges, not pins: each Python version has wheels of some releases only.
const REQUIREMENTS = [`pyspark==${PYSPARK}`, "numpy>=1.26,<3", "pandas>=2.2,<3", "pyarrow>=18,<27"];
const WORKERS = 2;
const SHARDS = 5;
/** Largest share by which the loss of the cluster's factors may differ from that of our own, after as many sweeps. */
const LOSS_TOLERANCE = 0.01;
/** Our own solver ends in another optimum from each seed: it is asked from several, and differences are means over them. */
const SEEDS = [1, 2, 3, 4];
/** A difference of recall or nDCG is none where its interval holds 0, or where it lies within this on either side. */
const FIGURE_BOUND = 0.01;

const { values: flags } = parseArgs({
  options: {
    data: { type: "string" },
    users: { type: "string", default: "400" },
    videos: { type: "string", default: "500" },
    dim: { type: "string", default: "32" },
    sweeps: { type: "string", default: "15" },
    l2: { type: "string", default: "0.1" },
    partitions: { type: "string", default: "4" },
    json: { type: "string" },
    keep: { type: "boolean", default: false },
  },
});

/** Version of the Java that is on the path, 0 without one. */
function java() {
  const { stderr, status } = spawnSync("java", ["-version"], { encoding: "utf8" });
  return status === 0 ? Number(/version "(\d+)/.exec(stderr)?.[1] ?? 0) : 0;
}

/** A port that nobody listens on. */
const freePort = () =>
  new Promise((found, failed) => {
    const server = createServer();
    server.on("error", failed);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => found(port));
    });
  });

const folder = mkdtempSync(join(tmpdir(), "upnext-spark-"));
const at = (...names) => join(folder, ...names);
const processes = [];

/** Starts a process of the cluster; it gets a group of its own, so that it goes with its executors. */
function start(name, words, environment) {
  const log = openSync(at(`${name}.log`), "w");
  const child = spawn(join(environment.SPARK_HOME, "bin", "spark-class"), words, { env: environment, detached: true, stdio: ["ignore", log, log] });
  child.on("error", (error) => console.error(`${name}: ${error.message}`));
  processes.push(child);
}

/** Ends the cluster's processes, groups and all, and waits until they are gone. */
async function stop() {
  const running = processes.filter((child) => child.exitCode === null && child.signalCode === null);
  const signal = (child, name) => {
    try {
      process.kill(-child.pid, name);
    } catch {
      // It has ended since.
    }
  };
  // Workers last would tell the master of each executor that they lose.
  for (const child of running.toReversed()) signal(child, "SIGTERM");
  const gone = Promise.all(running.map((child) => (child.exitCode === null && child.signalCode === null ? new Promise((done) => child.once("exit", done)) : undefined)));
  await Promise.race([gone, new Promise((late) => setTimeout(late, 15_000).unref())]);
  for (const child of running) signal(child, "SIGKILL");
}

/** Waits until the master counts all workers; resolves with its address. */
async function cluster(environment) {
  const [port, page] = [await freePort(), await freePort()];
  start("master", ["org.apache.spark.deploy.master.Master", "--host", "127.0.0.1", "--port", `${port}`, "--webui-port", `${page}`], environment);
  const address = `spark://127.0.0.1:${port}`;
  for (let i = 0; i < WORKERS; i++) {
    start(`worker-${i}`, ["org.apache.spark.deploy.worker.Worker", "--host", "127.0.0.1", "--cores", "1", "--memory", "1g", "--webui-port", "0", "--work-dir", at(`work-${i}`), address], environment);
  }
  for (const until = Date.now() + 120_000; Date.now() < until; ) {
    const state = await fetch(`http://127.0.0.1:${page}/json/`).then((answer) => answer.json()).catch(() => ({}));
    if (state.aliveworkers === WORKERS) return address;
    await new Promise((next) => setTimeout(next, 500));
  }
  throw new Error(`the cluster did not come up in two minutes; master said:\n${readFileSync(at("master.log"), "utf8").slice(-2000)}`);
}

/** Rows that a reader can stumble over, on a log whose columns have these names; `at` is an instant well before the split. */
function troubles(header, instant, user, video) {
  const cells = (row) => header.map((name) => row[name] ?? "").join(",");
  const event = (more) => cells({ user_id: user, video_id: video, timestamp: `${instant}`, ...more });
  const hours = (count) => `${instant + count * 3_600_000}`;
  return [
    // Written before the impression that it belongs to, at the same instant.
    event({ type: "watch", value: "100000" }),
    event({ type: "impression" }),
    event({ type: "impression", timestamp: hours(1) }),
    event({ type: "watch", value: "0.01", timestamp: new Date(instant + 3_600_000).toISOString() }),
    // Too late for the encounter: one of its own.
    event({ type: "like", timestamp: hours(8) }),
    event({ type: "dislike", timestamp: hours(9) }),
    event({ type: "comment", value: '"a comma, a ""quote"",\nand a second line"', timestamp: hours(9) }),
    event({ type: "search", video_id: "", value: "a search", timestamp: hours(9) }),
    // Malformed, each in its way.
    event({ type: "stare" }),
    event({ type: "watch", value: "-1" }),
    event({ type: "like", timestamp: "yesterday" }),
    event({ type: "like", user_id: "nobody" }),
    event({ type: "like", video_id: "nothing" }),
    event({ type: "like", user_id: "" }),
    `${user},${video},like`,
  ];
}

/** `whole`: one CSV table each, for this program; `sharded`: the same rows, interactions cut into files of a directory. */
function shards(whole, sharded, trouble) {
  mkdirSync(join(sharded, "interactions"), { recursive: true });
  const path = join(whole, "interactions.csv");
  const [head, ...lines] = readFileSync(path, "utf8").trimEnd().split("\n");
  const rows = [];
  // A cell between quotes may hold a line's end.
  for (const line of lines) {
    const open = rows.length > 0 && (rows.at(-1).match(/"/g)?.length ?? 0) % 2 === 1;
    if (open) rows[rows.length - 1] += `\n${line}`;
    else rows.push(line);
  }
  const header = head.split(",");
  if (trouble) {
    const place = Math.floor(rows.length / 4);
    const of = (name) => rows[place].split(",")[header.indexOf(name)];
    const times = rows.filter((row) => !row.includes('"')).map((row) => Number(row.split(",")[header.indexOf("timestamp")]));
    const first = times.reduce((a, b) => Math.min(a, b));
    const from = Math.round(first + (times.reduce((a, b) => Math.max(a, b)) - first) / 5);
    const more = troubles(header, from, of("user_id"), of("video_id") || rows.map((row) => row.split(",")[header.indexOf("video_id")]).find(Boolean));
    // Over two shards, so that one encounter is in both.
    const border = Math.ceil(rows.length / SHARDS);
    rows.splice(border, 0, ...more);
    writeFileSync(path, `${[head, ...rows].join("\n")}\n`);
  }
  const length = Math.ceil(rows.length / SHARDS);
  for (let i = 0; i < SHARDS; i++) writeFileSync(join(sharded, "interactions", `part-${i}.csv`), `${[head, ...rows.slice(i * length, (i + 1) * length)].join("\n")}\n`);
  for (const name of ["videos.csv", "users.csv", "dataset.json"]) copyFileSync(join(whole, name), join(sharded, name));
  return rows.length;
}

/** Successful tasks of each executor, by the log of events. */
function tasks(events) {
  const counts = {};
  for (const name of readdirSync(events)) {
    for (const line of readFileSync(join(events, name), "utf8").split("\n")) {
      if (!line.includes("SparkListenerTaskEnd")) continue;
      const event = JSON.parse(line);
      if (event["Task End Reason"]?.Reason === "Success") counts[event["Task Info"]["Executor ID"]] = (counts[event["Task Info"]["Executor ID"]] ?? 0) + 1;
    }
  }
  return counts;
}

/** Executors that a worker had: folders of its own. */
const executors = (worker) => readdirSync(at(`work-${worker}`)).flatMap((app) => readdirSync(at(`work-${worker}`, app)));

async function main() {
  const version = java();
  if (version < 17) {
    console.log(`skipped: Spark ${PYSPARK} needs Java 17 or newer, ${version === 0 ? "there is none" : `there is ${version}`}; on Debian: apt-get install openjdk-17-jre-headless`);
    return 0;
  }
  const venv = join(cacheDir, `venv-spark-${PYSPARK}`);
  const python = join(venv, "bin", "python");
  const stamp = join(venv, "requirements.txt");
  if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== REQUIREMENTS.join("\n")) {
    await step("virtual environment", "python3", ["-m", "venv", venv]);
    await step(`pyspark ${PYSPARK}`, python, ["-m", "pip", "install", "-q", "--disable-pip-version-check", ...REQUIREMENTS]);
    // Last, so that an interrupted installation is made again.
    writeFileSync(stamp, REQUIREMENTS.join("\n"));
  }
  await step("upnext-export", "cargo", ["build", "--release", "--locked", "--workspace", "--bins"]);
  const exporter = binary("upnext-export");

  const whole = at("whole");
  if (flags.data) await step("import", exporter, ["import", "kuairand", resolve(flags.data), "--out", whole, "--format", "csv"]);
  else {
    await step("world", exporter, ["simulate", "--users", flags.users, "--videos", flags.videos, "--seed", "5", "--format", "csv", "--out", whole]);
    // The cluster has to find the instants of the split by itself.
    const meta = JSON.parse(readFileSync(join(whole, "dataset.json"), "utf8"));
    writeFileSync(join(whole, "dataset.json"), JSON.stringify({ ...meta, split: undefined }));
  }
  const count = shards(whole, at("sharded"), !flags.data);
  console.log(`${count} interactions in ${SHARDS} shards`);

  const home = execFileSync(python, ["-c", "import pyspark, os; print(os.path.dirname(pyspark.__file__))"], { encoding: "utf8" }).trim();
  const environment = { ...process.env, SPARK_HOME: home, SPARK_LOCAL_IP: "127.0.0.1", SPARK_LOCAL_DIRS: at("local"), PYSPARK_PYTHON: python, PYSPARK_DRIVER_PYTHON: python };
  mkdirSync(at("events"));
  const master = await cluster(environment);
  const settings = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.memory": "1g",
    "spark.executor.memory": "1g",
    "spark.executor.cores": "1",
    "spark.ui.enabled": "false",
    "spark.sql.shuffle.partitions": flags.partitions,
    // Neither worker is to be late for the tasks.
    "spark.scheduler.minRegisteredResourcesRatio": "1.0",
    "spark.scheduler.maxRegisteredResourcesWaitingTime": "60s",
    "spark.eventLog.enabled": "true",
    "spark.eventLog.dir": `file://${at("events")}`,
    "spark.eventLog.rolling.enabled": "false",
    "spark.eventLog.compress": "false",
  };
  const job = ["--data", `file://${at("sharded")}`, "--out", `file://${at("factors")}`, "--exporter", exporter, "--dim", flags.dim, "--sweeps", flags.sweeps, "--l2", flags.l2, "--partitions", flags.partitions];
  const conf = Object.entries(settings).flatMap(([name, value]) => ["--conf", `${name}=${value}`]);
  const { output, seconds } = await step("spark-submit", join(home, "bin", "spark-submit"), ["--master", master, ...conf, join(root, "model-export/spark/factorise.py"), ...job], { env: environment });
  const told = JSON.parse(output.split("\n").findLast((line) => line.startsWith("{")));
  const counts = tasks(at("events"));
  const ran = Array.from({ length: WORKERS }, (_, worker) => executors(worker).reduce((sum, id) => sum + (counts[id] ?? 0), 0));
  await stop();
  console.log(`job ${Math.round(seconds)} s: ${JSON.stringify(told)}`);

  const failures = [];
  const hold = (right, what) => {
    console.log(`${right ? "✓" : "✗"} ${what}`);
    if (!right) failures.push(what);
  };
  hold(ran.every((tasks) => tasks > 0), `tasks of the workers: ${ran.join(", ")}`);
  if (!flags.data) hold(told.malformed === 7, `${told.malformed} malformed rows, as this program counts`);
  const judgements = [];
  for (const seed of SEEDS) {
    const json = at(`judged-${seed}.json`);
    await step(`judgement, seed ${seed}`, exporter, ["factors", "--data", whole, "--factors", at("factors"), "--seed", `${seed}`, "--json", json]);
    judgements.push(JSON.parse(readFileSync(json, "utf8")));
  }
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [judged] = judgements;
  hold(judged.pairs === judged.info.pairs && judged.rows_that_differ === 0, `${judged.info.pairs} relevant pairs, ${judged.pairs} here; users and videos with another number of them: ${judged.rows_that_differ}`);
  const loss = mean(judgements.map((one) => one.loss.relative));
  hold(Math.abs(loss) <= LOSS_TOLERANCE, `loss ${(100 * loss).toFixed(3)} % above our own (within ${100 * LOSS_TOLERANCE} %)`);
  for (const name of ["recall@20", "recall@100", "ndcg@20"]) {
    const rows = judgements.map((one) => one.figures[name]);
    // Ends of the mean of differences lie within the means of their ends.
    const [value, low, high] = ["value", "low", "high"].map((end) => mean(rows.map((row) => row.given_minus_own[end])));
    const none = (low <= 0 && high >= 0) || (low >= -FIGURE_BOUND && high <= FIGURE_BOUND);
    const owns = rows.map((row) => row.own);
    const plain = mean(rows.map((row) => row.default));
    hold(none, `${name} ${rows[0].given.toFixed(4)}, our own ${Math.min(...owns).toFixed(4)} to ${Math.max(...owns).toFixed(4)}: ${value.toFixed(4)} [${low.toFixed(4)}, ${high.toFixed(4)}] of ${judged.users} users; by plain L2 ${plain.toFixed(4)}`);
  }
  await step("bundle", exporter, ["train", "--data", whole, "--factors", at("factors"), "--out", at("bundle"), "--epochs", "1"]);
  const inspected = execFileSync(exporter, ["inspect", at("bundle")], { encoding: "utf8" });
  hold(new RegExp(`\\b${flags.dim}\\b`).test(inspected), `a bundle with factors of ${flags.dim}`);
  // Factors of another split are refused by name.
  const info = join(at("factors"), "factors.json");
  writeFileSync(info, JSON.stringify({ ...judged.info, factors_until_ms: judged.info.factors_until_ms + 1 }));
  const refused = spawnSync(exporter, ["train", "--data", whole, "--factors", at("factors"), "--out", at("bundle"), "--epochs", "1"], { encoding: "utf8" });
  hold(refused.status !== 0 && refused.stderr.includes("error[config-invalid]"), "factors of another split are refused");
  if (flags.json) writeFileSync(flags.json, `${JSON.stringify({ job: told, seconds, tasks: ran, judgements }, null, 2)}\n`);
  return failures.length === 0 ? 0 : 1;
}

let code = 1;
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => stop().finally(() => process.exit(1)));
try {
  code = await main();
} catch (error) {
  console.error(error.message);
} finally {
  await stop();
  if (flags.keep) console.log(`left in ${folder}`);
  else rmSync(folder, { recursive: true, force: true });
}
console.log(code === 0 ? "spark: as good as our own" : "spark: failed");
process.exitCode = code;

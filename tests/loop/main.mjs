// `npm run loop`: weeks of simulated viewers who watch what the real path serves.
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { ensurePackages } from "../lib/packages.mjs";
import { workDir } from "../lib/paths.mjs";
import { span, step } from "../lib/step.mjs";
import { ensureBuildTools } from "../tools.mjs";
import { ARMS } from "./arms.mjs";
import { DEFAULTS, loop } from "./loop.mjs";

const help = `npm run loop -- [options]

People of a simulated world come for some weeks and watch what the real programs serve: upnext-server over HTTP, the
npm package on their devices, upnext-export for a new bundle each week from the events that were collected. The same
people live in several arms, so that what differs is what they were shown. Writes report.html and report.json.

  --weeks N       weeks of the loop (${DEFAULTS.weeks}); as many come before, as the log that the first bundle is trained from
  --viewers N     people (${DEFAULTS.viewers})
  --videos N      videos (${DEFAULTS.videos}); about a sixth are published within the loop
  --drifting P    share of the people whose taste changes in the first half of the loop (${DEFAULTS.drifting})
  --candidates N  candidates of a block (${DEFAULTS.candidates})
  --seed N        everything follows from it (${DEFAULTS.seed})
  --epochs N      passes of a training; default: the trainer's own
  --arms A,B      ${Object.keys(ARMS).join(", ")} (all)
  --jobs N        arms at once (${DEFAULTS.jobs})
  --out DIR       where the report goes (.upnext/loop); what was interrupted goes on there
  --help

Arms:
${Object.entries(ARMS).map(([name, { what }]) => `  ${name.padEnd(12)}${what}`).join("\n")}

Examples:
  npm run loop
  npm run loop -- --weeks 2 --viewers 100 --videos 200 --epochs 1
  npm run loop -- --arms popularity,server,device --seed 8 --out loop-8`;

/** Options of the command line, checked. */
function read() {
  const numbers = { weeks: [1, 26], viewers: [4, 100_000], videos: [12, 4000], drifting: [0, 1], candidates: [1, 4096], seed: [0, 2 ** 31], epochs: [1, 1000], jobs: [1, 64] };
  const words = [...Object.keys(numbers), "arms", "out"];
  const { values } = parseArgs({ options: { ...Object.fromEntries(words.map((word) => [word, { type: "string" }])), help: { type: "boolean", short: "h" } } });
  const options = { ...DEFAULTS };
  for (const [name, [least, most]] of Object.entries(numbers)) {
    if (values[name] === undefined) continue;
    options[name] = Number(values[name]);
    if (!(options[name] >= least && options[name] <= most) || (name !== "drifting" && !Number.isInteger(options[name]))) throw new Error(`--${name} ${values[name]} is not within ${least} and ${most}`);
  }
  if (values.arms) options.arms = values.arms.split(",");
  for (const arm of options.arms) if (!(arm in ARMS)) throw new Error(`--arms: there is no ${arm}, but ${Object.keys(ARMS).join(", ")}`);
  return { help: values.help, out: resolve(values.out ?? join(workDir, "loop")), options };
}

let asked;
try {
  asked = read();
} catch (error) {
  console.error(`${error.message}\n\n${help}`);
  process.exit(2);
}
if (asked.help) {
  console.log(help);
  process.exit(0);
}

try {
  const started = Date.now();
  // As `npm start` does: what is unchanged is reused.
  await ensureBuildTools();
  ensurePackages();
  await step("package", "npm", ["run", "--silent", "build:compact"], { show: true });
  await step("upnext-export and upnext-server", "cargo", ["build", "--release", "--locked", "--workspace", "--bins"]);
  const { out, options } = asked;
  const began = Date.now();
  const done = {};
  let told = 0;
  const say = (text) => console.error(`  ${span((Date.now() - started) / 1000).padStart(7)}  ${text}`);
  await loop(out, options, say, (arm, week, visited, all) => {
    done[arm] = (done[arm] ?? 0) + visited;
    if (Date.now() - told < 15_000) return;
    told = Date.now();
    const share = Object.values(done).reduce((sum, n) => sum + n, 0) / (all * options.arms.length);
    const left = share > 0.02 ? `, about ${span(((Date.now() - began) / 1000) * (1 / share - 1))} left` : "";
    say(`${Math.floor(100 * share)} %, ${arm} in week ${week + 1}${left}`);
  });
  console.log(`${join(out, "report.html")}\n${join(out, "report.json")}`);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}

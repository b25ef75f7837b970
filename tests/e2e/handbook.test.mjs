// What the handbook has one type: every option that it names is one of the program's, and the tutorial runs as it stands.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { helpOfPrograms } from "../../docs/site/reference.mjs";
import { blocks, commands, pages } from "../lib/handbook.mjs";
import { installPacked } from "../lib/packed.mjs";
import { binary, root } from "../lib/paths.mjs";

const folder = mkdtempSync(join(tmpdir(), "upnext-handbook-"));
const env = { ...process.env, PATH: `${dirname(binary("upnext-export"))}:${process.env.PATH}` };
let server;
after(() => {
  server?.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

test("every verb and option that the handbook names is in the program's help", () => {
  const helps = new Map();
  const help = (program, verb) => {
    const key = `${program} ${verb}`;
    if (!helps.has(key)) helps.set(key, execFileSync(binary(program), [...verb.split(" ").filter(Boolean), "--help"], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }));
    return helps.get(key);
  };
  const unknown = [];
  let options = 0;
  for (const page of pages) {
    for (const words of commands(page)) {
      const at = words.findIndex((word) => /^(upnext-export|upnext-server)$/.test(word));
      if (at < 0) continue;
      const [program, first = "", second = ""] = words.slice(at);
      const verb = /^[a-z-]+$/.test(first) && !first.startsWith("-") ? (first === "import" && /^[a-z]+$/.test(second) ? `import ${second}` : first) : "";
      try {
        for (const word of words.slice(at + 1)) {
          const option = /^\[?(--[a-z-]+)/.exec(word)?.[1];
          if (option === undefined || option === "--") continue;
          options++;
          if (!new RegExp(`${option}(?![a-z-])`).test(help(program, verb))) unknown.push(`${page.path}: ${program} ${verb} ${option}`);
        }
        help(program, verb);
      } catch (error) {
        unknown.push(`${page.path}: ${program} ${verb}: ${error.message.split("\n")[0]}`);
      }
    }
  }
  assert.deepEqual(unknown, []);
  assert.ok(options > 40, `${options} options`);
});

test("the site's page of configuration has the help of every verb", () => {
  const told = helpOfPrograms();
  for (const verb of ["upnext-server", "upnext-server token", "upnext-export train", "upnext-export compile", "upnext-export import"]) {
    assert.ok(told.includes(`## \`${verb}\``), verb);
    const [program, ...words] = verb.split(" ");
    for (const [option] of execFileSync(binary(program), [...words, "--help"], { encoding: "utf8" }).matchAll(/--[a-z-]+/g)) assert.ok(told.includes(option), `${verb} ${option}`);
  }
});

const freePort = () =>
  new Promise((found) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => found(port));
    });
  });

test("the tutorial, from two CSV files to a personal slate", { timeout: 300_000 }, async () => {
  const port = await freePort();
  // The reader's own log: of a simulated world no more than the tutorial asks for.
  execFileSync("upnext-export", ["simulate", "--users", "120", "--videos", "150", "--format", "csv", "--out", join(folder, "world")], { env, stdio: "pipe" });
  const rows = (name) => parse(readFileSync(join(folder, "world", `${name}.csv`), "utf8"));
  const cell = (value) => (/[",\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);
  const write = (name, header, lines) => writeFileSync(join(folder, name), `${[header, ...lines.map((line) => line.map(cell).join(","))].join("\n")}\n`);
  write("clips.csv", "clip,title,seconds,by", rows("videos").map((row) => [row.id, row.title, row.length_seconds, row.channel]));
  write("plays.csv", "viewer,clip,seconds,at", rows("interactions").filter((row) => row.type === "watch").map((row) => [row.user_id, row.video_id, row.value, row.timestamp]));
  const tutorial = pages.find(({ path }) => path === "docs/tutorial.md");
  const outputs = [];
  for (const { language, words, code } of blocks(tutorial)) {
    const here = code.replaceAll("8787", String(port));
    if (words.includes("skip")) continue;
    if (words.includes("background")) {
      server = spawn("bash", ["-c", `exec ${here}`], { cwd: folder, env, stdio: "ignore" });
      for (const end = Date.now() + 30_000; ; await new Promise((done) => setTimeout(done, 50))) {
        if (await fetch(`http://127.0.0.1:${port}/readyz`).then(({ ok }) => ok, () => false)) break;
        assert.ok(Date.now() < end, "the server does not answer");
      }
    } else if (language === "sh") {
      outputs.push(execFileSync("bash", ["-euo", "pipefail", "-c", here], { cwd: folder, env, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }));
    } else if (words.includes("run")) {
      const script = join(installPacked().project, "tutorial.mjs");
      writeFileSync(script, here);
      outputs.push(execFileSync("node", [script], { cwd: folder, encoding: "utf8" }));
    }
  }
  const [checked, trained, block, slate] = outputs;
  assert.match(checked, /150/);
  assert.match(trained, /device/);
  assert.ok(JSON.parse(block).rows.length === 5);
  assert.equal(slate.trim().split("\n").length, 5);
  assert.match(slate, /^v\d+ .+ 0\.\d{3} [a-z-]+$/m);
  assert.match(readFileSync(join(folder, "report.html"), "utf8"), /<html/);
});

/** Rows of a CSV text by their headers. */
function parse(text) {
  const lines = [];
  let line = [];
  for (const [, quoted, bare, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^,\n"]*))(,|\n|$)/g)) {
    line.push(quoted?.replaceAll('""', '"') ?? bare);
    if (end !== ",") {
      if (line.length > 1) lines.push(line);
      line = [];
    }
  }
  const [header, ...body] = lines;
  return body.map((values) => Object.fromEntries(header.map((name, i) => [name, values[i] ?? ""])));
}

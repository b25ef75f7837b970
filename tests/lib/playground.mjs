// The playground in a real Chromium: the sample, graphs of exporters with candidates of one's own, and bad files.
// tests/e2e/page.test.mjs calls it with its site: a second `npm start` would cost a minute.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { binary, root } from "./paths.mjs";

const foreign = (name) => join(root, "tests/foreign", name);
const file = (name, text) => ({ name, mimeType: "text/plain", buffer: Buffer.from(text) });

/** Candidates of two numbers each, one with a comma, a quote and another script in its title. */
const CANDIDATES = 'id,title,tags,v1,v0,colour\na,"Bread, ""slowly""",food|slow,0.5,-1,red\nb,خبز,,1e-1,2.5,blue\nc,,,-3,0.25,\nd,Fog,sea,2,2,grey\n';
const VECTORS = { a: [-1, 0.5], b: [2.5, 0.1], c: [0.25, -3], d: [2, 2] };

/** Declares the tests; `given` says where page, server and browser are when they run. */
export function testPlayground(given) {
  describe("the playground", { timeout: 600_000 }, () => {
    const folder = mkdtempSync(join(tmpdir(), "upnext-playground-"));
    after(() => rmSync(folder, { recursive: true, force: true }));

    async function open(screen = {}, query = "") {
      const { browser, site } = given();
      const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: "en-GB", ...screen });
      const page = await context.newPage();
      const [problems, requests] = [[], []];
      page.on("pageerror", (error) => problems.push(String(error)));
      // The console of a page that works is empty.
      page.on("console", (message) => ["error", "warning"].includes(message.type()) && problems.push(`console: ${message.text()}`));
      page.on("request", (request) => requests.push(request.url()));
      await page.goto(`${site.page}/playground.html${query}`);
      await page.waitForSelector("body[data-ready]");
      return { page, problems, requests, close: () => context.close() };
    }
    const text = (page, selector) => page.$eval(selector, (one) => one.textContent);
    const slate = (page) => page.$$eval("#slate li", (all) => all.map((one) => one.dataset.id));
    const idle = (page) => page.waitForFunction(() => !document.body.dataset.busy, undefined, { timeout: 120_000 });
    /** Does something and waits until the page has said what came of it. */
    async function said(page, act) {
      await act();
      await page.waitForTimeout(30);
      await idle(page);
      return (await page.isHidden("#problem")) ? undefined : text(page, "#problem-text");
    }
    const give = (page, kind, what) => said(page, () => page.setInputFiles(`#file-${kind}`, what));

    test("the sample works: the running bundle's tower and candidates, by both engines, with the time of each stage", async () => {
      const { page, problems, close } = await open();
      assert.equal(await said(page, () => page.click("#sample")), undefined);
      assert.match(await text(page, "#verdict-text"), /Every op is in the compact set: the program has [\d,]+ bytes, compiled here/);
      const first = await slate(page);
      assert.equal(new Set(first).size, 12);
      assert.match(await text(page, "#agreement"), /differ by \d\.\de-\d+ at most; their slates are the same/);
      const stages = await page.$$eval("#stages tr", (rows) => rows.map((row) => [...row.children].map((cell) => cell.textContent)));
      assert.deepEqual(stages.map(([name]) => name), ["read, once", "tower", "score", "diversify", "whole"]);
      for (const [name, ...cells] of stages) assert.ok(cells.every((cell) => /^[\d.]+ (µs|ms)$|^[\d.]+×$/.test(cell)), `${name}: ${cells}`);
      assert.equal(await said(page, () => page.click("#draw")), undefined);
      assert.notDeepEqual(await slate(page), first, "another viewer has another slate");
      const [download] = await Promise.all([page.waitForEvent("download"), page.click("#program-save")]);
      assert.ok(readFileSync(await download.path()).length > 1000);
      // What is saved is what is read.
      const saved = [];
      page.on("download", (one) => saved.push(one));
      await said(page, () => page.click("#sample-save"));
      for (let waited = 0; saved.length < 2 && waited < 5000; waited += 50) await page.waitForTimeout(50);
      const csv = saved.find((one) => one.suggestedFilename() === "candidates.csv");
      assert.equal(await give(page, "candidates", { name: "candidates.csv", mimeType: "text/csv", buffer: readFileSync(await csv.path()) }), undefined);
      assert.match(await text(page, "#said-candidates"), /candidates with vectors of \d+$/);
      assert.deepEqual(problems, []);
      await close();
    });

    test("a graph of PyTorch ranks candidates of one's own, and both engines give what onnxruntime gave; nothing is sent", async () => {
      const { page, requests, problems, close } = await open();
      assert.equal(await give(page, "candidates", file("mine.csv", CANDIDATES)), undefined);
      assert.match(await text(page, "#said-candidates"), /4 candidates with vectors of 2; not read: colour/);
      assert.equal(await give(page, "tower", foreign("dynamo-crosses.onnx")), undefined);
      assert.equal(await give(page, "inputs", foreign("dynamo-crosses.json")), undefined);
      const told = await text(page, "#agreement");
      for (const engine of ["compact", "tract"]) assert.ok(Number(new RegExp(`${engine} is (\\S+) from`).exec(told)[1]) <= 1e-5, told);
      await said(page, () => page.$eval("#diversity", (input) => {
        input.value = "0";
        input.dispatchEvent(new Event("input"));
      }));
      const { expected } = JSON.parse(readFileSync(foreign("dynamo-crosses.json"), "utf8"));
      const score = (id) => VECTORS[id][0] * expected[0] + VECTORS[id][1] * expected[1];
      assert.deepEqual(await slate(page), Object.keys(VECTORS).sort((one, other) => score(other) - score(one)));
      assert.match(await text(page, "#slate"), /Bread, "slowly"food, slow/);
      const before = await slate(page);
      const fields = page.locator("#fields textarea");
      assert.match(await said(page, async () => { await fields.first().fill("999999, 0, 0"); await fields.last().focus(); }), /999999 is outside 0\.\.\d+ \(id-out-of-range\)/);
      assert.match(await said(page, async () => { await fields.first().fill("0, 0"); await fields.last().focus(); }), /2 numbers, the graph takes 3/);
      assert.match(await said(page, async () => { await fields.first().fill("0, 0, x"); await fields.last().focus(); }), /“x” is no id/);
      assert.deepEqual(await slate(page), before, "the last good slate stays");
      // What was fetched are this site's own files.
      const { site } = given();
      assert.deepEqual(requests.filter((url) => !url.startsWith(site.page)), []);
      assert.deepEqual(problems, []);
      await close();
    });

    test("a program compiled by the command line is taken beside its tower, and another's is refused", async () => {
      const { page, close } = await open();
      const [own, others] = ["dynamo-crosses", "dynamo-attention"].map((name) => {
        execFileSync(binary("upnext-export"), ["compile", foreign(`${name}.onnx`), "--out", join(folder, `${name}.program`)], { stdio: "pipe" });
        return join(folder, `${name}.program`);
      });
      await give(page, "candidates", file("mine.csv", CANDIDATES));
      await give(page, "tower", foreign("dynamo-crosses.onnx"));
      assert.equal(await give(page, "program", own), undefined);
      assert.match(await text(page, "#verdict-text"), /and was given/);
      assert.match(await text(page, "#agreement"), /their slates are the same/);
      assert.match(await give(page, "program", others), /the program takes .*, the tower .*compile this tower.*program-invalid/);
      assert.equal((await slate(page)).length, 4);
      await close();
    });

    test("an op outside the compact set is named as the command line names it, and tract runs the tower", async () => {
      const { page, close } = await open();
      const refused = foreign("torch-recurrent.onnx");
      await give(page, "tower", refused);
      const { stderr } = spawnSync(binary("upnext-export"), ["compile", refused, "--out", join(folder, "none")], { encoding: "utf8" });
      const [, named] = /(node `[^`]+` \([^)]*\): [^;]+);/.exec(stderr);
      assert.match(named, /GRU/);
      const verdict = await text(page, "#verdict-text");
      assert.ok(verdict.includes(named), `${verdict} lacks ${named}`);
      assert.match(verdict, /op-unsupported/);
      assert.ok(await page.isHidden("#program-save"));
      const width = Number(/→ (\d+)$/.exec(await text(page, "#said-tower"))[1]);
      const columns = Array.from({ length: width }, (_, i) => `v${i}`);
      const rows = ["a", "b", "c"].map((id, row) => [id, ...columns.map((_, i) => Math.sin(row * 7 + i))].join(","));
      assert.equal(await give(page, "candidates", file("mine.csv", [["id", ...columns].join(","), ...rows].join("\n"))), undefined);
      assert.equal((await slate(page)).length, 3);
      assert.match(await text(page, "#agreement"), /One engine ran/);
      const tower = await page.$eval("#stages tr:nth-child(2)", (row) => [...row.children].map((cell) => cell.textContent));
      assert.deepEqual([tower[1], tower[3]], ["–", "–"]);
      assert.match(tower[2], /µs|ms/);
      await close();
    });

    test("an op that tract does not know is named; a graph that makes tract trap is told of, and the page starts its module again", async () => {
      const { page, problems, close } = await open();
      const exported = readFileSync(foreign("torch-recurrent.onnx"));
      // The same graph with an op of the same length that no engine has.
      const unknown = Buffer.from(exported);
      for (let at = unknown.indexOf("\x22\x03GRU"); at >= 0; at = unknown.indexOf("\x22\x03GRU")) unknown.write("GRX", at + 2);
      assert.ok(!unknown.equals(exported), "the op is where it was thought to be");
      assert.match((await give(page, "tower", { name: "unknown.onnx", mimeType: "text/plain", buffer: unknown })) ?? "no problem", /unknown\.onnx: .*GRX.*onnx-invalid/s);
      // Ids of a graph outside the compact set are not checked before tract looks them up.
      assert.equal(await give(page, "tower", foreign("torch-recurrent.onnx")), undefined);
      const width = Number(/→ (\d+)$/.exec(await text(page, "#said-tower"))[1]);
      const vector = (row) => Array.from({ length: width }, (_, i) => Math.sin(row * 7 + i)).join(" ");
      assert.equal(await give(page, "candidates", file("mine.csv", `id,vector\na,${vector(0)}\nb,${vector(1)}\n`)), undefined);
      const before = await slate(page);
      const field = page.locator("#fields textarea").first();
      const typed = (words) => said(page, async () => { await field.fill(words); await page.focus("#size"); });
      assert.match((await typed("999999, 0, 0")) ?? "no problem", /the module stopped: .*has no row for: give smaller ids\. The module was started again/);
      // What it had was read again, by the new one.
      assert.match(await text(page, "#said-tower"), /→ \d+$/);
      assert.deepEqual(await slate(page), before);
      assert.equal(await typed("1, 2, 0"), undefined);
      assert.equal((await slate(page)).length, 2);
      assert.deepEqual(problems, []);
      await close();
    });

    test("a bad file is told with what, where and how to mend it, and the page goes on", async () => {
      const { page, problems, close } = await open();
      const bad = [
        ["tower", file("notes.onnx", "not a graph"), /notes\.onnx: ONNX graph notes\.onnx: .*onnx-invalid/],
        ["tower", file("empty.onnx", ""), /empty\.onnx: the file is empty/],
        ["tower", file("tower.pt", "x"), /tower\.pt: what it is is told by the end of its name: \.onnx for the tower/],
        ["candidates", file("a.csv", "title,v0\nx,1\n"), /a\.csv: line 1: there is no column `id`; found: title, v0/],
        ["candidates", file("a.csv", "id,title\nx,1\n"), /line 1: there is no vector; name its columns v0/],
        ["candidates", file("a.csv", "id,v0,v2\nx,1,2\n"), /line 1: .*v1 is missing/],
        ["candidates", file("a.csv", "id,id,v0\nx,y,1\n"), /line 1: the column id is there twice/],
        ["candidates", file("a.csv", "id,v0\n\nx,1\nx,2\n"), /line 4: the id x is that of line 3 too/],
        ["candidates", file("a.csv", 'id,title,v0\nx,"two\nlines",1\ny,z,one\n'), /line 4: column v0: “one” is no finite number/],
        ["candidates", file("a.csv", "id,v0\nx,1e99\n"), /line 2: column v0: “1e99” is no finite number/],
        ["candidates", file("a.csv", "id,title,v0\nx,a,b,1\n"), /line 2: 4 fields, the first line names 3 columns; a text with a comma/],
        ["candidates", file("a.csv", 'id,v0\n"x,1\n'), /line 2: a quote is opened and never closed/],
        ["candidates", file("a.csv", "id,vector\nx,1 2\ny,1 2 3\n"), /line 3: the vector has 3 numbers, that of the first candidate 2/],
        ["candidates", file("a.csv", "id,v0\n"), /there is no candidate/],
        ["inputs", file("a.json", "{}"), /give the tower first/],
      ];
      for (const [kind, what, expected] of bad) assert.match((await give(page, kind, what)) ?? "no problem", expected, what.buffer.toString());
      await give(page, "tower", foreign("dynamo-crosses.onnx"));
      for (const [json, expected] of [
        ["{", /a\.json: this is not JSON/],
        ["{}", /there is no list `inputs`/],
        ['{"inputs": [{"name": "numbers", "dense": [1, 2]}]}', /input fields is missing/],
        ['{"inputs": [{"name": "fields", "ids": [1, 2]}, {"name": "numbers", "dense": [1, 2]}]}', /input fields: 2 numbers; 1 row of 3 are 3/],
      ]) assert.match((await give(page, "inputs", file("a.json", json))) ?? "no problem", expected, json);
      assert.match(await give(page, "program", file("a.program", "nothing")), /a\.program: .*program-invalid/);
      assert.match(await give(page, "candidates", file("wide.csv", "id,vector\nx,1 2 3\n")), /the tower gives 2 numbers, the vectors of the candidates have 3/);
      assert.ok(await page.isHidden("#ranked"), "no slate of files that were replaced");
      assert.equal(await give(page, "candidates", file("mine.csv", `\ufeff${CANDIDATES.replaceAll("\n", "\r\n")}`)), undefined);
      assert.equal((await slate(page)).length, 4);
      assert.deepEqual(problems, []);
      await close();
    });

    test("it is used by keyboard, is no wider than the screen from either side, and axe finds nothing serious", async () => {
      const axe = readFileSync(join(root, "node_modules/axe-core/axe.min.js"), "utf8");
      for (const [width, dir, colorScheme] of [[360, "ltr", "dark"], [360, "rtl", "light"], [1280, "ltr", "light"], [3840, "rtl", "dark"]]) {
        const { page, close } = await open({ viewport: { width, height: 900 }, colorScheme }, `?dir=${dir}`);
        await page.keyboard.press("Tab");
        assert.equal(await page.evaluate(() => document.activeElement.className), "jump");
        const met = new Set();
        for (let i = 0; i < 25; i++) {
          await page.keyboard.press("Tab");
          met.add(await page.evaluate(() => document.activeElement.id));
        }
        for (const id of ["theme", "sample", "sample-save", "file-tower", "file-candidates", "file-program", "file-inputs", "output"]) assert.ok(met.has(id), id);
        await page.focus("#sample");
        assert.equal(await said(page, () => page.keyboard.press("Enter")), undefined);
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${width} ${dir} is wider than the screen`);
        await page.evaluate(axe);
        const { violations } = await page.evaluate(() => globalThis.axe.run("html", { resultTypes: ["violations"] }));
        const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
        assert.deepEqual(serious.map(({ id, nodes }) => [id, nodes.slice(0, 3).map(({ html, failureSummary }) => `${html} ${failureSummary}`)]), [], `${width} ${dir}`);
        await close();
      }
    });
  });
}

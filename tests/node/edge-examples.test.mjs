// The examples of docs/examples/edge, deployed as they are: workerd by what wrangler.json says, Deno, Bun and Node.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { copyExamples, edges, serveOrigin } from "../lib/edges.mjs";
import { installPacked } from "../lib/packed.mjs";
import { ensureProjectTools } from "../lib/projects.mjs";

ensureProjectTools();
const folder = copyExamples(installPacked().project);
let served;
before(async () => (served = await serveOrigin("trained")));
after(() => served?.close());

const starts = (command) => {
  try {
    execFileSync(command, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
};

describe("the edge examples", () => {
  for (const [name, { command, start }] of Object.entries(edges)) {
    const skip = command && !starts(command) ? `skipped: ${name} does not start here` : false;
    if (skip) console.log(skip);
    test(`${name} ranks for thin clients, and asks the origin for nothing but bundle and block`, { skip, timeout: 120_000 }, async () => {
      served.seen.length = 0;
      const { ask, close } = await start(folder, served.origin);
      try {
        const slateOf = async (body) => {
          const answer = await ask(body);
          const said = await answer.json();
          assert.equal(answer.status, 200, JSON.stringify(said));
          return said.items.map((item) => item.id);
        };
        const nobody = await slateOf({});
        assert.equal(new Set(nobody).size, 12);
        const asked = served.seen.length;
        const viewer = { context: { utcOffsetMinutes: 60, device: "tv" }, profile: { language: "en", age: 30 }, options: { size: 5 }, events: [{ kind: "not_interested", video: nobody[0], atMs: Date.now() - 1000 }] };
        const slate = await slateOf(viewer);
        assert.equal(slate.length, 5);
        assert.ok(!slate.includes(nobody[0]));
        assert.deepEqual(await slateOf({}), nobody);
        const refused = await ask({ token: "x" });
        assert.deepEqual([refused.status, (await refused.json()).code], [400, "request-invalid"]);
        assert.equal(served.seen.length, asked, "nothing is asked for the second viewer");
        assert.ok(served.seen.every(({ method, bytes, path }) => method === "GET" && bytes === 0 && /^\/(bundle\/|v1\/candidates\?)/.test(path)), JSON.stringify(served.seen));
      } finally {
        await close();
      }
    });
  }
});

// Graphs by themselves: the module with tract compiles and runs what exporters wrote, and names what it cannot compile.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "../lib/paths.mjs";
import { installPacked } from "../lib/packed.mjs";

const folder = join(root, "tests/foreign");
const packed = installPacked();
const { loadGraphs } = await packed.load("upnext/onnx");
const graphs = await loadGraphs();

const cases = readdirSync(folder).filter((name) => name.endsWith(".json")).map((name) => ({ name: name.replace(".json", ""), ...JSON.parse(readFileSync(join(folder, name), "utf8")) }));
const open = ({ name, output }) => graphs.onnx(readFileSync(join(folder, `${name}.onnx`)), { name, ...(output && { output }) });
/** The values of one row of a case. */
const rowOf = ({ inputs }, rows, row) => Object.fromEntries(inputs.map(({ name, ids, dense }) => {
  const all = ids ?? dense;
  const width = all.length / rows;
  return [name, all.slice(row * width, (row + 1) * width)];
}));
const far = (one, other) => one.reduce((most, value, i) => Math.max(most, Math.abs(value - other[i]) / Math.max(1, Math.abs(other[i]))), 0);

test("graphs of exporters give what onnxruntime gave, by tract and as programs, or their op is named", () => {
  let [equal, refused] = [0, 0];
  for (const one of cases) {
    if (one.refused) {
      assert.throws(() => open(one).compile(), (error) => error.name === "UpnextError" && error.code === "op-unsupported" && error.message.includes(one.refused), one.name);
      refused++;
      continue;
    }
    const graph = open(one);
    const program = graphs.program(graph.compile());
    assert.deepEqual(program.inputs.map(({ name }) => name).sort(), graph.inputs.map(({ name }) => name).sort());
    assert.equal(program.outputWidth, graph.outputWidth);
    for (let row = 0; row < one.rows; row++) {
      const expected = one.expected.slice(row * graph.outputWidth, (row + 1) * graph.outputWidth);
      const values = rowOf(one, one.rows, row);
      assert.ok(far([...program.run(values)], expected) <= 1e-5, `${one.name}, program, row ${row}`);
      // tract 0.23 computes Celu without its factor: the compiler rewrites it before tract sees it.
      assert.ok(far([...graph.run(values)], expected) <= 1e-5, `${one.name}, tract, row ${row}`);
    }
    assert.ok(graph.compile("int8").length <= graph.compile().length);
    program.close();
    graph.close();
    equal++;
  }
  assert.ok(equal >= 12 && refused >= 2, `${equal} equal, ${refused} refused`);
});

test("a slate of vectors has the order of dot products, ties by id, and diversity changes it", () => {
  const width = 5;
  const ids = Array.from({ length: 40 }, (_, row) => `v${(row * 17) % 40}`);
  const vectors = Float32Array.from({ length: ids.length * width }, (_, i) => Math.sin(Math.floor(i / (2 * width)) * 3 + (i % width)));
  const query = Float32Array.from([0.5, -1, 0.25, 2, 1]);
  const candidates = graphs.candidates(ids, vectors);
  assert.equal(candidates.width, width);
  const scores = candidates.scores(query);
  ids.forEach((_, row) => {
    const naive = query.reduce((sum, value, i) => sum + value * vectors[row * width + i], 0);
    assert.ok(Math.abs(scores[row] - naive) < 1e-5);
  });
  const order = ids.map((_, row) => row).sort((one, other) => scores[other] - scores[one] || (ids[one] < ids[other] ? -1 : 1));
  assert.deepEqual(candidates.slate(scores, { size: 40, diversity: 0 }), order);
  // Rows come in pairs of equal vectors: the second of a pair adds nothing.
  for (const method of ["mmr", "dpp", "ssd"]) assert.notDeepEqual(candidates.slate(scores, { size: 8, diversity: 0.7, method }), order.slice(0, 8), method);
  assert.equal(candidates.slate(scores, { size: 100 }).length, 40);
  assert.throws(() => candidates.scores(Float32Array.of(1)), { code: "request-invalid" });
  assert.throws(() => candidates.slate(Float32Array.of(1)), { code: "request-invalid" });
  assert.throws(() => candidates.slate(scores, { method: "best" }), { code: "request-invalid" });
  assert.throws(() => graphs.candidates(["a", "b"], Float32Array.of(1, 2, 3)), { code: "request-invalid" });
  assert.throws(() => graphs.candidates(["a"], Float32Array.of(NaN)), { code: "not-finite" });
  assert.throws(() => graphs.candidates([], new Float32Array()), { code: "request-invalid" });
  candidates.close();
});

test("bad bytes and bad values have codes, and the module lives on", () => {
  const graph = open(cases.find(({ name }) => name === "dynamo-crosses"));
  const good = { fields: [0, 1, 2], numbers: [0.5, -1] };
  const before = graph.run(good);
  assert.throws(() => graphs.onnx(Buffer.from("no graph")), { code: "onnx-invalid" });
  assert.throws(() => graphs.onnx(readFileSync(join(folder, "dynamo-crosses.onnx")), { output: "nothing" }), { code: "config-invalid" });
  assert.throws(() => graphs.program(Buffer.from("no program")), { code: "program-invalid" });
  assert.throws(() => graph.compile("f8"), { code: "request-invalid" });
  for (const values of [{}, { ...good, fields: [0, 1] }, { ...good, fields: [0, 1, -1] }, { ...good, fields: [0, 1, 0.5] }]) assert.throws(() => graph.run(values), { code: "request-invalid" });
  assert.throws(() => graph.run({ ...good, fields: [0, 1, 4_000_000] }), { code: "id-out-of-range" });
  assert.deepEqual(graph.run(good), before);
});

test("by require too", async () => {
  const required = createRequire(join(packed.project, "package.json"))("upnext/onnx");
  const again = await required.loadGraphs();
  assert.equal(again.program(open(cases.find(({ name }) => name === "dynamo-crosses")).compile()).outputWidth, 2);
});

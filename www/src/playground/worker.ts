// The worker of the playground: the module with tract, a tower, its program, candidates.
import { loadGraphs, UpnextError, type Candidates, type Graph, type Graphs, type OnnxGraph } from "upnext/onnx";
import type { Answered, Asked, ProgramInfo, Questions, Refused, Stage, TowerInfo, Wish } from "./protocol.js";

/** A block of calls lasts this long: a page's clock goes in tenths of a millisecond. */
const BLOCK_MS = 8;
const BLOCKS = 15;

let loading: Promise<Graphs> | undefined;
let tower: OnnxGraph | undefined;
let program: { graph: Graph; bytes: Uint8Array } | undefined;
let candidates: Candidates | undefined;

const timed = <T>(make: () => T): [T, number] => {
  const began = performance.now();
  const made = make();
  return [made, performance.now() - began];
};
/** What is no error of the package's own: the module is dead then, and the page starts another worker. */
function isTrap(error: unknown): boolean {
  const cause = error instanceof UpnextError ? error.cause : error;
  return cause instanceof WebAssembly.RuntimeError || cause instanceof RangeError;
}
const info = (graph: Graph, readMs: number): TowerInfo => ({ inputs: graph.inputs, outputWidth: graph.outputWidth, readMs });
const needed = <T>(value: T | undefined, what: string): T => {
  if (value === undefined) throw new UpnextError("not-ready", what);
  return value;
};

function takeProgram(graphs: Graphs, bytes: Uint8Array, compileMs?: number): ProgramInfo {
  const [graph, readMs] = timed(() => graphs.program(bytes));
  if (tower) {
    const shape = (one: Graph) => `${[...one.inputs].map(({ name, width, ids }) => `${name} ${width} ${ids ? "ids" : "floats"}`).sort().join(", ")} to ${one.outputWidth}`;
    if (shape(graph) !== shape(tower)) throw new UpnextError("program-invalid", `the program takes ${shape(graph)}, the tower ${shape(tower)}; compile this tower: upnext-export compile TOWER.onnx --out TOWER.program`);
  }
  program?.graph.close();
  program = { graph, bytes };
  return { ...info(graph, readMs), bytes: bytes.length, ...(compileMs !== undefined && { compileMs }) };
}

const far = (one: ArrayLike<number>, other: ArrayLike<number>) => (one.length === other.length ? Array.from(one).reduce((most, value, i) => Math.max(most, Math.abs(value - other[i]!)), 0) : Infinity);

/** Vectors of one wish, by engine. */
function vectors({ values }: Wish): { compact: Float32Array | undefined; tract: Float32Array | undefined; one: Float32Array } {
  const [compact, tract] = [program?.graph.run(values), tower?.run(values)];
  const one = needed(compact ?? tract, "there is no tower yet");
  const odd = one.findIndex((value) => !Number.isFinite(value));
  if (odd >= 0) throw new UpnextError("not-finite", `the tower's output is not finite at ${odd} for these inputs; nothing can be ranked by it`);
  return { compact, tract, one };
}

/** Milliseconds of so many calls. */
const block = (call: () => void, count: number): number => timed(() => {
  for (let i = 0; i < count; i++) call();
})[1];

/** Median microseconds of a call of each; blocks take turns, so that a slow moment of the machine meets all. */
function micros<Name extends string>(calls: Record<Name, (() => void) | undefined>): Record<Name, number | undefined> {
  const runs = Object.entries(calls).filter((one): one is [Name, () => void] => one[1] !== undefined);
  const often = new Map<string, number>();
  for (const [name, call] of runs) {
    let [count, ms] = [1, 0];
    for (; ; count *= 2) {
      // The quickest of three: one that was interrupted would make the blocks shorter than the clock can tell.
      ms = Math.min(...[0, 1, 2].map(() => block(call, count)));
      if (ms >= BLOCK_MS / 2 || count > 1e6) break;
    }
    often.set(name, Math.max(1, Math.round((count * BLOCK_MS) / Math.max(ms, 0.1))));
  }
  const took = new Map<string, number[]>(runs.map(([name]) => [name, []]));
  for (let round = 0; round < BLOCKS; round++)
    for (const [name, call] of runs) {
      const count = often.get(name)!;
      took.get(name)!.push((block(call, count) * 1000) / count);
    }
  const median = (all: number[]) => [...all].sort((a, b) => a - b)[Math.floor(all.length / 2)]!;
  return Object.fromEntries(Object.keys(calls).map((name) => [name, took.has(name) ? median(took.get(name)!) : undefined])) as Record<Name, number | undefined>;
}

const answers: { [Name in keyof Questions]: (graphs: Graphs, argument: Parameters<Questions[Name]>[0]) => ReturnType<Questions[Name]> } = {
  tower(graphs, { name, bytes, output }) {
    const [graph, readMs] = timed(() => graphs.onnx(bytes, { name, ...(output !== undefined && { output }) }));
    tower?.close();
    program?.graph.close();
    [tower, program] = [graph, undefined];
    let compiled: ProgramInfo | Refused;
    try {
      const [made, compileMs] = timed(() => graph.compile());
      compiled = takeProgram(graphs, made, compileMs);
    } catch (error) {
      if (!(error instanceof UpnextError) || isTrap(error)) throw error;
      compiled = { code: error.code, message: error.message };
    }
    return { tower: info(graph, readMs), program: compiled };
  },
  program: (graphs, { bytes }) => takeProgram(graphs, bytes),
  candidates(graphs, { ids, vectors }) {
    const made = graphs.candidates(ids, vectors);
    candidates?.close();
    candidates = made;
    return { width: made.width };
  },
  rank(_, wish) {
    const all = needed(candidates, "there are no candidates yet");
    const { compact, tract, one } = vectors(wish);
    const scores = all.scores(one);
    const { size, diversity, expected } = wish;
    const rows = all.slate(scores, { size, diversity });
    const other = compact && tract ? all.slate(all.scores(tract), { size, diversity }) : undefined;
    return {
      rows,
      scores: rows.map((row) => scores[row]!),
      apart: compact && tract ? far(compact, tract) : undefined,
      same: other && String(other) === String(rows),
      fromExpected: expected ? { ...(compact && { compact: far(compact, expected) }), ...(tract && { tract: far(tract, expected) }) } : {},
    };
  },
  time(_, wish) {
    const all = needed(candidates, "there are no candidates yet");
    const { size, diversity, values } = wish;
    const { one } = vectors(wish);
    const scores = all.scores(one);
    const [compact, tract] = [program?.graph, tower];
    const run = micros({ compact: compact && (() => void compact.run(values)), tract: tract && (() => void tract.run(values)) });
    // The engines differ in the tower alone: what follows is the same code.
    const { score, slate } = micros({ score: () => void all.scores(one), slate: () => void all.slate(scores, { size, diversity }) });
    const both = (name: string, took: number | undefined): Stage => ({ name, compact: compact && took, tract: tract && took });
    const stages = [{ name: "tower", ...run }, both("score", score), both("diversify", slate)];
    const whole = (engine: "compact" | "tract") => (run[engine] === undefined ? undefined : stages.reduce((sum, stage) => sum + (stage[engine] ?? 0), 0));
    return [...stages, { name: "whole", compact: whole("compact"), tract: whole("tract") }];
  },
  compiled: () => needed(program, "there is no program").bytes,
};

addEventListener("message", async ({ data }: MessageEvent<Asked>) => {
  const { id, name, argument } = data;
  try {
    const graphs = await (loading ??= loadGraphs());
    const answer = (answers[name] as unknown as (graphs: Graphs, argument: unknown) => unknown)(graphs, argument);
    postMessage({ id, answer } satisfies Answered);
  } catch (error) {
    const code = isTrap(error) ? "trapped" : error instanceof UpnextError ? error.code : "server-error";
    postMessage({ id, error: { code, message: error instanceof Error ? error.message : String(error) } } satisfies Answered);
  }
});

import { UpnextError, typed } from "./errors.js";
import type { DiversityMethod, GraphInput } from "./types.js";

export { instantiate } from "./engine.js";

/** A graph that is run one row at a time, in the thread that calls. */
export interface Graph {
  /** Inputs, in the graph's order. */
  readonly inputs: readonly GraphInput[];
  /** Values of the output. */
  readonly outputWidth: number;
  /**
   * The output for one row; `values` holds each input's values by its name. Throws `request-invalid` where an input is
   * missing or of another width, `id-out-of-range` for an id that has no row in its table.
   */
  run(values: Readonly<Record<string, ArrayLike<number>>>): Float32Array;
  /** Frees its memory. */
  close(): void;
}

/** An ONNX graph, run by tract. */
export interface OnnxGraph extends Graph {
  /**
   * The bytes of its compact program, by the compiler of `upnext-export compile`. Throws `op-unsupported`, with the name of
   * the node, where the graph is outside the compact set. Ids of such a graph are not checked: tract traps on one that
   * its table lacks, and the module is then dead in this thread.
   */
  compile(precision?: "f32" | "f16" | "int8"): Uint8Array;
}

/** Candidates that are known by an id and a vector each. */
export interface Candidates {
  /** Values of a vector. */
  readonly width: number;
  /** The dot product of each candidate's vector with `query`. */
  scores(query: Float32Array): Float32Array;
  /** Rows of a slate, best first: the order of `scores` from the highest, ties by id, then diversified as every slate is. */
  slate(scores: Float32Array, options?: { size?: number; diversity?: number; method?: DiversityMethod }): number[];
  /** Frees their memory. */
  close(): void;
}

/** What the module with tract makes of bytes, without a bundle. */
export interface Graphs {
  /** Reads an ONNX graph, called `name` in errors, up to `output` where it has several of floats. */
  onnx(bytes: Uint8Array, options?: { name?: string; output?: string }): OnnxGraph;
  /** Reads a compact program. */
  program(bytes: Uint8Array): Graph;
  /** Candidates with their vectors, one row after the other. */
  candidates(ids: readonly string[], vectors: Float32Array): Candidates;
}

/** What the module holds of a graph: ids and floats of all inputs, each kind in the inputs' order. */
interface RawGraph {
  readonly inputs: GraphInput[];
  readonly outputWidth: number;
  run(ids: Uint32Array, dense: Float32Array): Float32Array;
  free(): void;
}
interface RawOnnxGraph extends RawGraph {
  compile(precision: string): Uint8Array;
}
interface RawCandidates {
  readonly width: number;
  scores(query: Float32Array): Float32Array;
  slate(scores: Float32Array, size: number, diversity: number, method: string): Uint32Array;
  free(): void;
}

/** What the module with tract exports besides the recommender. */
export interface GraphModule {
  OnnxGraph: new (name: string, onnx: Uint8Array, output?: string | null) => RawOnnxGraph;
  ProgramGraph: new (program: Uint8Array) => RawGraph;
  Candidates: new (ids: string[], vectors: Float32Array) => RawCandidates;
}

/** Graphs of a loaded module. */
export function graphs(module: GraphModule): Graphs {
  return {
    onnx(bytes, { name = "model.onnx", output } = {}) {
      const raw = typed(() => new module.OnnxGraph(name, bytes, output ?? null));
      return { ...graph(raw), compile: (precision = "f32") => typed(() => raw.compile(precision)) };
    },
    program: (bytes) => graph(typed(() => new module.ProgramGraph(bytes))),
    candidates(ids, vectors) {
      const raw = typed(() => new module.Candidates([...ids], vectors));
      return {
        width: raw.width,
        scores: (query) => typed(() => raw.scores(query)),
        slate: (scores, { size = 12, diversity = 0.3, method = "mmr" } = {}) => typed(() => [...raw.slate(scores, size, diversity, method)]),
        close: () => raw.free(),
      };
    },
  };
}

function graph(raw: RawGraph): Graph {
  const inputs = raw.inputs;
  const width = (ids: boolean) => inputs.reduce((sum, input) => sum + (input.ids === ids ? input.width : 0), 0);
  // Kept between runs: the module copies what it is given.
  const [ids, dense] = [new Uint32Array(width(true)), new Float32Array(width(false))];
  return {
    inputs,
    outputWidth: raw.outputWidth,
    run(values) {
      let [id, float] = [0, 0];
      for (const input of inputs) {
        const given = values[input.name];
        if (given?.length !== input.width) {
          throw new UpnextError("request-invalid", `input ${input.name}: ${given ? `${given.length} values` : "no values"}, expected ${input.width} ${input.ids ? "ids" : "floats"}`);
        }
        if (input.ids) {
          for (let i = 0; i < given.length; i++) if (!isId(given[i]!)) throw new UpnextError("request-invalid", `input ${input.name}: ${given[i]} is no id; ids are whole numbers from 0`);
          ids.set(given, id);
          id += input.width;
        } else {
          dense.set(given, float);
          float += input.width;
        }
      }
      return typed(() => raw.run(ids, dense));
    },
    close: () => raw.free(),
  };
}

const isId = (value: number) => Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff;

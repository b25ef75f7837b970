// Types of `upnext/onnx`: those of every entry, and graphs by themselves.
import type { Graphs } from "./graph.js";
export * from "./public.js";
export type { Candidates, Graph, Graphs, OnnxGraph } from "./graph.js";
export type { GraphInput } from "./types.js";
/**
 * Loads the module with tract into the calling thread, to compile and run graphs that are in no bundle. A page that
 * wants to stay awake meanwhile calls it in a worker.
 */
export declare function loadGraphs(): Promise<Graphs>;

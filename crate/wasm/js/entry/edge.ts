// Edge workers: the module is imported as a `WebAssembly.Module`, since a worker may not compile bytes.
import * as glue from "#compact";
import wasm from "#compact-wasm";
import { edgeFactory } from "../edge.js";
import { compiled } from "../engine.js";
export { UpnextError } from "../errors.js";
export const createEdgeHandler = edgeFactory(() => compiled(glue, wasm));

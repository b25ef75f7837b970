// Cloudflare's workerd: the module is imported as a `WebAssembly.Module`, since a worker may not compile bytes.
import * as glue from "#compact";
import wasm from "#compact-wasm";
import { compiled, withoutOnnx } from "../engine.js";
import { factory } from "../recommender.js";
export * from "../index.js";
export const createRecommender = factory({ compact: async () => compiled(glue, wasm), onnx: withoutOnnx });

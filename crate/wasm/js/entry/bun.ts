// Bun: the module is read from disk by its own reader.
import * as glue from "#compact";
import { instantiate } from "../engine.js";
import { factory } from "../recommender.js";
export * from "../index.js";
export const createRecommender = factory({
  compact: () => instantiate(glue, Bun.file(new URL("./compact/upnext_bg.wasm", import.meta.url)).bytes()),
  onnx: async () => (await import("./onnx-node.js")).load(),
});

// Deno: the module lies beside this file, on disk or behind a URL.
import * as glue from "#compact";
import { instantiate } from "../engine.js";
import { factory } from "../recommender.js";
export * from "../index.js";
export const createRecommender = factory({
  compact: () => instantiate(glue, fetch(new URL("./compact/upnext_bg.wasm", import.meta.url))),
  onnx: async () => (await import("./onnx-node.js")).load(),
});

// Node: the module is read from disk.
import { readFile } from "node:fs/promises";
import * as glue from "#compact";
import { instantiate } from "../engine.js";
import { factory } from "../recommender.js";
export * from "../index.js";
export const createRecommender = factory({
  compact: () => instantiate(glue, readFile(new URL("./compact/upnext_bg.wasm", import.meta.url))),
  onnx: async () => (await import("./onnx-node.js")).load(),
});

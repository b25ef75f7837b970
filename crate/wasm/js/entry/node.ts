// Node: the module is read from disk. Built twice, for `import` and for `require`.
import { readFile } from "node:fs/promises";
import * as glue from "#compact";
import { instantiate } from "../engine.js";
import { factory } from "../recommender.js";
export * from "../index.js";
const compact = () => instantiate(glue, readFile(new URL("./compact/upnext_bg.wasm", import.meta.url)));
export const createRecommender = factory({ compact, onnx: async () => (await import("./onnx-node.js")).load() });

// Pages and bundlers: the module is an asset beside this file, fetched by its URL.
import * as glue from "#compact";
import { instantiate } from "../engine.js";
import { factory } from "../recommender.js";
export * from "../index.js";
export const createRecommender = factory({
  compact: () => instantiate(glue, fetch(new URL("./compact/upnext_bg.wasm", import.meta.url))),
  onnx: async () => (await import("./onnx-browser.js")).load(),
});

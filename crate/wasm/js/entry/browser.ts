// Pages and bundlers: an engine in a worker of its own; its module is an asset beside the worker.
import { factory } from "../recommender.js";
export * from "../index.js";
export const createRecommender = factory({
  compact: async () => (await import("./compact-main.js")).load(),
  onnx: async () => (await import("./onnx-main.js")).load(),
  worker: {
    compact: () => new Worker(new URL("./worker.js", import.meta.url), { type: "module" }),
    onnx: () => new Worker(new URL("./onnx-worker.js", import.meta.url), { type: "module" }),
  },
});

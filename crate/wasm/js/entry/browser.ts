// Pages and bundlers: an engine in a worker of its own; its module is an asset beside the worker.
import { factory } from "../recommender.js";
export * from "../index.js";
const compact = () => new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
const onnx = () => new Worker(new URL("./onnx-worker.js", import.meta.url), { type: "module" });
const inThisThread = { compact: async () => (await import("./compact-main.js")).load(), onnx: async () => (await import("./onnx-main.js")).load() };
export const createRecommender = factory({ ...inThisThread, worker: { compact, onnx } });

// Pages and bundlers, with tract-onnx as the engine.
import { graphs } from "../graph.js";
import { factory } from "../recommender.js";
export * from "../index.js";
const main = async () => (await import("./onnx-main.js")).load();
const worker = () => new Worker(new URL("./onnx-worker.js", import.meta.url), { type: "module" });
export const loadGraphs = async () => graphs(await main());
export const createRecommender = factory({ compact: main, onnx: main, worker: { compact: worker, onnx: worker } });

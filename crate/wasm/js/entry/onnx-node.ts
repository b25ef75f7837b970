// Node, with tract-onnx as the engine.
import { readFile } from "node:fs/promises";
import * as glue from "#onnx";
import { graphs, instantiate } from "../graph.js";
import { factory } from "../recommender.js";
export * from "../index.js";
export const load = () => instantiate(glue, readFile(new URL("./onnx/upnext_bg.wasm", import.meta.url)));
export const loadGraphs = async () => graphs(await load());
export const createRecommender = factory({ compact: load, onnx: load });

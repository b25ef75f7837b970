// Pages and bundlers, with tract-onnx as the engine.
import * as glue from "#onnx";
import { instantiate } from "../engine.js";
import { factory } from "../recommender.js";
export * from "../index.js";
export const load = () => instantiate(glue, fetch(new URL("./onnx/upnext_bg.wasm", import.meta.url)));
export const createRecommender = factory({ compact: load, onnx: load });

// Where no second file can be served: the module is in this one, as base64.
import * as glue from "#compact";
import base64 from "#compact-base64";
import { fromBase64, instantiate, withoutOnnx } from "../engine.js";
import { factory } from "../recommender.js";
export * from "../index.js";
export const createRecommender = factory({ compact: () => instantiate(glue, fromBase64(base64)), onnx: withoutOnnx });

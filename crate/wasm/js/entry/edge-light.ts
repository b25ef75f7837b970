// Edge functions of Vercel and Next.js: as in workerd, with `?module` behind the file's name.
import * as glue from "#compact";
import wasm from "#compact-wasm?module";
import { compiled, withoutOnnx } from "../engine.js";
import { factory } from "../recommender.js";
export * from "../index.js";
export const createRecommender = factory({ compact: async () => compiled(glue, wasm), onnx: withoutOnnx });

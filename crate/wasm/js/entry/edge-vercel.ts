// The edge handler for edge functions of Vercel and Next.js, which want `?module` behind the file's name.
import * as glue from "#compact";
import wasm from "#compact-wasm?module";
import { edgeFactory } from "../edge.js";
import { compiled } from "../engine.js";
export { UpnextError } from "../errors.js";
export const createEdgeHandler = edgeFactory(() => compiled(glue, wasm));

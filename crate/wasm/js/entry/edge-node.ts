// The edge handler for Node, Deno and Bun: the module is read from disk.
import { readFileSync } from "node:fs";
import * as glue from "#compact";
import { edgeFactory } from "../edge.js";
import { compiled } from "../engine.js";
export { UpnextError } from "../errors.js";
export const createEdgeHandler = edgeFactory(() => compiled(glue, new WebAssembly.Module(readFileSync(new URL("./compact/upnext_bg.wasm", import.meta.url)))));

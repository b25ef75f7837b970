// tract-onnx in the page's own thread.
import * as glue from "#onnx";
import { instantiate } from "../engine.js";
export const load = () => instantiate(glue, fetch(new URL("./onnx/upnext_bg.wasm", import.meta.url)));

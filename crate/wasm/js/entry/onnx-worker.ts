// The worker of a page: tract-onnx.
import * as glue from "#onnx";
import { instantiate } from "../engine.js";
import { serveEngine } from "../thread.js";
serveEngine(() => instantiate(glue, fetch(new URL("./onnx/upnext_bg.wasm", import.meta.url))));

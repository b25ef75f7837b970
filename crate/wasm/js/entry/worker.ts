// The worker of a page: the compact engine.
import * as glue from "#compact";
import { instantiate } from "../engine.js";
import { serveEngine } from "../thread.js";
serveEngine(() => instantiate(glue, fetch(new URL("./compact/upnext_bg.wasm", import.meta.url))));

// The compact engine in the page's own thread, loaded where no worker is wanted or to be had.
import * as glue from "#compact";
import { instantiate } from "../engine.js";
export const load = () => instantiate(glue, fetch(new URL("./compact/upnext_bg.wasm", import.meta.url)));

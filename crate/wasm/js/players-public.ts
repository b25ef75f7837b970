// Types of `upnext/players`.
export type { AttachOptions } from "./attach.js";
export { attachInside, attachVideojs, type VideojsPlayer } from "./players.js";

// Types of `upnext/players`.
export type { AttachOptions } from "./attach.js";
export { attachVideojs, type VideojsPlayer } from "./players.js";

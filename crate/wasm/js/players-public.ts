// Types of `upnext/players`.
export type { AttachOptions } from "./attach.js";
export { attachHls, attachInside, attachVideojs, type HlsPlayer, type VideojsPlayer } from "./players.js";

// Types of `upnext/elements`.
export type { Ranker, UpnextElement } from "./elements/base.js";
export type { NextItem } from "./elements/choice.js";
export { defineElements } from "./elements/define.js";
export { fromJwRelated, type FromJwRelated, type JwRelated } from "./elements/jw-related.js";
export type { UpnextNextElement } from "./elements/next.js";
export type { UpnextRailElement } from "./elements/rail.js";
export type { Words } from "./elements/words.js";
export type { RecommendOptions } from "./recommender.js";
export type { Slate, SlateItem } from "./slate.js";
export type { BlockInfo, LocalTime, Reason, ReasonCode } from "./types.js";

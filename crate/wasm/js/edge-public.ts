// Types of `upnext/edge`.
import type { EdgeHandler, EdgeOptions } from "./edge.js";
export type { EdgeContext } from "./edge-cache.js";
export type { EdgeRequest } from "./edge-request.js";
export type { EdgeHandler, EdgeOptions, EdgeSlate } from "./edge.js";
export type { SlateItem } from "./slate.js";
export type { ErrorCode, FeedbackEvent, LocalTime, PersonalStanding, Profile, Reason, ReasonCode } from "./types.js";
export { UpnextError } from "./errors.js";
/** A `fetch` handler that ranks at the edge for clients that can't; what it reads of the viewer goes no further. */
export declare function createEdgeHandler(options: EdgeOptions): EdgeHandler;

// What every entry of the package exports besides its own `createRecommender`.
export { UpnextError } from "./errors.js";
export { indexedDbStorage } from "./indexed-db.js";
export { memoryStorage, type Storage } from "./storage.js";
export type { AnonymousMetrics } from "./anonymous-metrics.js";
export type { AttachOptions } from "./attach.js";
export type { EventOptions, EventPurposes, ViewerEvents } from "./events.js";
export type { RecommenderOptions, RecommendOptions, Upnext } from "./recommender.js";
export type { Learnt } from "./learnt.js";
export type { DroppedItem, Slate, SlateItem } from "./slate.js";
export type { Fetch } from "./source.js";
export type { ViewerProfile } from "./viewer.js";
export type { BlockInfo, Disclosed, DiversityMethod, DropReason, ErrorCode, EventKind, FeedbackEvent, HeadWeights, LocalTime, MetricsReport, PersonalStanding, Profile, Reason, ReasonCode } from "./types.js";

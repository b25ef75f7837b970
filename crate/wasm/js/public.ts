// Types of an entry: the same for every environment.
import type { factory } from "./recommender.js";
export * from "./index.js";
/** A recommender for one viewer. Rejects with an `UpnextError` if the first bundle can't be had. */
export declare const createRecommender: ReturnType<typeof factory>;

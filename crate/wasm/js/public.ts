// Types of an entry: the same for every environment.
import type { RecommenderOptions, Upnext } from "./recommender.js";
export * from "./index.js";
/**
 * A recommender for one viewer. Rejects with an `UpnextError` if neither a bundle can be had nor one was kept, and with
 * the reason of `signal` if that comes first.
 */
export declare function createRecommender(options: RecommenderOptions): Promise<Upnext>;

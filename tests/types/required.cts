// The same by `require`.
import upnext = require("upnext");
import edge = require("upnext/edge");

export const recommender: Promise<upnext.Upnext> = upnext.createRecommender({ origin: "https://candidates.example" });
export const handler: edge.EdgeHandler = edge.createEdgeHandler({ origin: "https://candidates.example" });
// @ts-expect-error the origin is needed
edge.createEdgeHandler({});

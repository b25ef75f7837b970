const { createRecommender, memoryStorage, UpnextError } = require("upnext");

if (typeof memoryStorage !== "function" || !(new UpnextError("not-found", "") instanceof Error)) throw new Error("the names of the entry are not all there");
import("../program.mjs").then(({ print }) => print(createRecommender, process.argv[2]));

import { createRecommender } from "upnext/inline";
import { show } from "../page.js";

show(createRecommender);

import { createRecommender } from "upnext";
import { show } from "../page.js";

show(createRecommender);

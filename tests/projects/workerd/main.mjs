import { createRecommender } from "upnext";
import { replay } from "../replay.mjs";

export default {
  async fetch(request) {
    return Response.json(await replay(createRecommender, await request.json(), (url) => fetch(url)));
  },
};

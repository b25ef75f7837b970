// Cloudflare Workers: `npx wrangler deploy`. The origin is in wrangler.json.
import { createEdgeHandler } from "upnext/edge";

let handler;

export default {
  fetch(request, env, context) {
    handler ??= createEdgeHandler({ origin: env.ORIGIN, languages: ["en"] });
    return handler(request, env, context);
  },
};

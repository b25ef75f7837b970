// Deno and Deno Deploy: `ORIGIN=https://candidates.example deno serve --allow-env=ORIGIN --allow-net --allow-read=. deno.js`
import { createEdgeHandler } from "upnext/edge";

const handler = createEdgeHandler({ origin: Deno.env.get("ORIGIN"), languages: ["en"] });

export default { fetch: (request) => handler(request) };

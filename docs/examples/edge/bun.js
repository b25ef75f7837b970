// Bun: `ORIGIN=https://candidates.example PORT=8000 bun bun.js`
import { createEdgeHandler } from "upnext/edge";

const handler = createEdgeHandler({ origin: process.env.ORIGIN, languages: ["en"] });

export default { port: process.env.PORT ?? 8000, hostname: process.env.HOST ?? "0.0.0.0", fetch: (request) => handler(request) };

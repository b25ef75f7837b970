// Node: `ORIGIN=https://candidates.example PORT=8000 node node.js`
import { createServer } from "node:http";
import { Readable } from "node:stream";
import { createEdgeHandler } from "upnext/edge";

const handler = createEdgeHandler({ origin: process.env.ORIGIN, languages: ["en"] });

createServer(async (incoming, outgoing) => {
  const body = incoming.method === "GET" || incoming.method === "HEAD" ? null : Readable.toWeb(incoming);
  const answer = await handler(new Request("http://up-next/", { method: incoming.method, body, duplex: "half" }));
  outgoing.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text());
}).listen(process.env.PORT ?? 8000, process.env.HOST);

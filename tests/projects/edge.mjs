// The edge handler without an edge: it answers every golden row of the folder that it is given.
import { existsSync, readFileSync } from "node:fs";
import process from "node:process";
import { createEdgeHandler } from "upnext/edge";

const folder = process.argv[2];
const origin = "https://golden.example";
const served = async (url) => {
  const path = folder + url.slice(origin.length).replace(/^\/bundle/, "").replace(/^\/v1\/candidates.*/, "/block.pb");
  return existsSync(path) ? new Response(readFileSync(path)) : new Response(null, { status: 404 });
};
let nowMs = 0;
const handler = createEdgeHandler({ origin, languages: ["en"], fetch: served, now: () => nowMs });
const answers = [];
const cpuMs = [];
for (const row of JSON.parse(readFileSync(`${folder}/rows.json`, "utf8"))) {
  const { nowMs: at, ...context } = row.context;
  nowMs = at;
  const before = process.cpuUsage();
  const { options, profile, history } = row;
  const answer = await handler(new Request("https://edge.example/", { method: "POST", body: JSON.stringify({ context, options, profile, history }) }));
  const { user, system } = process.cpuUsage(before);
  cpuMs.push((user + system) / 1000);
  answers.push({ status: answer.status, body: await answer.json() });
}
console.log(JSON.stringify({ answers, cpuMs }));

// What the program of every mini-project does: the golden rows of the folder that it is given, by the entry that the
// project imported. What Node, Deno and Bun have in common is all that is used.
import { existsSync, readFileSync } from "node:fs";
import { ORIGIN, replay } from "./replay.mjs";

/** Prints `{ slates }` as JSON. */
export async function print(createRecommender, folder) {
  const served = async (url) => {
    const path = folder + url.slice(ORIGIN.length).replace(/^\/bundle/, "").replace(/^\/v1\/candidates.*/, "/block.pb");
    return existsSync(path) ? new Response(readFileSync(path)) : new Response(null, { status: 404 });
  };
  const slates = [];
  for (const row of JSON.parse(readFileSync(`${folder}/rows.json`, "utf8"))) slates.push(await replay(createRecommender, row, served));
  console.log(JSON.stringify({ slates }));
}

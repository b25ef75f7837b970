// What the page of every mini-project does: the golden rows of `?set=`, by the entry that the project imported.
import { ORIGIN, replay } from "./replay.mjs";

const served = (set) => (url) => fetch(set + url.slice(ORIGIN.length).replace(/^\/bundle/, "").replace(/^\/v1\/candidates.*/, "/block.pb"));

/** Leaves `{ slates }` or `{ error }` as JSON on the page. */
export async function show(createRecommender) {
  const set = `/golden/${new URLSearchParams(location.search).get("set")}`;
  try {
    const slates = [];
    for (const row of await (await fetch(`${set}/rows.json`)).json()) slates.push(await replay(createRecommender, row, served(set)));
    document.body.dataset.result = JSON.stringify({ slates });
  } catch (error) {
    document.body.dataset.result = JSON.stringify({ error: `${error} ${error.stack}` });
  }
}

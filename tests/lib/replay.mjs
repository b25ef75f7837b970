// One golden row through the package's facade: the same code in Node and in a page, so nothing of either is imported.

export const ORIGIN = "https://golden.example";

/** What the recommender says where `row` stands; `fetch` answers for `ORIGIN`. */
export async function replay(createRecommender, row, fetch) {
  const stored = new Map([["history", JSON.stringify(row.history)]]);
  const storage = {
    get: async (key) => stored.get(key),
    set: async (key, value) => void stored.set(key, value),
    remove: async (key) => void stored.delete(key),
  };
  const { nowMs, ...moment } = row.context;
  const { seed, watching, ...options } = row.options;
  const { profile } = row;
  const upnext = await createRecommender({ origin: ORIGIN, languages: ["en"], profile, storage, fetch, now: () => nowMs, seed, refreshMs: 0 });
  const { items, receipt, dropped } = await upnext.recommend({ ...moment, ...options, ...(watching ? { watching } : {}) });
  const { engine, thread } = upnext;
  upnext.close();
  return { engine, thread, ids: items.map((item) => item.id), scores: items.map((item) => item.score), receipt, dropped };
}

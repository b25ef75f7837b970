// A recommender starts, ranks, records and refreshes, and a trace is marked with it. `?do=worker|main|nothing`.
const query = new URLSearchParams(location.search);
const thread = query.get("do");
const wait = (ms) => new Promise((done) => setTimeout(done, ms));

/** Marks a stretch of the trace; what is under way when it ends is still its doing. */
async function phase(name, act) {
  await wait(100);
  performance.mark(`begin ${name}`);
  await act();
  await wait(100);
  performance.mark(`end ${name}`);
}

async function measure() {
  const { createRecommender, indexedDbStorage } = await import("/site/upnext.js");
  const now = Number(query.get("now"));
  const served = (url) => fetch(url.replace("/bundle/", "/set/").replace(/\/v1\/candidates.*/, "/set/block.pb"));
  const create = () => createRecommender({ origin: location.origin, languages: ["en"], thread, storage: indexedDbStorage("held"), fetch: served, now: () => now, refreshMs: 0 });
  // A viewer of long standing first, with a full history; then what is measured.
  const first = await create();
  const { ids } = first.block;
  for (let i = 0; i < 1000; i++) await (i === 999 ? first.watched(ids[i % ids.length], 30) : void first.watched(ids[i % ids.length], 30 + (i % 7)));
  await first.record({ kind: "like", video: ids[0] });
  first.close();
  await wait(300);
  let upnext;
  await phase("start", async () => (upnext = await create()));
  await phase("20 slates", async () => {
    for (let i = 0; i < 20; i++) await upnext.recommend({ size: 12 });
  });
  await phase("20 events", async () => {
    for (let i = 0; i < 20; i++) await upnext.watched(ids[i], 40);
  });
  await phase("refresh", () => upnext.refresh());
  const { thread: ran } = upnext;
  upnext.close();
  return { ran };
}

if (thread !== "nothing") document.body.dataset.result = JSON.stringify(await measure().catch((error) => ({ error: String(error.stack) })));

// The page that the start of a recommender is measured on: one job, by upnext or by onnxruntime-web, from the first
// line to twelve videos. `?by=upnext|onnxruntime-web`, `?thread=`.
const query = new URLSearchParams(location.search);
const set = await (await fetch("/set/current.json")).json();
const bytes = async (path) => new Uint8Array(await (await fetch(path)).arrayBuffer());

const ways = {
  async upnext() {
    const { createRecommender, memoryStorage } = await import("/site/upnext.js");
    const served = (url) => fetch(url.replace("/bundle/", "/set/").replace(/\/v1\/candidates.*/, "/set/block.pb"));
    const upnext = await createRecommender({ origin: location.origin, languages: ["en"], thread: query.get("thread") ?? "worker", storage: memoryStorage(), fetch: served, now: () => Number(query.get("now")), refreshMs: 0, offline: false });
    const recommend = () => upnext.recommend({ size: 12 });
    return { first: (await recommend()).items.length, again: recommend };
  },
  /** The least that does the same with the same model: tower, a product per candidate, the twelve best. */
  async "onnxruntime-web"() {
    const ort = await import("/ort/ort.wasm.min.mjs");
    ort.env.wasm.wasmPaths = "/ort/";
    ort.env.wasm.numThreads = 1;
    const [{ categorical, dense, rows, width }, tower] = await Promise.all([fetch("/inputs.json").then((answer) => answer.json()), bytes(`/set/${set.bundle}/${query.get("tower")}`), bytes("/set/block.pb")]);
    const session = await ort.InferenceSession.create(tower, { executionProviders: ["wasm"] });
    const vectors = Float32Array.from({ length: rows * width }, (_, i) => Math.sin(i));
    const recommend = async () => {
      const feeds = { categorical: new ort.Tensor("int64", BigInt64Array.from(categorical, BigInt), [1, categorical.length]), dense: new ort.Tensor("float32", Float32Array.from(dense), [1, dense.length]) };
      const user = (await session.run(feeds)).vector.data;
      const scores = Array.from({ length: rows }, (_, row) => user.reduce((sum, value, i) => sum + value * vectors[row * width + i], 0));
      return scores.map((score, row) => [score, row]).sort(([a], [b]) => b - a).slice(0, 12);
    };
    return { first: (await recommend()).length, again: recommend };
  },
};

try {
  const started = performance.now();
  const { first, again } = await ways[query.get("by")]();
  const firstMs = performance.now() - started;
  const each = [];
  for (let i = 0; i < 30; i++) {
    const from = performance.now();
    await again();
    each.push(performance.now() - from);
  }
  document.body.dataset.result = JSON.stringify({ first, firstMs, eachMs: each.sort((a, b) => a - b)[15] });
} catch (error) {
  document.body.dataset.result = JSON.stringify({ error: `${error} ${error.stack}` });
}

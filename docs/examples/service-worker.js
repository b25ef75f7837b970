// A page that ranks without a network. What upnext needs it keeps itself (docs/packaging.md, "Without a network"); this
// keeps the page: everything of the page's own origin that was once had comes from the cache when the network fails.
const SHELL = "shell-1";

addEventListener("install", (event) => {
  skipWaiting();
  event.waitUntil(caches.open(SHELL).then((cache) => cache.add("/")));
});

addEventListener("activate", (event) => {
  const old = (name) => name.startsWith("shell-") && name !== SHELL;
  const cleaned = caches.keys().then((names) => Promise.all(names.filter(old).map((name) => caches.delete(name))));
  event.waitUntil(cleaned.then(() => clients.claim()));
});

addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin) return;
  // The candidate server's answers are not kept here, also where it is of the page's own origin: their time is over one
  // day, and an account's are forgotten by `profile.wipe()`. upnext sees to both.
  if (/^\/(v1|bundle)\//.test(pathname)) return;
  event.respondWith(networkFirst(request, event));
});

async function networkFirst(request, event) {
  const cache = await caches.open(SHELL);
  try {
    const answer = await fetch(request);
    if (answer.ok) event.waitUntil(cache.put(request, answer.clone()));
    return answer;
  } catch (error) {
    const kept = await cache.match(request, { ignoreSearch: request.mode === "navigate" });
    if (kept) return kept;
    throw error;
  }
}

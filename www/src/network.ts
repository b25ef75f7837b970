// The network proof: every request that this page makes, and that ranking makes none.
import type { RecommenderOptions } from "upnext";
import { find, make } from "./markup.js";

type Fetch = NonNullable<RecommenderOptions["fetch"]>;

/** One request, as far as the browser tells a page. */
interface Request {
  url: string;
  atMs: number;
  bytes: number;
}

/** What a request is for, and what its bytes depend on. */
function meaning(url: string, origin: string): { what: string; depends: string } {
  const { origin: to, pathname } = new URL(url, location.href);
  if (to === new URL(origin, location.href).origin) {
    if (pathname.endsWith("/current.json")) return { what: "which bundle", depends: "nothing" };
    if (pathname.includes("/bundle/")) return { what: `bundle: ${pathname.split("/").at(-1)}`, depends: "the bundle" };
    if (pathname.includes("/candidates")) return { what: "candidate block", depends: "bundle, languages, number" };
  }
  if (to === location.origin) return { what: `this site: ${pathname.split("/").at(-1) || "page"}`, depends: "nothing" };
  return { what: `${to}${pathname}`, depends: "unknown" };
}

const grouped = new Intl.NumberFormat("en");

/** The list of requests, from the page's first on. */
export class Network {
  readonly #requests: Request[] = [];
  /** Bytes of answers from another origin, which Resource Timing keeps to itself. */
  readonly #answers = new Map<string, number>();
  #origin = "";
  #ready: number | undefined;
  #open = false;
  #rankings = 0;

  constructor() {
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as PerformanceResourceTiming[]) {
        // What is made here is no request.
        if (/^(blob|data):/.test(entry.name)) continue;
        this.#requests.push({ url: entry.name, atMs: entry.startTime, bytes: entry.transferSize || entry.encodedBodySize });
      }
      this.show();
    }).observe({ type: "resource", buffered: true });
  }

  /** The `fetch` for the recommender: the browser's, whose answers are weighed. */
  readonly fetch: Fetch = async (url, init) => {
    const answer = await fetch(url, init);
    answer
      .clone()
      .arrayBuffer()
      .then(
        ({ byteLength }) => {
          this.#answers.set(url, byteLength);
          this.show();
        },
        // Whoever asked hears of it.
        () => {},
      );
    return answer;
  };

  /** From here on every request would be one too many, but for those that the viewer asks for. */
  begin(origin: string): void {
    this.#origin = origin;
    this.#ready = performance.now();
    this.show();
  }

  /** A slate was made. */
  ranked(): void {
    this.#rankings++;
    this.show();
  }

  open(open: boolean): void {
    this.#open = open;
    this.show();
  }

  show(): void {
    if (this.#ready === undefined) return;
    const since = this.#requests.filter(({ atMs }) => atMs > this.#ready!).length;
    document.body.dataset.requests = String(since);
    const slates = `${grouped.format(this.#rankings)} ${this.#rankings === 1 ? "slate" : "slates"}`;
    find("#network").textContent = since === 0 ? "0 requests" : `${since} ${since === 1 ? "request" : "requests"}`;
    find("#network").dataset.silent = String(since === 0);
    if (!this.#open) return;
    find("#silence").textContent = since === 0 ? `No request since the page was ready; ${slates} were made meanwhile.` : `${since} since the page was ready, while ${slates} were made: look at what they are.`;
    const weight = ({ url, bytes }: Request) => bytes || (this.#answers.get(url) ?? 0);
    const rows = this.#requests.map((request) => {
      const { what, depends } = meaning(request.url, this.#origin);
      const bytes = weight(request);
      const row = make("tr", {}, make("td", {}, `${(request.atMs / 1000).toFixed(2)} s`), make("td", { class: "what", title: request.url }, what), make("td", {}, depends), make("td", {}, bytes > 0 ? grouped.format(bytes) : "–"));
      if (request.atMs > this.#ready!) row.className = "late";
      return row;
    });
    find("#requests").replaceChildren(...rows.reverse());
    find("#request-count").textContent = `${this.#requests.length} requests`;
    find("#request-bytes").textContent = grouped.format(this.#requests.reduce((sum, request) => sum + weight(request), 0));
  }
}

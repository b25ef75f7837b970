// Shows that ranking is silent: counts every request the page makes after it is ready.

/** Calls `show` with the number of requests so far and the address of the latest, starting at zero now. */
export function watchNetwork(show: (count: number, latest: string | undefined) => void): void {
  let count = 0;
  show(0, undefined);
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) show(++count, entry.name);
  }).observe({ type: "resource", buffered: false });
}

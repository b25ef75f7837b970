// The check: within one setting every cell's traffic is the first cell's, byte for byte.

/** Name of the bucket of what a browser asks for by itself, or does not: compared where both have it. */
export const UNASKED = "whenever the browser likes";

/** Bytes that differ between two texts: at the same place, and what one has more than the other. */
function bytesApart(a, b) {
  let apart = Math.abs(a.length - b.length);
  for (let i = 0; i < Math.min(a.length, b.length); i++) if (a[i] !== b[i]) apart++;
  return apart;
}

/** Holds lists of texts to each other, pairing what is equal first, so that one request more is one request more. */
function listsApart(a, b) {
  const left = [...b];
  const alone = a.filter((one) => {
    const place = left.indexOf(one);
    if (place < 0) return true;
    left.splice(place, 1);
    return false;
  });
  let bytes = 0;
  for (let i = 0; i < Math.max(alone.length, left.length); i++) bytes += bytesApart(alone[i] ?? "", left[i] ?? "");
  return { bytes, alone, left };
}

/** What differs between two traffics: `{ bytes, where }`. */
export function difference(a, b) {
  const names = [...new Set([...a, ...b].map((bucket) => bucket.name))];
  const empty = { order: [], sent: [] };
  const where = [];
  let bytes = 0;
  for (const name of names) {
    const [one, two] = [a, b].map((traffic) => traffic.find((bucket) => bucket.name === name) ?? empty);
    const line = (text) => text.slice(0, text.indexOf("\r\n"));
    const inBoth = (list, other) => (name === UNASKED ? list.filter((text) => other.some((one) => line(one) === line(text))) : list);
    const sent = listsApart(inBoth(one.sent, two.sent), inBoth(two.sent, one.sent));
    if (sent.bytes > 0) where.push(`${name}: only the one sends ${JSON.stringify(sent.alone.map((text) => text.slice(0, 400)))}, only the other ${JSON.stringify(sent.left.map((text) => text.slice(0, 400)))}`);
    // Another order of the same requests: each one that stands elsewhere differs as a whole.
    const moved = sent.bytes > 0 ? 0 : one.order.reduce((sum, key, i) => sum + (key === two.order[i] ? 0 : key.length), 0) + Math.abs(one.order.length - two.order.length);
    if (moved > 0) where.push(`${name}: another order, from ${one.order.findIndex((key, i) => key !== two.order[i])} on: ${JSON.stringify(one.order.slice(0, 8))} and ${JSON.stringify(two.order.slice(0, 8))}`);
    bytes += sent.bytes + moved;
  }
  return { bytes, where };
}

const totals = (traffic) => traffic.reduce((sum, { sent }) => ({ requests: sum.requests + sent.length, bytes: sum.bytes + sent.reduce((n, text) => n + text.length, 0) }), { requests: 0, bytes: 0 });

/** Counts over the cells of one setting, each held to the first: `{ cells, requests, bytes, different, where }`. */
export function check(traffics) {
  const said = { cells: traffics.length, requests: 0, bytes: 0, different: 0, where: [] };
  traffics.forEach((traffic, cell) => {
    const { requests, bytes } = totals(traffic);
    said.requests += requests;
    said.bytes += bytes;
    const { bytes: different, where } = difference(traffics[0], traffic);
    said.different += different;
    said.where.push(...where.map((text) => `cell ${cell}, ${text}`));
  });
  return said;
}

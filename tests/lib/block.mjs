// A candidate block with a field more, in Node or in a page: fields of a protobuf message may stand at its end, where a list goes
// on and a number is said anew.

/** Numbers of fields of the block's message (`core::block::wire`). */
export const FIELDS = { expiresAt: 3, ids: 4, thumbnails: 24, removed: 26, arm: 27 };

const varint = (value) => (value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))]);
const joined = (...parts) => Uint8Array.from(parts.flatMap((part) => [...part]));
const text = (field, value) => {
  const bytes = new TextEncoder().encode(value);
  return joined(varint(field * 8 + 2), varint(bytes.length), bytes);
};

const bytesOf = (field, bytes) => [varint(field * 8 + 2), varint(bytes.length), bytes];
const floatsOf = (field, values) => bytesOf(field, new Uint8Array(Float32Array.from(values).buffer));
const packed = (field, values) => bytesOf(field, Uint8Array.from(values.flatMap(varint)));
/** `sint64`: the sign is the lowest bit. */
const zigzag = (value) => (value < 0 ? -2 * value - 1 : 2 * value);

/** A block of these columns: all that a candidate must have, and a channel. */
export function encoded({ bundleId, expiresAtMs, ids, vectorDim, vectors, vectorScales, factorDim, factors, factorScales, serverScores, priors, trends, lengthSeconds, publishedAtMs, channels, effects }) {
  const nothing = ids.map(() => 0);
  const words = [...new Set(channels)];
  const parts = [
    [varint(8), varint(1)],
    [text(2, bundleId)],
    [varint(3 * 8), varint(expiresAtMs)],
    ids.map((id) => text(4, id)),
    [varint(5 * 8), varint(vectorDim)],
    bytesOf(6, new Uint8Array(vectors.buffer)),
    floatsOf(7, vectorScales),
    [varint(8 * 8), varint(factorDim)],
    bytesOf(9, new Uint8Array(factors.buffer)),
    floatsOf(10, factorScales),
    packed(11, ids.map(() => 1)),
    floatsOf(12, serverScores),
    floatsOf(13, priors),
    floatsOf(14, trends),
    floatsOf(15, lengthSeconds),
    packed(16, publishedAtMs.map(zigzag)),
    packed(17, nothing),
    packed(18, nothing),
    packed(19, channels.map((channel) => 1 + words.indexOf(channel))),
    packed(20, nothing),
    words.map((word) => text(22, word)),
    floatsOf(25, effects),
  ];
  return joined(...parts.flat());
}

/** The block with these texts added to one of its lists. */
export const withTexts = (block, field, texts) => joined(block, ...texts.map((value) => text(field, value)));

/** The block without one of its fields. */
export function without(block, field) {
  const kept = [];
  let at = 0;
  const number = () => {
    let [value, factor] = [0, 1];
    for (; block[at] >= 128; at += 1, factor *= 128) value += (block[at] - 128) * factor;
    return value + block[at++] * factor;
  };
  while (at < block.length) {
    const start = at;
    const tag = number();
    // A number, or a length and as many bytes: a block has no others.
    const length = number();
    if (tag % 8 !== 0) at += length;
    if (Math.floor(tag / 8) !== field) kept.push(block.subarray(start, at));
  }
  return joined(...kept);
}

/** The block as one that was made later: it expires then, and names these videos as removed, and no others. */
export const later = (block, { expiresAtMs, removed = [] }) =>
  withTexts(joined(without(block, FIELDS.removed), varint(FIELDS.expiresAt * 8), varint(expiresAtMs)), FIELDS.removed, [...removed].sort());

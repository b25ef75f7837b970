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

/** The block with these texts added to one of its lists. */
export const withTexts = (block, field, texts) => joined(block, ...texts.map((value) => text(field, value)));

/** The block as one that was made later: it expires then, and names these videos as removed. */
export const later = (block, { expiresAtMs, removed = [] }) => withTexts(joined(block, varint(FIELDS.expiresAt * 8), varint(expiresAtMs)), FIELDS.removed, [...removed].sort());

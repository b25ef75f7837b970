// A clip made on the spot, in Node or in a page: a WebM of one VP8 key frame repeated. Seekable, of exact length,
// without a sound, and nobody's work.

const encoder = new TextEncoder();
const bytes = (...parts) => Uint8Array.from(parts.flatMap((part) => (typeof part === "number" ? [part] : [...part])));
const unsigned = (value, width) => Array.from({ length: width }, (_, i) => Math.floor(value / 2 ** (8 * (width - 1 - i))) % 256);
const float = (value) => [...new Uint8Array(Float64Array.of(value).buffer)].reverse();
/** An EBML element; its size is always written in eight bytes, so that places can be told beforehand. */
const element = (id, ...content) => {
  const body = bytes(...content);
  return bytes(id, 0x01, unsigned(body.length, 7), body);
};

/** The bytes of a WebM that shows `frame`, a VP8 key frame, for `seconds`. */
export function webm(frame, { seconds, width, height, fps = 20 }) {
  const tick = 1000 / fps;
  const info = element([0x15, 0x49, 0xa9, 0x66], element([0x2a, 0xd7, 0xb1], unsigned(1_000_000, 4)), element([0x44, 0x89], float(seconds * 1000)), element([0x4d, 0x80], encoder.encode("upnext")), element([0x57, 0x41], encoder.encode("upnext")));
  const video = element([0xe0], element([0xb0], unsigned(width, 2)), element([0xba], unsigned(height, 2)));
  const track = element([0xae], element([0xd7], [1]), element([0x73, 0xc5], [1]), element([0x83], [1]), element([0x86], encoder.encode("V_VP8")), element([0x23, 0xe3, 0x83], unsigned(tick * 1e6, 4)), video);
  const tracks = element([0x16, 0x54, 0xae, 0x6b], track);
  const clusters = Array.from({ length: Math.ceil(seconds) }, (_, second) => {
    const frames = Math.round(Math.min(1, seconds - second) * fps);
    const blocks = Array.from({ length: frames }, (_, i) => element([0xa3], [0x81], unsigned(i * tick, 2), [0x80], frame));
    return element([0x1f, 0x43, 0xb6, 0x75], element([0xe7], unsigned(second * 1000, 4)), ...blocks);
  });
  const cuesOf = (start) => {
    let place = start;
    const points = clusters.map((cluster, second) => {
      const point = element([0xbb], element([0xb3], unsigned(second * 1000, 4)), element([0xb7], element([0xf7], [1]), element([0xf1], unsigned(place, 8))));
      place += cluster.length;
      return point;
    });
    return element([0x1c, 0x53, 0xbb, 0x6b], ...points);
  };
  // Every number has a fixed width: the cues are as long whatever they say.
  const before = info.length + tracks.length;
  const cues = cuesOf(before + cuesOf(0).length);
  const text = (id, value) => element(id, encoder.encode(value));
  const header = element([0x1a, 0x45, 0xdf, 0xa3], element([0x42, 0x86], [1]), element([0x42, 0xf7], [1]), element([0x42, 0xf2], [4]), element([0x42, 0xf3], [8]), text([0x42, 0x82], "webm"), element([0x42, 0x87], [4]), element([0x42, 0x85], [2]));
  const segment = element([0x18, 0x53, 0x80, 0x67], info, tracks, cues, ...clusters);
  return bytes(header, segment);
}

/** The URL of a clip of that many seconds; for a page only. */
export async function clipUrl(seconds) {
  return URL.createObjectURL(new Blob([await clipBytes(seconds)], { type: "video/webm" }));
}

/** The bytes of a clip; for a page only: the frame is drawn there, and a lossy WebP is a VP8 key frame. */
export async function clipBytes(seconds) {
  const [width, height] = [64, 48];
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const paint = canvas.getContext("2d");
  paint.fillStyle = `hsl(${seconds * 40} 70% 50%)`;
  paint.fillRect(0, 0, width, height);
  const webp = new Uint8Array(await (await new Promise((done) => canvas.toBlob(done, "image/webp", 0.5))).arrayBuffer());
  const view = new DataView(webp.buffer);
  let at = 12;
  while (String.fromCharCode(...webp.subarray(at, at + 4)) !== "VP8 ") {
    const next = at + 8 + view.getUint32(at + 4, true);
    if (next >= webp.length) throw new Error("the browser wrote no lossy WebP");
    at = next + (next & 1);
  }
  const frame = webp.subarray(at + 8, at + 8 + view.getUint32(at + 4, true));
  return webm(frame, { seconds, width, height });
}

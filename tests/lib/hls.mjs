// A stream made on the spot, in a page: an HLS playlist of fragmented MP4 whose every frame is the same VP9 key frame, for
// every browser has that codec in Media Source Extensions. Without a sound, and nobody's work.

const [WIDTH, HEIGHT, FPS] = [64, 48, 10];
const TIMESCALE = 1000;
const SEGMENT_SECONDS = 2;

const encoder = new TextEncoder();
const bytes = (...parts) => Uint8Array.from(parts.flatMap((part) => (typeof part === "number" ? [part] : typeof part === "string" ? [...encoder.encode(part)] : [...part])));
const unsigned = (value, width) => Array.from({ length: width }, (_, i) => Math.floor(value / 2 ** (8 * (width - 1 - i))) % 256);
const zeros = (count) => new Uint8Array(count);

/**
 * A VP9 key frame of profile 0 (VP9 Bitstream Specification 0.6, 6.2): a header, and zeros. An arithmetic decoder reads zeros as
 * an endless row of the symbol 0: one block, predicted from nothing, without a coefficient. A grey picture.
 */
function greyFrame() {
  const compressed = 16;
  const header = [
    [0b10, 2], [0, 2], [0, 1], // marker, profile 0, no frame shown again
    [0, 1], [1, 1], [0, 1], // a key frame, shown, not error resilient
    [0x498342, 24], // sync code
    [1, 3], [0, 1], // BT.601, studio range
    [WIDTH - 1, 16], [HEIGHT - 1, 16], [0, 1], // size, rendered as such
    [0, 1], [1, 1], [0, 2], // contexts are not refreshed
    [0, 6], [0, 3], [0, 1], // no loop filter
    [32, 8], [0, 3], // quantiser, no differences
    [0, 1], [0, 1], // no segments, one row of tiles
    [compressed, 16],
  ];
  const bits = header.map(([value, width]) => value.toString(2).padStart(width, "0")).join("");
  return bytes(bits.match(/.{1,8}/g).map((byte) => Number.parseInt(byte.padEnd(8, "0"), 2)), zeros(compressed), zeros(512));
}

/** A box of ISO/IEC 14496-12, and one with a version and flags. */
const box = (type, ...content) => {
  const body = bytes(...content);
  return bytes(unsigned(body.length + 8, 4), type, body);
};
const fullBox = (type, version, flags, ...content) => box(type, version, unsigned(flags, 3), ...content);
const MATRIX = bytes(...[0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000].map((value) => unsigned(value, 4)));

/** What comes before the fragments: one track, and no sample. */
function initSegment() {
  const configuration = fullBox("vpcC", 1, 0, 0, 10, 0x82, 2, 2, 2, [0, 0]);
  const entry = box("vp09", zeros(6), [0, 1], zeros(16), unsigned(WIDTH, 2), unsigned(HEIGHT, 2), unsigned(0x480000, 4), unsigned(0x480000, 4), zeros(4), [0, 1], zeros(32), [0, 0x18], [0xff, 0xff], configuration);
  const samples = box("stbl", fullBox("stsd", 0, 0, unsigned(1, 4), entry), ...["stts", "stsc", "stco"].map((type) => fullBox(type, 0, 0, zeros(4))), fullBox("stsz", 0, 0, zeros(8)));
  const media = box("minf", fullBox("vmhd", 0, 1, zeros(8)), box("dinf", fullBox("dref", 0, 0, unsigned(1, 4), fullBox("url ", 0, 1))), samples);
  const track = box(
    "trak",
    fullBox("tkhd", 0, 7, zeros(8), unsigned(1, 4), zeros(8), zeros(16), MATRIX, unsigned(WIDTH * 65536, 4), unsigned(HEIGHT * 65536, 4)),
    box("mdia", fullBox("mdhd", 0, 0, zeros(8), unsigned(TIMESCALE, 4), zeros(4), [0x55, 0xc4], [0, 0]), fullBox("hdlr", 0, 0, zeros(4), "vide", zeros(12), "upnext", 0), media),
  );
  const movie = fullBox("mvhd", 0, 0, zeros(8), unsigned(TIMESCALE, 4), zeros(4), unsigned(0x10000, 4), [1, 0], zeros(10), MATRIX, zeros(24), unsigned(2, 4));
  const fragments = box("mvex", fullBox("trex", 0, 0, unsigned(1, 4), unsigned(1, 4), zeros(12)));
  return bytes(box("ftyp", "iso6", unsigned(1, 4), "iso6", "mp41"), box("moov", movie, track, fragments));
}

/** The fragment that begins at `second`. */
function segment(second, frame, sequence) {
  const count = SEGMENT_SECONDS * FPS;
  const sample = bytes(unsigned(TIMESCALE / FPS, 4), unsigned(frame.length, 4), unsigned(0x02000000, 4));
  const moof = (dataAt) =>
    box(
      "moof",
      fullBox("mfhd", 0, 0, unsigned(sequence, 4)),
      box("traf", fullBox("tfhd", 0, 0x020000, unsigned(1, 4)), fullBox("tfdt", 1, 0, unsigned(second * TIMESCALE, 8)), fullBox("trun", 0, 0x701, unsigned(count, 4), unsigned(dataAt, 4), ...Array(count).fill(sample))),
    );
  const data = box("mdat", ...Array(count).fill(frame));
  return bytes(moof(moof(0).length + 8), data);
}

/** The address of a playlist of at least that many seconds; for a page. */
export function playlistUrl(seconds) {
  const url = (type, ...parts) => URL.createObjectURL(new Blob(parts, { type }));
  const frame = greyFrame();
  const fragments = Array.from({ length: Math.ceil(seconds / SEGMENT_SECONDS) }, (_, i) => `#EXTINF:${SEGMENT_SECONDS}.0,\n${url("video/mp4", segment(i * SEGMENT_SECONDS, frame, i + 1))}`);
  const text = ["#EXTM3U", "#EXT-X-VERSION:7", `#EXT-X-TARGETDURATION:${SEGMENT_SECONDS}`, "#EXT-X-PLAYLIST-TYPE:VOD", `#EXT-X-MAP:URI="${url("video/mp4", initSegment())}"`, ...fragments, "#EXT-X-ENDLIST", ""].join("\n");
  return url("application/vnd.apple.mpegurl", text);
}

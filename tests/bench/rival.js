// The rival of the pipeline's benchmark: what `core::pipeline` does with a candidate block, written in plain JavaScript for
// speed: typed arrays, columns, no allocation per candidate, loops that V8 keeps in registers. It filters, runs tower and
// ranker, scores, takes a slate by a greedy determinantal point process with a window, and says why. It is given the
// user's inputs encoded already and makes no receipt: both are to its advantage.
const DAY_MS = 86_400_000;
const ENCOUNTER_MS = 6 * 3_600_000;
const REST_MS = 6 * 3_600_000;

/** Fields of a protobuf message: number, and a varint or bytes. */
function* fields(bytes) {
  let at = 0;
  const varint = () => {
    for (let value = 0, scale = 1; ; scale *= 128) {
      const byte = bytes[at++];
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const key = varint();
    const length = { 0: 0, 1: 8, 5: 4 }[key & 7] ?? varint();
    yield [Math.floor(key / 8), (key & 7) === 0 ? varint() : bytes.subarray(at, at + length)];
    at += length;
  }
}

const floats = (bytes) => new Float32Array(bytes.slice().buffer);
function packed(bytes) {
  const values = [];
  for (let at = 0; at < bytes.length; ) {
    for (let value = 0, scale = 1; ; scale *= 128) {
      const byte = bytes[at++];
      value += (byte & 127) * scale;
      if (byte < 128) {
        values.push(value);
        break;
      }
    }
  }
  return values;
}

/** Ops of the two programs (`core::program::format`). */
const OPS = { 1: "gather", 2: "concat", 3: "dense", 4: "relu", 5: "sigmoid", 7: "add", 8: "mul", 9: "norm", 10: "slice", 12: "clamp", 26: "sub" };

/** A compact program, for many rows at once. */
export class Program {
  #inputs = [];
  #ops = [];
  #tensors = [];
  #output = 0;
  #buffers = [];

  constructor(bytes) {
    for (const [field, value] of fields(bytes)) {
      if (field === 2) this.#inputs.push(Object.fromEntries(fields(value))[2]);
      else if (field === 3) {
        const op = { inputs: [], tensors: [], params: [], scalars: [] };
        for (const [what, part] of fields(value)) {
          if (what === 1) op.code = OPS[part];
          else op[["", "", "inputs", "tensors", "params", "scalars"][what]] = what === 5 ? [...floats(part)] : packed(part);
        }
        if (!op.code) throw new Error("an op that the rival does not have");
        this.#ops.push(op);
      } else if (field === 4) {
        const tensor = { rows: 0, cols: 0, dtype: 0 };
        for (const [what, part] of fields(value)) Object.assign(tensor, { 1: { rows: part }, 2: { cols: part }, 3: { dtype: part }, 4: { data: part } }[what]);
        if (tensor.dtype) throw new Error("the rival reads f32 alone");
        this.#tensors.push({ ...tensor, data: floats(tensor.data) });
      } else if (field === 5) this.#output = value;
    }
  }

  /** `inputs`: one array for each input, row by row; the result is overwritten by the next run. */
  run(inputs, rows) {
    const made = inputs.map((values, at) => ({ values, width: this.#inputs[at] }));
    for (const [at, op] of this.#ops.entries()) made.push(this.#step(op, made, rows, at));
    return made[this.#output];
  }

  #buffer(at, size) {
    if (!(this.#buffers[at]?.length >= size)) this.#buffers[at] = new Float32Array(size);
    return this.#buffers[at];
  }

  #step({ code, inputs, tensors, params, scalars }, made, rows, at) {
    const [x] = inputs.map((input) => made[input]);
    const [first, second] = tensors.map((tensor) => this.#tensors[tensor]);
    const width = { gather: first?.cols, dense: first?.cols, concat: inputs.reduce((sum, input) => sum + made[input].width, 0), slice: params[1] - params[0] }[code] ?? x.width;
    const out = this.#buffer(at, rows * width);
    const { values } = x;
    const total = rows * width;
    if (code === "gather") {
      for (let row = 0; row < rows; row++) out.set(first.data.subarray(values[row * x.width + params[0]] * width).subarray(0, width), row * width);
    } else if (code === "concat") {
      let start = 0;
      for (const input of inputs) {
        const part = made[input];
        for (let row = 0; row < rows; row++) for (let i = 0; i < part.width; i++) out[row * width + start + i] = part.values[row * part.width + i];
        start += part.width;
      }
    } else if (code === "dense") dense(values, x.width, first.data, second?.data, out, rows, width);
    else if (code === "relu") for (let i = 0; i < total; i++) out[i] = values[i] < 0 ? 0 : values[i];
    else if (code === "sigmoid") for (let i = 0; i < total; i++) out[i] = 1 / (1 + Math.exp(-values[i]));
    else if (code === "clamp") for (let i = 0; i < total; i++) out[i] = Math.min(Math.max(values[i], scalars[0]), scalars[1]);
    else if (code === "slice") for (let row = 0; row < rows; row++) for (let i = 0; i < width; i++) out[row * width + i] = values[row * x.width + params[0] + i];
    else if (code === "norm") {
      for (let row = 0; row < rows; row++) {
        let sum = 0;
        for (let i = row * width; i < (row + 1) * width; i++) sum += values[i] * values[i];
        const by = Math.max(Math.sqrt(sum), scalars[0]);
        for (let i = row * width; i < (row + 1) * width; i++) out[i] = values[i] / by;
      }
    } else {
      const other = inputs.length > 1 ? made[inputs[1]] : undefined;
      const [operand, own] = other ? [other.values, other.width] : [first.data, first.cols];
      for (let row = 0; row < rows; row++) {
        const from = other ? row * own : 0;
        for (let i = 0; i < width; i++) {
          const [a, b] = [values[row * width + i], operand[from + (own === width ? i : i % own)]];
          out[row * width + i] = code === "add" ? a + b : code === "mul" ? a * b : a - b;
        }
      }
    }
    return { values: out, width };
  }
}

/** `out = bias + x · weights` of each row; four inputs at a time, and none that are zero. */
function dense(x, inputs, weights, bias, out, rows, width) {
  for (let row = 0; row < rows; row++) {
    const to = row * width;
    for (let o = 0; o < width; o++) out[to + o] = bias ? bias[o] : 0;
    let i = 0;
    for (; i + 4 <= inputs; i += 4) {
      const from = row * inputs + i;
      const [a, b, c, d] = [x[from], x[from + 1], x[from + 2], x[from + 3]];
      if (a === 0 && b === 0 && c === 0 && d === 0) continue;
      const w = i * width;
      for (let o = 0; o < width; o++) out[to + o] += a * weights[w + o] + b * weights[w + width + o] + c * weights[w + 2 * width + o] + d * weights[w + 3 * width + o];
    }
    for (; i < inputs; i++) {
      const a = x[row * inputs + i];
      for (let o = 0; o < width; o++) out[to + o] += a * weights[i * width + o];
    }
  }
}

const fractionOf = ({ kind, seconds, lengthSeconds }) => (kind === "watch" && seconds >= 0 && lengthSeconds > 0 ? Math.min(seconds / lengthSeconds, 1) : undefined);

/** The history as a device would hold it: vectors decoded once. */
export function past({ events }) {
  const row = (stored) => stored && { scale: stored.scale, levels: Int8Array.from(stored.levels.match(/../g), (hex) => (parseInt(hex, 16) << 24) >> 24) };
  return events.map((event) => ({ ...event, fraction: fractionOf(event), vector: row(event.model?.vector), factor: row(event.model?.factor) }));
}

/** What the viewer did with one video on one occasion (`core::encounter`). */
function encounters(events, nowMs) {
  const found = [];
  const latest = new Map();
  for (const event of events) {
    if (event.atMs >= nowMs || event.video === undefined || event.video === null || event.kind === "search") continue;
    let met = latest.get(event.video);
    const takes = met && (event.kind === "impression" ? !met.shown && met.atMs === event.atMs : event.atMs - met.atMs <= ENCOUNTER_MS);
    if (!takes) {
      met = { opened: event, rows: event, atMs: event.atMs, shown: false, watched: false, fraction: undefined, liked: false, rejected: false };
      found.push(met);
      latest.set(event.video, met);
    }
    if (event.kind === "impression") met.shown = true;
    else if (event.kind === "watch") {
      met.watched = true;
      if (event.fraction !== undefined) met.fraction = Math.min((met.fraction ?? 0) + event.fraction, 1);
    } else if (event.kind === "like") met.liked = true;
    else if (event.kind === "dislike" || event.kind === "not_interested") met.rejected = true;
    if (event.vector && !met.rows.vector) met.rows = event;
  }
  return found;
}

function label({ shown, watched, fraction, liked, rejected }) {
  if (liked || (!rejected && fraction >= 0.5)) return true;
  return rejected || ((shown || fraction !== undefined) && !(watched && fraction === undefined)) ? false : undefined;
}

const logistic = (x) => 1 / (1 + Math.exp(-x));
const above = (edges, value) => {
  let [low, high] = [0, edges.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (edges[middle] <= value) low = middle + 1;
    else high = middle;
  }
  return low;
};

/** `rank(viewer, context, options)` over one block; `block` holds its columns. */
export function pipeline({ spec, tower, ranker, block }) {
  const n = block.ids.length;
  const { vectorDim: v, factorDim: f, vectors, factors } = block;
  const edges = Float32Array.from(spec.prior.length_edges.edges);
  const odds = Float32Array.from(spec.prior.log_odds);
  const lengths = edges.length + 2;
  const lengthRow = (seconds) => (seconds > 0 ? 1 + above(edges, Math.fround(Math.log(seconds))) : 0);
  const surfaceRow = (name) => spec.user.surface.terms.indexOf(name) + 1;
  const factorNorm = new Float32Array(n);
  const unit = new Float32Array(n * v);
  const levelNorm = new Float32Array(n);
  for (let i = 0; i < n; i++) {
    let [sum, own] = [0, 0];
    for (let k = 0; k < f; k++) sum += factors[i * f + k] ** 2;
    for (let k = 0; k < v; k++) own += vectors[i * v + k] ** 2;
    factorNorm[i] = Math.sqrt(sum);
    levelNorm[i] = Math.sqrt(own);
    for (let k = 0; k < v; k++) unit[i * v + k] = own > 0 ? vectors[i * v + k] / levelNorm[i] : 0;
  }
  const signals = new Float32Array(n * 15);
  const cosines = new Float32Array(n);

  const dotLevels = (levels, row, user) => {
    let sum = 0;
    for (let k = 0, at = row * user.length; k < user.length; k++, at++) sum += levels[at] * user[k];
    return sum;
  };

  function filter({ events, profile }, nowMs, watching) {
    const state = new Map();
    for (const { video, kind, atMs, fraction } of events) {
      if (video === undefined || video === null) continue;
      const of = state.get(video) ?? { refused: false, seen: 0 };
      state.set(video, of);
      if (kind === "like" || kind === "share") of.refused = false;
      else if (kind === "dislike" || kind === "not_interested") of.refused = true;
      else if (kind === "watch") of.seen += atMs > nowMs - REST_MS || fraction >= 0.5 ? Infinity : (fraction ?? 0);
    }
    const channels = new Set(profile.blockedChannels);
    const kept = [];
    for (let i = 0; i < n; i++) {
      const of = state.get(block.ids[i]);
      if (block.ids[i] === watching || of?.refused || of?.seen >= 0.5 || channels.has(block.channels[i])) continue;
      kept.push(i);
    }
    return kept;
  }

  function score(viewer, met, kept, user, nowMs, surface) {
    let [observed, expected, likes] = [0, 0, 0];
    let count = 0;
    for (const one of met) {
      const relevant = label(one);
      if (relevant === undefined) continue;
      const { lengthSeconds, surface: where } = one.opened;
      observed += relevant ? 1 : 0;
      expected += logistic(odds[surfaceRow(where) * lengths + lengthRow(lengthSeconds)] ?? 0);
      likes += one.liked ? 1 : 0;
      count += 1;
    }
    const own = Math.log((observed + 2) / (expected + 2));
    const likeRate = Math.log((likes + 0.5) / (count + 20));
    const anchors = [];
    const seen = new Set();
    for (let at = met.length - 1; at >= 0 && anchors.length < 64; at--) {
      const one = met[at];
      if (label(one) !== true || !one.rows.vector || seen.has(one.opened.video)) continue;
      seen.add(one.opened.video);
      const { levels } = one.rows.vector;
      const norm = Math.sqrt(levels.reduce((sum, level) => sum + level * level, 0));
      if (norm > 0) anchors.push(Float32Array.from(levels, (level) => level / norm));
    }
    const { factor } = viewer;
    const norm = Math.sqrt(factor.reduce((sum, value) => sum + value * value, 0));
    const base = surfaceRow(surface) * lengths;
    for (let at = 0; at < kept.length; at++) {
      const i = kept[at];
      const to = at * 15;
      const affinity = dotLevels(factors, i, factor);
      let nearest = -Infinity;
      for (let a = 0; a < anchors.length; a++) {
        const anchor = anchors[a];
        let sum = 0;
        for (let k = 0, from = i * v; k < v; k++, from++) sum += unit[from] * anchor[k];
        if (sum > nearest) nearest = sum;
      }
      const seconds = block.lengthSeconds[i];
      const length = seconds > 0 ? Math.min(Math.max((Math.log(seconds) - 4) / 1.2, -2.5), 2) : 0;
      const published = block.publishedAtMs[i];
      signals[to] = block.vectorScales[i] * dotLevels(vectors, i, user);
      signals[to + 1] = block.factorScales[i] > 0 && norm > 0 && factorNorm[i] > 0 ? affinity / (factorNorm[i] * norm) : 0;
      signals[to + 2] = anchors.length > 0 ? nearest : 0;
      signals[to + 3] = odds[base + lengthRow(seconds)];
      signals[to + 4] = block.priors[i];
      signals[to + 5] = block.effects[i];
      signals[to + 6] = length;
      signals[to + 7] = length * length;
      signals[to + 8] = seconds > 0 ? 1 : 0;
      signals[to + 9] = own;
      signals[to + 10] = likeRate;
      signals[to + 11] = Math.log1p(Math.max(nowMs - published, 0) / DAY_MS);
      signals[to + 12] = 1;
      signals[to + 13] = block.factorScales[i] * affinity;
      signals[to + 14] = block.trends[i];
    }
    const { values, width } = ranker.run([signals], kept.length);
    const orders = new Float32Array(n);
    kept.forEach((i, at) => (orders[i] = values[(at + 1) * width - 1]));
    return kept.sort((a, b) => orders[b] - orders[a] || (block.ids[a] < block.ids[b] ? -1 : 1)) && orders;
  }

  /** Greedy inference of a determinantal point process, kernel 0.9 S + 0.1 I, of the latest 15 picks. */
  function dpp(sorted, orders, size, lambda) {
    const keeps = 15;
    const count = sorted.length;
    const merit = Float32Array.from(sorted, (i) => 1 / (1 + Math.exp(-orders[i])));
    const [low, high] = merit.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);
    for (let at = 0; at < count; at++) merit[at] = high > low ? (merit[at] - low) / (high - low) : 1;
    const c = new Float64Array(count * keeps);
    const square = new Float64Array(count).fill(1);
    const spread = new Float32Array(count);
    const factor = new Float64Array(keeps * keeps);
    const open = Array.from({ length: count }, (_, at) => at);
    const picked = [];
    let length = 0;
    while (picked.length < size && open.length > 0) {
      let [best, highest] = [-1, -Infinity];
      for (let place = 0; place < open.length; place++) {
        const at = open[place];
        const value = picked.length === 0 || lambda >= 1 ? merit[at] : lambda * merit[at] + (1 - lambda) * spread[at];
        if (value > highest) [best, highest] = [place, value];
      }
      const [next] = open.splice(best, 1);
      picked.push(next);
      if (lambda >= 1) continue;
      if (length === keeps) {
        slide(factor, c, square, open, next, keeps);
        length -= 1;
      }
      const pivot = Math.sqrt(Math.max(square[next], 0.1));
      for (let k = 0; k < length; k++) factor[length * keeps + k] = c[next * keeps + k];
      factor[length * keeps + length] = pivot;
      const row = sorted[next] * v;
      for (let place = 0; place < open.length; place++) {
        const at = open[place];
        let common = 0;
        for (let k = 0; k < length; k++) common += c[next * keeps + k] * c[at * keeps + k];
        let cosine = 0;
        for (let k = 0, from = sorted[at] * v; k < v; k++, from++) cosine += unit[row + k] * unit[from];
        const e = (0.9 * cosine - common) / pivot;
        c[at * keeps + length] = e;
        square[at] -= e * e;
        spread[at] = Math.log(Math.max(square[at], 0.1));
      }
      length += 1;
    }
    return picked;
  }

  function slide(factor, c, square, open, next, keeps) {
    const last = keeps - 1;
    const column = Array.from({ length: last }, (_, row) => factor[(row + 1) * keeps]);
    const turns = [];
    for (let l = 0; l < last; l++) {
      const diagonal = factor[(l + 1) * keeps + l + 1];
      const length = Math.hypot(diagonal, column[l]);
      const [cos, sin] = [diagonal / length, column[l] / length];
      turns.push(cos, sin);
      factor[l * keeps + l] = length;
      for (let row = l + 1; row < last; row++) {
        const old = factor[(row + 1) * keeps + l + 1];
        factor[row * keeps + l] = cos * old + sin * column[row];
        column[row] = cos * column[row] - sin * old;
      }
    }
    for (const at of [...open, next]) {
      const from = at * keeps;
      let first = c[from];
      for (let l = 0; l < last; l++) {
        const old = c[from + l + 1];
        c[from + l] = turns[2 * l] * old + turns[2 * l + 1] * first;
        first = turns[2 * l] * first - turns[2 * l + 1] * old;
      }
      square[at] += first * first;
    }
  }

  /** Standard deviations above the mean. */
  function strengths(values) {
    let [sum, squares] = [0, 0];
    for (const value of values) sum += value;
    const mean = sum / Math.max(values.length, 1);
    for (const value of values) squares += (value - mean) ** 2;
    const deviation = Math.sqrt(squares / Math.max(values.length, 1));
    const real = deviation > 1e-6 * Math.max(Math.abs(mean), 1e-6);
    return values.map((value) => (real ? (value - mean) / deviation : 0));
  }

  function why(sorted, events, nowMs, factor, moment) {
    const anchors = [];
    const relevant = ({ kind, fraction }) => kind === "like" || fraction >= 0.5;
    const latest = events.filter((event) => event.atMs < nowMs && relevant(event) && event.video && event.vector).sort((a, b) => b.atMs - a.atMs);
    for (const { video, kind, vector } of latest) {
      const known = anchors.find((anchor) => anchor.video === video);
      if (known) known.liked ||= kind === "like";
      else if (anchors.length < 16) {
        const norm = Math.sqrt(vector.levels.reduce((sum, level) => sum + level * level, 0));
        anchors.push({ video, liked: kind === "like", unit: Float32Array.from(vector.levels, (level) => (norm > 0 ? level / norm : 0)) });
      }
    }
    const count = sorted.length;
    const [best, similar, taste, popular, gains] = [new Int32Array(count), cosines.subarray(0, count), new Float32Array(count), new Float32Array(count), new Float32Array(count)];
    for (let at = 0; at < count; at++) {
      const i = sorted[at];
      similar[at] = 0;
      for (let a = 0; a < anchors.length; a++) {
        const own = anchors[a].unit;
        let sum = 0;
        for (let k = 0, from = i * v; k < v; k++, from++) sum += unit[from] * own[k];
        if (sum > similar[at]) [similar[at], best[at]] = [sum, a];
      }
      taste[at] = block.factorScales[i] * dotLevels(factors, i, factor);
      popular[at] = block.trends[i];
      gains[at] = block.vectorScales[i] * dotLevels(vectors, i, moment);
    }
    const cold = factor.every((value) => value === 0);
    const [bySimilar, byTaste, byPopular, byMoment] = [similar, taste, popular, gains].map(strengths);
    return sorted.map((i, at) => {
      let [strength, code] = [0, undefined];
      const offer = (value, name, holds) => {
        if (holds && value > strength) [strength, code] = [value, name];
      };
      const age = nowMs - block.publishedAtMs[i];
      offer(bySimilar[at], anchors[best[at]]?.liked ? "similar-to-liked" : "similar-to-watched", similar[at] >= 0.5);
      offer(byTaste[at], "taste", !cold);
      offer(byMoment[at], "for-this-moment", gains[at] >= 0.05);
      offer(1.5, "new", age >= 0 && age < 7 * DAY_MS);
      offer(byPopular[at], "popular", true);
      return code ?? (cold ? "popular" : "taste");
    });
  }

  return function recommend(viewer, context, { size, diversity, watching }) {
    const { nowMs, surface, localTime } = context;
    const user = Float32Array.from(tower.run([viewer.categorical, viewer.dense], 1).values.subarray(0, v));
    const kept = filter(viewer, nowMs, watching);
    const orders = score(viewer, encounters(viewer.events, nowMs), kept, user, nowMs, surface);
    const picked = dpp(kept, orders, size, 1 - diversity);
    const opposite = viewer.categorical.slice();
    opposite[5] = 1 + above(spec.user.hour.edges, (localTime.hour + 12) % 24);
    const other = tower.run([opposite, viewer.dense], 1).values;
    const moment = user.map((value, i) => value - other[i]);
    const reasons = why(kept, viewer.events, nowMs, viewer.factor, moment);
    return picked.map((at) => ({ row: kept[at], reason: reasons[at] }));
  };
}

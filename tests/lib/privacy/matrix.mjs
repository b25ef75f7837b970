// What is private, what is declared, and which combinations are looked at.

/** The last such day of the week before today, at an hour: whether a block is out of date is none of the differences. */
function moment(weekday, hour) {
  const day = 86_400_000;
  const today = Math.floor(Date.now() / day) * day;
  return today - (((new Date(today).getUTCDay() - weekday + 6) % 7) + 1) * day + hour * 3_600_000;
}

/** What no request may depend on. The first value of each is the quiet one. */
export const PRIVATE = {
  hour: [12, 3, 22],
  weekday: [3, 0],
  timeZone: ["Europe/Berlin", "America/New_York", "Asia/Tokyo"],
  // The same browser in other clothes; another `User-Agent` is the browser's own word, and a declared input.
  screen: [
    { viewport: { width: 1280, height: 900 } },
    { viewport: { width: 390, height: 844 }, hasTouch: true, deviceScaleFactor: 3, colorScheme: "dark" },
    { viewport: { width: 1920, height: 1080 }, reducedMotion: "reduce" },
  ],
  profile: [
    undefined,
    { age: 19, gender: "f", language: "ja", timeZone: "Asia/Tokyo", latitude: 35.7, longitude: 139.7 },
    { age: 71, gender: "m", language: "de", blockedChannels: ["c1"], blockedTags: ["music"], username: "somebody" },
  ],
  past: ["none", "few", "thousand"],
  options: [{}, { surface: "home", diversity: 1, explore: 1 }, { device: "tv", utcOffsetMinutes: null, diversity: 0 }],
  before: [[], ["like", "watch", "search"], ["dislike", "notInterested"]],
  between: [[], ["watch", "like"], ["whatIf", "announce"]],
  after: [[], ["wipe", "profile"], ["like", "search", "notInterested"]],
};

/** The events of a history over the catalogue; undefined for none. */
export function pastOf(name, videos, nowMs) {
  const events = { none: 0, few: 6, thousand: 1000 }[name];
  if (events === 0) return undefined;
  const kinds = ["watch", "like", "impression", "search", "dislike", "watch"];
  return Array.from({ length: events }, (_, i) => {
    const kind = kinds[i % kinds.length];
    const about = kind === "search" ? { text: `query ${i}` } : { video: videos[(i * 7) % Math.min(videos.length, 20)] };
    return { kind, atMs: nowMs - (events - i) * 60_000, ...about, ...(kind === "watch" && { seconds: 20 + (i % 50) }) };
  });
}

/** Numbers in 0..1 that depend on the seed alone. */
function* numbers(seed) {
  for (let state = seed; ; ) {
    state = (Math.imul(state ^ (state >>> 15), 2246822519) + 0x9e3779b9) | 0;
    yield ((state ^ (state >>> 13)) >>> 0) / 4294967296;
  }
}

/**
 * Cells that hold every value of every dimension (`strength` 1), or every pair of values of two dimensions (2). The first
 * is the quiet one.
 */
export function cells(strength, seed = 7) {
  const names = Object.keys(PRIVATE);
  const random = numbers(seed);
  const open = new Set();
  const keys = (row) => {
    const single = names.map((name) => `${name}=${row[name]}`);
    return strength === 1 ? single : single.flatMap((one, i) => single.slice(i + 1).map((two) => `${one}&${two}`));
  };
  const draw = () => Object.fromEntries(names.map((name) => [name, Math.floor(random.next().value * PRIVATE[name].length)]));
  if (strength === 1) names.forEach((name) => PRIVATE[name].forEach((_, value) => open.add(`${name}=${value}`)));
  else names.forEach((one, i) => names.slice(i + 1).forEach((two) => PRIVATE[one].forEach((_, a) => PRIVATE[two].forEach((__, b) => open.add(`${one}=${a}&${two}=${b}`)))));
  const chosen = [];
  for (let row = Object.fromEntries(names.map((name) => [name, 0])); ; ) {
    for (const key of keys(row)) open.delete(key);
    chosen.push(Object.fromEntries(names.map((name) => [name, PRIVATE[name][row[name]]])));
    if (open.size === 0) return chosen;
    // The best of some draws: not the smallest array there is, and small enough.
    const worth = (one) => keys(one).filter((key) => open.has(key)).length;
    row = Array.from({ length: 60 }, draw).reduce((best, one) => (worth(one) > worth(best) ? one : best));
  }
}

/** The instant at which a cell's page is opened, Unix milliseconds. */
export const openedAt = ({ weekday, hour }) => moment(weekday, hour);

/** A viewer who is and does something of everything: what a leak shows up by, if by anything. */
export const LOUD = {
  hour: 22,
  weekday: 0,
  timeZone: "Asia/Tokyo",
  screen: PRIVATE.screen[1],
  profile: PRIVATE.profile[1],
  past: "few",
  options: PRIVATE.options[1],
  before: ["like", "watch", "search"],
  between: ["dislike", "notInterested", "announce"],
  after: ["wipe", "profile", "whatIf", "like"],
};

/** How many combinations there are in all. */
export const combinations = Object.values(PRIVATE).reduce((product, values) => product * values.length, 1);

// Weeks of one arm: people come, see what the arm shows, do what they do; events arrive when they are over, videos when
// they are published, and each week's end brings a new bundle.
import { appendFileSync } from "node:fs";
import { WEEK_MS } from "./world.mjs";

/** An event of the world as the server takes it. */
const toldOf = (event, at, visit, arm, bundle) => ({
  id: `${visit.visit}-${at}`,
  type: event.kind,
  video_id: event.video ?? undefined,
  seconds: event.seconds ?? undefined,
  text: event.text ?? undefined,
  timestamp: event.atMs,
  device: visit.device,
  surface: event.surface ?? undefined,
  position: event.kind === "impression" ? event.position : undefined,
  arm,
  bundle,
});

/** What a week showed. `exposures` are impressions by video. */
const emptyWeek = (bundle) => ({ bundle: bundle.slice(0, 8), visits: 0, impressions: 0, chances: 0, ofNew: 0, exposures: new Map() });

/** Counts a slate into a week. */
function count(week, { videos, chances }, isNew) {
  week.visits += 1;
  week.impressions += videos.length;
  week.chances += chances.reduce((sum, chance) => sum + chance, 0);
  week.ofNew += videos.filter(isNew).length;
  for (const video of videos) week.exposures.set(video, (week.exposures.get(video) ?? 0) + 1);
}

/** The figures of a week; of the videos that were published by its end. */
async function figuresOf(week, world, published) {
  const exposures = published.map((id) => week.exposures.get(id) ?? 0);
  const { gini } = await world.ask({ ask: "gini", exposures });
  const { bundle, visits, impressions, chances, ofNew } = week;
  const share = (part, whole) => (whole === 0 ? 0 : part / whole);
  return { bundle, visits, impressions, trueChance: share(chances, impressions), ofNewVideos: share(ofNew, impressions), videosShown: share(exposures.filter((n) => n > 0).length, exposures.length), gini };
}

/** Runs the weeks; every event goes to `log` too, a line each. `note(weeks, visits)` hears how far it is. Resolves with the weeks' figures. */
export async function live({ name, arm, site, world, viewers, startMs, weeks, retrain, log, note }) {
  const published = (await world.ask({ ask: "videos", from: Number.MIN_SAFE_INTEGER, until: startMs })).videos.map(({ id }) => id);
  const before = new Set(published);
  const figures = [];
  let underWay = [];
  /** Tells what is over at an instant, each batch at its own time. */
  async function tellUntil(nowMs) {
    const isOver = ({ until }) => until <= nowMs;
    const over = underWay.filter(isOver).sort((a, b) => a.until - b.until || a.visit - b.visit);
    underWay = underWay.filter((batch) => !isOver(batch));
    for (const { until, viewer, events } of over) {
      site.setTime(until);
      await site.tell(events, viewer.id);
      viewer.known = true;
      appendFileSync(log, events.map((event) => `${JSON.stringify({ ...event, account: viewer.id })}\n`).join(""));
    }
  }
  await arm.prepare?.(viewers);
  for (let number = 0; number < weeks; number++) {
    const [from, until] = [startMs + number * WEEK_MS, startMs + (number + 1) * WEEK_MS];
    const { visits } = await world.ask({ ask: "visits", from, until });
    const { videos: arriving } = await world.ask({ ask: "videos", from, until });
    const week = emptyWeek(site.bundleId);
    /** Puts what is published by an instant, each video at its own time. */
    const putUntil = async (nowMs) => {
      while (arriving.length > 0 && arriving[0].video.published_at <= nowMs) {
        const next = arriving.shift();
        await tellUntil(next.video.published_at);
        site.setTime(next.video.published_at);
        await site.put(next);
        published.push(next.id);
      }
    };
    for (const visit of visits) {
      await putUntil(visit.at);
      await tellUntil(visit.at);
      site.setTime(visit.at);
      const viewer = viewers.get(visit.viewer);
      const { videos, bundle } = await arm.slate(viewer, visit);
      const { events, chances, done, until: over } = await world.ask({ ask: "shown", visit: visit.visit, videos });
      const places = new Map(videos.map((id, place) => [id, place]));
      for (const event of events) event.position = places.get(event.video);
      await arm.saw?.(viewer, events);
      for (const id of done) viewer.done.add(id);
      count(week, { videos, chances }, (id) => !before.has(id));
      if (events.length > 0) underWay.push({ until: over, visit: visit.visit, viewer, events: events.map((event, at) => toldOf(event, at, visit, name, bundle)) });
      note(number, 1);
    }
    await putUntil(until - 1);
    await tellUntil(number + 1 === weeks ? Number.MAX_SAFE_INTEGER : until);
    figures.push(await figuresOf(week, world, published));
    if (number + 1 < weeks) {
      site.setTime(until);
      await retrain(until);
      await arm.changed?.(viewers);
    }
  }
  arm.close?.();
  return figures;
}

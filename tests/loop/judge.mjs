// The judge: one more server, which is told the events of all arms and counts them with its own online metrics
// (docs/online.md), so that what a metric means is said in one place. The same people live in every arm, as accounts of
// their own.
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { Site } from "./site.mjs";
import { WEEK_MS } from "./world.mjs";

const BATCH = 500;
/** What the server calls the arm that others are held against. */
const CONTROL = "control";

/** Renames the control back. */
function named(report, control) {
  const arms = Object.entries(report.by.arm).map(([arm, figures]) => [arm === CONTROL ? control : arm, figures]);
  const against = report.arms.map(({ arm, metric, difference, interval, sequential }) => ({ arm, metric, difference, interval, sequential }));
  return { arms: Object.fromEntries(arms), against };
}

/**
 * Judges the events of a `log` per arm that `keeps` lets in; arms are held against `control`. Resolves with the figures of the
 * whole time and, where they are asked for, of each week.
 */
export async function judge({ folder, bundle, startMs, weeks, videos, logs, control, keeps = () => true, byWeek = false }) {
  const untilMs = startMs + weeks * WEEK_MS;
  const site = await Site.open(folder, bundle, untilMs + WEEK_MS);
  try {
    for (const video of videos) await site.put(video);
    for (const [arm, log] of Object.entries(logs)) {
      let batch = [];
      for await (const line of createInterface({ input: createReadStream(log) })) {
        const event = JSON.parse(line);
        if (!keeps(event)) continue;
        batch.push({ ...event, account: `${arm} ${event.account}`, arm: arm === control ? CONTROL : arm });
        if (batch.length === BATCH) await site.tell(batch.splice(0));
      }
      if (batch.length > 0) await site.tell(batch);
    }
    // The server's window ends where impressions are settled: by so much it lies behind its clock.
    const behindMs = site.nowMs - (await site.online(1)).until;
    const at = (instantMs, days) => {
      site.setTime(instantMs + behindMs);
      return site.online(days);
    };
    const whole = named(await at(untilMs, 7 * weeks), control);
    if (!byWeek) return whole;
    const figures = [];
    for (let week = 1; week <= weeks; week++) figures.push(named(await at(startMs + week * WEEK_MS, 7), control));
    return { ...whole, weeks: figures };
  } finally {
    await site.close();
  }
}

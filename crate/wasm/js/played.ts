// What of a video was really played and seen, from samples of a player. No clock, no DOM: a table can test it.

/** What a player looks like at one instant. */
export interface Sample {
  /** Position in the video, seconds. */
  positionSeconds: number;
  /** A clock that only goes forward, milliseconds; it bounds what can have been played, and is never counted. */
  atMs: number;
  /** Whether the video plays and is seen from now on. */
  counts: boolean;
  /** Playback rate, 1: as filmed. */
  rate: number;
  /** The position was set and not played to: a seek. */
  jumped?: boolean;
  /** Length in seconds where the video starts again at its end. */
  loopSeconds?: number;
}

/** Position and clock are read one after the other, and a late timer is no seek. */
const SLACK_SECONDS = 0.3;
/** Stretches nearer to each other than this are one: a position is read with less precision than it is stored. */
const SEAM_SECONDS = 0.001;

/** The parts of one video that were played: each second of it at most once. */
export class Played {
  /** Apart from each other, in order. */
  #stretches: [from: number, to: number][] = [];
  #last: Sample | undefined;

  /** `lengthSeconds`: nothing beyond it counts. */
  constructor(private readonly lengthSeconds = Number.POSITIVE_INFINITY) {}

  /** Seconds of the video that were played, not of the clock. */
  get seconds(): number {
    return this.#stretches.reduce((sum, [from, to]) => sum + (to - from), 0);
  }

  /** Takes what the player looks like now; what lies between two samples counts by the state of the first. */
  sample(now: Sample): void {
    const last = this.#last;
    if (!Number.isFinite(now.positionSeconds) || !Number.isFinite(now.atMs)) {
      this.#last = undefined;
      return;
    }
    this.#last = now;
    if (!last?.counts) return;
    const rate = Math.max(Math.abs(last.rate), Math.abs(now.rate));
    const possible = (Math.max(0, now.atMs - last.atMs) / 1000) * rate + SLACK_SECONDS;
    const advanced = now.positionSeconds - last.positionSeconds;
    if (advanced >= 0) {
      if (!now.jumped && advanced <= possible) this.#add(last.positionSeconds, now.positionSeconds);
      return;
    }
    // Backwards: a loop's own jump, if the clock leaves room for the way over the end, or else a seek.
    const end = now.loopSeconds ?? Number.NaN;
    if (end - last.positionSeconds + now.positionSeconds <= possible) {
      this.#add(last.positionSeconds, end);
      this.#add(0, now.positionSeconds);
    }
  }

  #add(from: number, to: number): void {
    let [start, end] = [Math.max(0, from), Math.min(to, this.lengthSeconds)];
    if (!(end > start)) return;
    const apart: [number, number][] = [];
    for (const stretch of this.#stretches) {
      if (stretch[1] < start - SEAM_SECONDS || stretch[0] > end + SEAM_SECONDS) apart.push(stretch);
      else [start, end] = [Math.min(start, stretch[0]), Math.max(end, stretch[1])];
    }
    apart.push([start, end]);
    this.#stretches = apart.sort(([a], [b]) => a - b);
  }
}

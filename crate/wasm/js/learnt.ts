import type { BlockInfo, PersonalStanding, RawLearnt } from "./types.js";

/** What the device learnt about its viewer that the ranker does not know. Computed from the history: a wiped one has taught nothing. */
export interface Learnt extends PersonalStanding {
  /** Channels of the loaded block: what the personal head, acting, would add to the logits of their videos on average. Most wanted first. */
  channels: { channel: string; shift: number }[];
}

/** The mean of each channel that is known. */
export function learntOf({ acts, evidence, gain, shifts }: RawLearnt, { channels: names }: BlockInfo): Learnt {
  const sums = new Map<string, { sum: number; videos: number }>();
  names.forEach((name, row) => {
    const { sum, videos } = sums.get(name) ?? { sum: 0, videos: 0 };
    if (name !== "") sums.set(name, { sum: sum + shifts[row]!, videos: videos + 1 });
  });
  const channels = [...sums].map(([channel, { sum, videos }]) => ({ channel, shift: sum / videos }));
  channels.sort((a, b) => b.shift - a.shift || (a.channel < b.channel ? -1 : 1));
  return { acts, evidence, gain, channels };
}

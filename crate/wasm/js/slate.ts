import type { BlockInfo, DropReason, PersonalStanding, RawSlate, Reason } from "./types.js";

/** One recommended video. */
export interface SlateItem {
  id: string;
  /** Title, where the server sent titles. */
  title?: string;
  /** Address of a thumbnail, where the server sent them. Load all of a block's thumbnails or none. */
  thumbnail?: string;
  /** Channel, where it is known. */
  channel?: string;
  /** Length in seconds, where it is known. */
  lengthSeconds?: number;
  /** Estimated probability that this viewer finds the video relevant now, 0 to 1. */
  score: number;
  /** Chance, over seeds that are alike likely, that this video stands at this place: 1 unless exploring put it there. */
  propensity: number;
  /** What was learnt about this viewer on the device: added to, and taken from, the logit that the order goes by. */
  learnt: { personal: number; fatigue: number };
  /** Why it stands here. */
  reason: Reason;
}

/** A candidate that isn't in the slate, and why. */
export interface DroppedItem {
  id: string;
  reason: DropReason;
}

/** An ordered list of videos to watch next. */
export interface Slate {
  items: SlateItem[];
  dropped: DroppedItem[];
  /** How the personal head stands against the ranker alone. */
  personal: PersonalStanding;
  /** Bundle that made it. */
  bundleId: string;
  /** SHA-256 of everything it was made from: the same receipt, the same slate. */
  receipt: string;
  /** When it was made, Unix milliseconds. */
  madeAtMs: number;
}

/** Looks the rows of a raw slate up in the block's columns. */
export function slateOf(raw: RawSlate, block: BlockInfo, dropReasons: DropReason[], madeAtMs: number): Slate {
  const items = Array.from(raw.rows, (row, i): SlateItem => {
    const item: SlateItem = { id: block.ids[row]!, score: raw.scores[i]!, propensity: raw.propensities[i]!, learnt: { personal: raw.personalShifts[i]!, fatigue: raw.fatigueTolls[i]! }, reason: raw.reasons[i]! };
    const title = block.titles[row];
    const thumbnail = block.thumbnails[row];
    const channel = block.channels[row];
    const length = block.lengthSeconds[row]!;
    if (title) item.title = title;
    if (thumbnail) item.thumbnail = thumbnail;
    if (channel) item.channel = channel;
    if (length >= 0) item.lengthSeconds = length;
    return item;
  });
  const dropped = Array.from(raw.droppedRows, (row, i) => ({
    id: block.ids[row]!,
    reason: dropReasons[raw.droppedReasons[i]!]!,
  }));
  return { items, dropped, personal: raw.personal, bundleId: block.bundleId, receipt: raw.receipt, madeAtMs };
}

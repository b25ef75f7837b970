import type { Reason } from "../types.js";

/** Every text that an element shows. Give the ones you translate; the others are English. */
export interface Words {
  /** Heading of the rail, and name of the group of what comes next. */
  upNext: string;
  playNow: string;
  cancel: string;
  autoplay: string;
  /** Said once by a screen reader: what comes, and in how many seconds it starts by itself (`undefined`: it does not). */
  announced(title: string, seconds: number | undefined): string;
  /** Shown while it counts down. */
  startsIn(seconds: number, title: string): string;
  /** Why a video stands where it stands; `other`: title of the video that it resembles, empty where there is none. */
  reason(reason: Reason, other: string): string;
}

export const ENGLISH: Words = {
  upNext: "Up next",
  playNow: "Play now",
  cancel: "Cancel",
  autoplay: "Autoplay",
  announced: (title, seconds) => (seconds === undefined ? `Up next: ${title}` : `Up next: ${title}, in ${seconds} seconds`),
  startsIn: (seconds) => `Starts in ${seconds} s`,
  reason({ code }, other) {
    if (code === "similar-to-watched") return other ? `Because you watched “${other}”` : "Like what you watched";
    if (code === "similar-to-liked") return other ? `Because you liked “${other}”` : "Like what you liked";
    const words = { taste: "Viewers with your taste finish it", popular: "Many finish it", new: "New", "for-this-moment": "Fits this moment", explore: "Something different" };
    return words[code];
  },
};

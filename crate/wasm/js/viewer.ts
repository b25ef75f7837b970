import { UpnextError } from "./errors.js";
import type { Learnt } from "./learnt.js";
import type { Change, ViewerTexts } from "./seat.js";
import type { Profile } from "./types.js";

/** The viewer's own data: to look at, change, take along and delete. Never sent. */
export interface ViewerProfile {
  /** The profile as it stands, a copy. */
  inspect(): Promise<Profile>;
  /** What the device learnt from what the viewer did, beside what the ranker makes of it. */
  learnt(): Promise<Learnt>;
  /** Changes the named fields; `null` forgets one. */
  set(changes: Profile): Promise<void>;
  /** Profile and history as one JSON text, for the viewer to keep or to `import` elsewhere. */
  export(): Promise<string>;
  /** Replaces profile and history by an exported text. A text that can't be read changes nothing. */
  import(text: string): Promise<void>;
  /** Forgets profile and history, on this device for good. */
  wipe(): Promise<void>;
}

/** `ViewerProfile` over what reads the viewer's data, what was learnt of it, and what changes it. */
export function viewerProfile(read: () => Promise<ViewerTexts>, learnt: () => Promise<Learnt>, change: (change: Change) => Promise<void>): ViewerProfile {
  return {
    inspect: async () => JSON.parse((await read()).profile) as Profile,
    learnt,
    set: (changes) => change({ kind: "profile", changes }),
    async export() {
      const { profile, history } = await read();
      return `{"version":1,"profile":${profile},"history":${history}}`;
    },
    async import(text) {
      let whole: { version?: unknown; profile?: Profile; history?: unknown } | null;
      try {
        whole = JSON.parse(text) as typeof whole;
      } catch (cause) {
        throw new UpnextError("profile-invalid", "the text is not JSON", { cause });
      }
      if (typeof whole !== "object" || whole?.version !== 1 || !whole.profile || !whole.history) {
        throw new UpnextError("profile-invalid", "the text must be {\"version\": 1, \"profile\": …, \"history\": …}");
      }
      const { profile, history } = whole;
      await change({ kind: "replace", viewer: { profile: JSON.stringify(profile), history: JSON.stringify(history) } });
    },
    wipe: () => change({ kind: "wipe" }),
  };
}

import { ENGLISH, type Words } from "./words.js";

/**
 * JW Player's `related` options, by their names there
 * (https://docs.jwplayer.com/players/reference/related-config-ref). What is left out has JW Player's default.
 */
export interface JwRelated {
  /** Address of a list. Nothing is asked for here: give `<upnext-next>` its `playlist`. */
  file?: string;
  /** Above the list. */
  heading?: string;
  /** Shown while it counts down: `xx` stands for the seconds that are left, `__title__` for the title. */
  autoplaymessage?: string;
  /** Seconds until the next video starts; 0: at once. Default 10. */
  autoplaytimer?: number;
  /** Where the list is; `none`: nowhere. */
  displayMode?: "overlay" | "shelf" | "shelfWidget" | "none";
  /** What a click does: plays in this player, the default, or follows a link. */
  onclick?: "play" | "link";
  /** What comes at a video's end: the next one, the list, or nothing. Default: the list. */
  oncomplete?: "autoplay" | "show" | "hide" | "none";
  /** Where a `shelfWidget` is put. */
  selector?: string;
}

/** The same for these elements. */
export interface FromJwRelated {
  /** Properties of `<upnext-next>`, for `Object.assign`. */
  next: { autoplay: boolean; seconds: number; words: Partial<Words> };
  /** Properties of `<upnext-rail>`, for `Object.assign`. */
  rail: { hidden: boolean; words: Partial<Words> };
  /** Whether `next.announce` is to be called at a video's end. */
  announce: boolean;
  /** Whether the rail lies over the player, by your CSS, and not below it. */
  overlay: boolean;
  /** What your listeners of `upnext-choose` and `upnext-play` do. */
  onclick: "play" | "link";
}

/** JW Player's own. */
const AUTOPLAY_SECONDS = 10;

/** What JW Player's `related` options come to with `<upnext-next>` and `<upnext-rail>`. */
export function fromJwRelated({ heading, autoplaymessage: message, autoplaytimer: timer, displayMode, onclick, oncomplete }: JwRelated): FromJwRelated {
  const said = (seconds: number, title: string) => message!.replace(/__title__|xx/g, (macro) => (macro === "xx" ? String(seconds) : title));
  const counting: Partial<Words> = message === undefined ? {} : { startsIn: said, announced: (title, seconds) => (seconds === undefined ? ENGLISH.announced(title, seconds) : said(seconds, title)) };
  return {
    next: { autoplay: oncomplete === "autoplay", seconds: timer !== undefined && timer >= 0 ? timer : AUTOPLAY_SECONDS, words: counting },
    rail: { hidden: displayMode === "none", words: heading === undefined ? {} : { upNext: heading } },
    announce: oncomplete !== "hide" && oncomplete !== "none",
    overlay: displayMode === "overlay",
    onclick: onclick === "link" ? "link" : "play",
  };
}

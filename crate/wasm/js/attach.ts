import { asUpnextError, UpnextError } from "./errors.js";
import { Played, type Sample } from "./played.js";
import type { FeedbackEvent } from "./types.js";

/** What `attach` takes. */
export interface AttachOptions {
  /** Id of the video that the element plays. */
  id: string;
  /** Length of the video in seconds: nothing beyond it counts. Default: up to where the element plays. */
  length?: number;
  /** Where the video was chosen, for example `up-next`. */
  surface?: string;
  /** The video started by itself and nobody chose it: its watch is recorded with the surface `autoplay`. */
  autoplay?: boolean;
  /** Stops as the returned function does. */
  signal?: AbortSignal;
}

/** What tells one source from the next; empty for `<source>` children. */
const sourceOf = (element: HTMLMediaElement) => element.srcObject ?? element.src;

type Watch = Omit<FeedbackEvent, "atMs">;

/** Everything after which a player may look different; `timeupdate` comes at least four times a second. */
const STATES = ["play", "playing", "pause", "waiting", "seeked", "ratechange", "timeupdate", "enterpictureinpicture", "leavepictureinpicture"];
/** HTMLMediaElement.HAVE_FUTURE_DATA, where no such global is. */
const HAVE_FUTURE_DATA = 3;

/**
 * Watches a player and hands one `watch` to `record` per view: at the end, when the source changes, when the page
 * goes, and when the returned function is called. Whatever `record` throws goes to `report`, never to the player.
 */
export function attach(
  element: HTMLMediaElement,
  options: AttachOptions,
  record: (watch: Watch, pageGoes: boolean) => Promise<void>,
  report: (error: UpnextError) => void,
): () => void {
  const { id, length, autoplay = false } = options;
  const surface = autoplay ? "autoplay" : options.surface;
  if (typeof element?.addEventListener !== "function") throw new UpnextError("request-invalid", "attach needs an HTMLMediaElement");
  if (typeof id !== "string" || id === "") throw new UpnextError("request-invalid", "attach needs the video's id, a text");
  if (length !== undefined && !(length > 0)) throw new UpnextError("request-invalid", "attach: length must be seconds above 0");
  const page = element.ownerDocument;
  const listening = new AbortController();
  const source = sourceOf(element);
  let played = new Played(length);
  let started = false;

  const look = (jumped: boolean): Sample => {
    const seen = page.visibilityState !== "hidden" || page.pictureInPictureElement === element;
    const plays = !element.paused && !element.ended && !element.seeking && element.readyState >= HAVE_FUTURE_DATA;
    const sample: Sample = { positionSeconds: element.currentTime, atMs: performance.now(), counts: plays && seen, rate: element.playbackRate, jumped };
    if (element.loop) sample.loopSeconds = element.duration;
    return sample;
  };
  /** The view is over: its event is handed over, and what plays from now on is another view. */
  const finish = (pageGoes = false) => {
    const { seconds } = played;
    played = new Played(length);
    if (seconds === 0) return;
    started = true;
    record({ kind: "watch", video: id, seconds, ...(surface === undefined ? {} : { surface }) }, pageGoes).catch(tell);
  };
  const tell = (thrown: unknown) => {
    try {
      report(asUpnextError(thrown));
    } catch {
      // A failing error handler of the host's is no business of the player's.
    }
  };
  const on = (target: EventTarget, names: string[], act: () => void) => {
    const guarded = () => {
      try {
        act();
      } catch (thrown) {
        tell(thrown);
      }
    };
    for (const name of names) target.addEventListener(name, guarded, { signal: listening.signal });
    return guarded;
  };
  const sampleAndFinish = (pageGoes = false) => {
    played.sample(look(false));
    finish(pageGoes);
    played.sample(look(false));
  };

  on(element, STATES, () => played.sample(look(false)));
  on(element, ["seeking"], () => played.sample(look(true)));
  on(element, ["ended"], () => sampleAndFinish());
  // The position is the next source's by now, so no last sample. Where this source has not played and is still there,
  // the event is a late word of the one before: `video.src = "…"` and `attach` in one go.
  on(element, ["emptied"], () => {
    finish();
    if (started || sourceOf(element) !== source) listening.abort();
  });
  on(page, ["visibilitychange"], () => played.sample(look(false)));
  if (page.defaultView) on(page.defaultView, ["pagehide"], () => sampleAndFinish(true));
  // Not an event: the last call, guarded like one.
  const stop = on(new EventTarget(), [], () => {
    if (listening.signal.aborted) return;
    listening.abort();
    played.sample(look(false));
    finish();
  });
  played.sample(look(false));
  return stop;
}

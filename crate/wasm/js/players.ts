import type { AttachOptions } from "./attach.js";
import type { Upnext } from "./recommender.js";

/** What is used of a video.js player. */
export interface VideojsPlayer {
  tech(safety: unknown): { el(): Element } | undefined;
  on(event: string | string[], act: () => void): void;
  off(event: string | string[], act: () => void): void;
}

/** What is used of an `Hls` of hls.js. */
export interface HlsPlayer {
  readonly media: HTMLMediaElement | null;
  readonly url: string | null;
  on(event: string, act: () => void): void;
  off(event: string, act: () => void): void;
}

/**
 * `upnext.attach` for hls.js: goes on when it takes its element back after an error (`recoverMediaError`), leaves out
 * interstitials, which are advertisements in the stream, and ends when another address is loaded. Call it again after
 * `hls.loadSource` of the next video.
 */
export function attachHls(upnext: Pick<Upnext, "attach">, hls: HlsPlayer, options: AttachOptions): () => void {
  let stop: (() => void) | undefined;
  let watched: HTMLMediaElement | undefined;
  let { url } = hls;
  let interstitial = false;
  const rest = () => {
    stop?.();
    stop = watched = undefined;
  };
  const begin = () => {
    const { media } = hls;
    if (interstitial || !media || media === watched) return;
    rest();
    watched = media;
    stop = upnext.attach(media, options);
  };
  const acts: Record<string, () => void> = {
    hlsMediaAttached: begin,
    hlsMediaDetaching: rest,
    hlsInterstitialStarted: () => {
      interstitial = true;
      rest();
    },
    hlsInterstitialsPrimaryResumed: () => {
      interstitial = false;
      begin();
    },
    // The address that is loaded first may come after this call.
    hlsManifestLoading: () => (!url || url === hls.url ? void (url = hls.url) : end()),
    hlsDestroying: () => end(),
  };
  const end = () => {
    for (const [event, act] of Object.entries(acts)) hls.off(event, act);
    rest();
  };
  for (const [event, act] of Object.entries(acts)) hls.on(event, act);
  begin();
  return end;
}

/**
 * `upnext.attach` for a player that makes its media element itself, late, or another one for another kind of source (Vidstack, JW
 * Player, Shaka's UI): follows whichever `<video>` or `<audio>` is inside `container`. Call what it returns, and it again, for the next
 * video, and around advertisements that play in the same element.
 */
export function attachInside(upnext: Pick<Upnext, "attach">, container: Element | ShadowRoot, options: AttachOptions): () => void {
  let stop: (() => void) | undefined;
  let watched: Element | null = null;
  const follow = () => {
    const element = container.querySelector<HTMLMediaElement>("video, audio");
    if (element === watched) return;
    stop?.();
    watched = element;
    stop = element ? upnext.attach(element, options) : undefined;
  };
  const changes = new MutationObserver(follow);
  changes.observe(container, { childList: true, subtree: true });
  follow();
  return () => {
    changes.disconnect();
    stop?.();
    stop = undefined;
  };
}

/**
 * `upnext.attach` for a video.js player: whichever element it plays by, and not while an advertisement of
 * videojs-contrib-ads is on, which plays in the same element. Call it again for the next video.
 */
export function attachVideojs(upnext: Pick<Upnext, "attach">, player: VideojsPlayer, options: AttachOptions): () => void {
  let stop: (() => void) | undefined;
  let watched: Element | undefined;
  const rest = () => {
    stop?.();
    stop = watched = undefined;
  };
  const begin = () => {
    const element = player.tech(true)?.el();
    if (element === watched) return;
    rest();
    if (!(element instanceof HTMLMediaElement)) return;
    watched = element;
    stop = upnext.attach(element, options);
  };
  const end = () => {
    player.off(["ready", "play", "adend"], begin);
    player.off("adstart", rest);
    player.off("dispose", end);
    rest();
  };
  // A player changes its element with the kind of source: at the latest it is there when it plays.
  player.on(["ready", "play", "adend"], begin);
  player.on("adstart", rest);
  player.on("dispose", end);
  begin();
  return end;
}

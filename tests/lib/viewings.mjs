// Scripted viewings of a real <video>, run in a page. Each says by its waits on the video's own position what was played.
import { clipBytes, clipUrl } from "./clip.mjs";

const until = (target, name) => new Promise((done) => target.addEventListener(name, done, { once: true }));
const wait = (ms) => new Promise((done) => setTimeout(done, ms));

/** Resolves when the video is at that second. */
async function at(video, second) {
  for (const end = performance.now() + 15_000; video.currentTime < second; await wait(10)) {
    if (performance.now() > end) throw new Error(`the video stands at ${video.currentTime}, not at ${second}`);
  }
}

async function seek(video, second) {
  video.currentTime = second;
  await until(video, "seeked");
}

async function load(video, seconds) {
  const loaded = until(video, "loadeddata");
  video.src = await clipUrl(seconds);
  await loaded;
}

function setPage(hidden, pictureInPicture) {
  Object.defineProperty(document, "visibilityState", { configurable: true, get: () => (hidden ? "hidden" : "visible") });
  Object.defineProperty(document, "pictureInPictureElement", { configurable: true, get: () => pictureInPicture ?? null });
  document.dispatchEvent(new Event("visibilitychange"));
}

/** The `watch` events of a history: id and seconds. */
export async function watches(upnext) {
  const { history } = JSON.parse(await upnext.profile.export());
  return history.events.filter((event) => event.kind === "watch").map((event) => [event.video, event.seconds]);
}

/** Loads a clip of that many seconds, attaches it as `v1`, and plays it. */
async function playing({ upnext, video }, seconds, more = {}) {
  await load(video, seconds);
  const stop = upnext.attach(video, { id: "v1", ...more });
  await video.play();
  return stop;
}

export const viewings = {
  async toTheEnd(page) {
    await playing(page, 3);
    await until(page.video, "ended");
  },
  async pausedAndStopped(page) {
    const stop = await playing(page, 5);
    await at(page.video, 1);
    page.video.pause();
    await wait(700);
    stop();
    stop();
  },
  async seekForward(page) {
    const stop = await playing(page, 30);
    await at(page.video, 1);
    await seek(page.video, 20);
    await at(page.video, 21);
    stop();
  },
  async seekBack(page) {
    const stop = await playing(page, 30);
    await at(page.video, 2);
    await seek(page.video, 0.2);
    await at(page.video, 1.2);
    stop();
  },
  async doubleSpeed(page) {
    const stop = await playing(page, 30);
    page.video.playbackRate = 2;
    await at(page.video, 4);
    stop();
  },
  async loops(page) {
    page.video.loop = true;
    const stop = await playing(page, 2);
    await wait(5000);
    stop();
  },
  /** The stream runs dry in the middle, and goes on a while later. */
  async stalls({ upnext, video }) {
    const source = new MediaSource();
    video.src = URL.createObjectURL(source);
    await until(source, "sourceopen");
    const buffer = source.addSourceBuffer('video/webm; codecs="vp8"');
    const bytes = await clipBytes(6);
    const append = async (part) => {
      const appended = until(buffer, "updateend");
      buffer.appendBuffer(part);
      await appended;
    };
    await append(bytes.subarray(0, bytes.length / 3));
    const stop = upnext.attach(video, { id: "v1" });
    await video.play();
    await at(video, 1.5);
    await wait(2000);
    if (video.currentTime > 2.2) throw new Error(`the video does not stall: it stands at ${video.currentTime}`);
    await append(bytes.subarray(bytes.length / 3));
    await at(video, 3);
    stop();
  },
  async hidden(page) {
    const stop = await playing(page, 30);
    await at(page.video, 1);
    setPage(true);
    await at(page.video, 2.5);
    page.video.pause();
    setPage(false);
    stop();
  },
  async hiddenInPictureInPicture(page) {
    const stop = await playing(page, 30);
    await at(page.video, 1);
    setPage(true, page.video);
    await at(page.video, 2);
    stop();
  },
  async sourceChange({ upnext, video }) {
    await playing({ upnext, video }, 30);
    await at(video, 1);
    video.src = await clipUrl(5);
    // At once: the word of the old source's end comes after this.
    const stop = upnext.attach(video, { id: "v2" });
    await video.play();
    await at(video, 1);
    stop();
  },
  async sourceChangeAfterTheEnd({ upnext, video }) {
    await playing({ upnext, video }, 1);
    await until(video, "ended");
    await load(video, 5);
    await video.play();
    await at(video, 1);
  },
  async twoViews(page) {
    await playing(page, 1);
    await until(page.video, "ended");
    await page.video.play();
    await until(page.video, "ended");
  },
  async neverPlayed({ upnext, video }) {
    await load(video, 5);
    const stop = upnext.attach(video, { id: "v1" });
    await seek(video, 4);
    stop();
  },
  async closed({ upnext, video }) {
    await playing({ upnext, video }, 30);
    await at(video, 1);
    upnext.close();
    // The engine is freed when the write is done; until then the history can be read.
    const kept = await upnext.profile.export();
    upnext.profile.export = async () => kept;
  },
  async failing({ upnext, video }) {
    const stop = await playing({ upnext, video }, 5, { surface: 7 });
    await at(video, 0.5);
    stop();
  },
  async leftPlaying(page) {
    await playing(page, 30);
    await at(page.video, 1);
  },
};

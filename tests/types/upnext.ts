// The types of the package as a user meets them, by its own exports: what must compile, and what must not.
import { createRecommender, indexedDbStorage, memoryStorage, UpnextError, type ErrorCode, type Profile, type Slate, type Storage, type Upnext } from "upnext";
import { createRecommender as inline } from "upnext/inline";
import { createRecommender as onnx } from "upnext/onnx";
import { createEdgeHandler } from "upnext/edge";
import { defineElements, fromJwRelated, type FromJwRelated, type UpnextNextElement, type UpnextRailElement } from "upnext/elements";
import { attachHls, attachVideojs, type HlsPlayer, type VideojsPlayer } from "upnext/players";

/** Compiles only where both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_: Same<A, B>) => {};

export async function positive(video: HTMLVideoElement, signal: AbortSignal): Promise<void> {
  const upnext = await createRecommender({ origin: "https://candidates.example", token: "t", profile: { age: 30 }, storage: memoryStorage(), fetch: (url, init) => fetch(url, init), now: Date.now, seed: 7, languages: ["en"], headWeights: { liked: 0.5 }, candidates: 500, refreshMs: 0, thread: "main", offline: false, events: { improve: true, metrics: true, arm: "b", sendMs: 60_000 }, anonymousMetrics: true, signal, onError: (error) => error.code });
  same<typeof upnext, Upnext>(true);
  const slate = await upnext.recommend({ surface: "up-next", watching: "v1", size: 12, device: null, localTime: { hour: 20, weekday: 4 } });
  same<typeof slate, Slate>(true);
  same<Slate["items"][number]["score"], number>(true);
  const stop = upnext.attach(video, { id: "v1", length: 60, surface: "up-next", signal });
  same<typeof stop, () => void>(true);
  await upnext.like("v1");
  await upnext.notInterested("v1");
  await upnext.notInterested("v1", { scope: "channel" });
  await upnext.refresh({ signal });
  const unwatch: () => void = upnext.watchBlock(() => upnext.block.thumbnails);
  unwatch();
  same<Awaited<ReturnType<typeof upnext.profile.inspect>>, Profile>(true);
  const { acts, channels } = await upnext.profile.learnt();
  same<typeof acts, boolean>(true);
  const liked: string | undefined = channels[0]?.channel;
  await upnext.recommend({ explore: 0.5, exploration: "thompson", personal: 1, fatigue: 1, headWeights: { finished: 1, watched: null }, seed: 3, perTag: liked === undefined ? 1 : null });
  await upnext.profile.set({ age: null });
  const text: string = await upnext.profile.export();
  await upnext.profile.import(text);
  await upnext.profile.wipe();
  await upnext.events.allow({ improve: false });
  const waiting: number = await upnext.events.waiting();
  same<typeof upnext.events.allowed.improve, boolean>(true);
  same<typeof upnext.events.allowed.metrics, boolean>(true);
  if (waiting > 0) await upnext.events.send({ signal });
  await upnext.anonymousMetrics.allow(!upnext.anonymousMetrics.allowed);
  const { metrics, last } = await upnext.anonymousMetrics.disclosed();
  const week: number | undefined = last?.week;
  same<(typeof metrics)[number]["left"], number>(true);
  if (week !== undefined) await upnext.anonymousMetrics.allow(false);
  const storage: Storage = indexedDbStorage("name");
  const engine: typeof createRecommender = Math.random() < 2 ? inline : onnx;
  await engine({ origin: "", storage });
  const handler = createEdgeHandler({ origin: "https://candidates.example" });
  const response: Response = await handler(new Request("https://edge.example"));
  const error = new UpnextError("not-found", String(response.status));
  same<typeof error.code, ErrorCode>(true);
  if (error instanceof Error) error satisfies UpnextError;
}

export async function elements(upnext: Upnext, rail: UpnextRailElement, next: UpnextNextElement, player: VideojsPlayer, hls: HlsPlayer): Promise<void> {
  defineElements();
  rail.upnext = next.upnext = upnext;
  rail.words = { upNext: "Als Nächstes", startsIn: (seconds) => `in ${seconds} s` };
  same<Awaited<ReturnType<typeof rail.rank>>, Slate>(true);
  next.playlist = [{ id: "v2", title: "Second" }];
  const id: string | undefined = (await next.announce("v1"))?.id;
  void id;
  attachVideojs(upnext, player, { id: "v1", autoplay: true })();
  attachHls(upnext, hls, { id: "v1", length: 60 })();
  const jw: FromJwRelated = fromJwRelated({ file: "list.json", oncomplete: "autoplay", autoplaytimer: 5, displayMode: "shelf" });
  Object.assign(next, jw.next satisfies Partial<UpnextNextElement>);
  Object.assign(rail, jw.rail satisfies Partial<UpnextRailElement>);
  // @ts-expect-error what JW Player does at the end is a closed list
  fromJwRelated({ oncomplete: "explode" });
  // @ts-expect-error words are a closed list
  rail.words = { upnext: "" };
  // @ts-expect-error an item of a playlist has an id
  next.playlist = ["v2"];
  // @ts-expect-error what is announced is not to be written
  next.announced = { id: "v2" };
}

export async function negative(upnext: Upnext, video: HTMLVideoElement): Promise<void> {
  // @ts-expect-error the origin is needed
  await createRecommender({});
  // @ts-expect-error no such option
  await createRecommender({ origin: "", sever: "" });
  // @ts-expect-error a profile has known fields
  await createRecommender({ origin: "", profile: { shoeSize: 46 } });
  // @ts-expect-error a thread is worker or main
  await createRecommender({ origin: "", thread: "gpu" });
  // @ts-expect-error there is no such purpose
  await createRecommender({ origin: "", events: { advertise: true } });
  // @ts-expect-error what is allowed is changed by allow
  upnext.events.allowed.improve = true;
  // @ts-expect-error size is a number
  await upnext.recommend({ size: "many" });
  // @ts-expect-error a slate is made of videos, not of options
  await upnext.recommend("v1");
  // @ts-expect-error attach needs the id of the video
  upnext.attach(video, {});
  // @ts-expect-error attach needs a media element
  upnext.attach(document.body, { id: "v1" });
  // @ts-expect-error a scope is video or channel
  await upnext.notInterested("v1", { scope: "world" });
  // @ts-expect-error what an instance says of itself is not to be written
  upnext.engine = "onnx";
  // @ts-expect-error codes are a closed list
  new UpnextError("oops", "");
  // @ts-expect-error kinds of feedback are a closed list
  await upnext.record({ kind: "stare", video: "v1" });
  // @ts-expect-error the time of an event is a number
  await upnext.record({ kind: "like", video: "v1", atMs: new Date() });
  // @ts-expect-error a handler needs an origin
  createEdgeHandler({ languages: ["en"] });
}

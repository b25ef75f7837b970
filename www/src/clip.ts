// Plays generated clips on a canvas, and keeps count of what of a clip was really seen.
import { sceneOf, type Scene } from "./scene.js";

/** What of a clip was played: each second once, however often it is seen. */
export class Seen {
  /** Spans in seconds, apart from each other and in order. */
  #spans: [from: number, to: number][] = [];

  add(from: number, to: number): void {
    const apart = this.#spans.filter(([start, end]) => end < from || start > to);
    const touching = this.#spans.filter(([start, end]) => end >= from && start <= to);
    const whole: [number, number] = [Math.min(from, ...touching.map(([start]) => start)), Math.max(to, ...touching.map(([, end]) => end))];
    this.#spans = [...apart, whole].sort(([a], [b]) => a - b);
  }

  get seconds(): number {
    return this.#spans.reduce((sum, [from, to]) => sum + to - from, 0);
  }
}

/** Pixels of a picture's width, at most. */
const WIDEST = 1920;
/** Pictures a second, at most: it is a film, and the processor is the viewer's. */
const FRAMES = 30;

/** What the player reports. */
export interface ClipEvents {
  /** Position moved: seconds and length. */
  onProgress(seconds: number, length: number): void;
  /** The end was reached. */
  onEnd(): void;
}

/** Plays one clip at a time. Time counts only while the page is visible and the clip plays. */
export class ClipPlayer {
  #scene: Scene | undefined;
  #length = 0;
  #position = 0;
  #seen = new Seen();
  #last: number | undefined;
  #playing = false;
  #drawn = Number.NaN;
  #drawnAt = 0;
  speed = 1;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly events: ClipEvents,
  ) {
    // As sharp as it is large.
    new ResizeObserver(() => {
      const width = Math.min(WIDEST, Math.round(canvas.clientWidth * devicePixelRatio));
      if (width === 0 || width === canvas.width) return;
      [canvas.width, canvas.height] = [width, Math.round((width * 9) / 16)];
      this.#drawn = Number.NaN;
    }).observe(canvas);
    const frame = (now: number) => {
      this.#advance(now);
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  }

  /** Seconds of the clip that have been played. */
  get seconds(): number {
    return this.#seen.seconds;
  }

  get playing(): boolean {
    return this.#playing;
  }

  load(id: string, title: string, length: number): void {
    this.#scene = sceneOf(id, title);
    this.#length = length;
    this.#position = 0;
    this.#seen = new Seen();
    this.#drawn = Number.NaN;
    this.#playing = true;
  }

  /** Pauses or goes on; at the end it begins again. */
  toggle(): void {
    if (this.#position >= this.#length) this.#position = 0;
    this.#playing = !this.#playing;
  }

  /** Goes to a second; what lies between was not seen. */
  seek(seconds: number): void {
    this.#position = Math.min(this.#length, Math.max(0, seconds));
    this.events.onProgress(this.#position, this.#length);
  }

  get position(): number {
    return this.#position;
  }

  #advance(now: number): void {
    const passed = this.#last === undefined ? 0 : Math.min(now - this.#last, 250) / 1000;
    this.#last = now;
    if (!this.#scene) return;
    if (this.#playing && !document.hidden) {
      const before = this.#position;
      this.#position = Math.min(this.#length, before + passed * this.speed);
      this.#seen.add(before, this.#position);
      this.events.onProgress(this.#position, this.#length);
    }
    if (this.#drawn !== this.#position && now - this.#drawnAt >= 900 / FRAMES) {
      this.#scene.frame(this.canvas, this.#position);
      this.#drawn = this.#position;
      this.#drawnAt = now;
    }
    if (this.#playing && this.#position >= this.#length) {
      this.#playing = false;
      this.events.onEnd();
    }
  }
}

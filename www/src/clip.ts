// A generated clip: no media is downloaded, every video is drawn from its id, so the demo holds nothing copyrighted.

/** Numbers in 0..1 that depend on the id alone. */
function* numbersOf(id: string): Generator<number, never> {
  let state = 2166136261;
  for (const char of id) state = Math.imul(state ^ char.codePointAt(0)!, 16777619);
  for (;;) {
    state = (Math.imul(state ^ (state >>> 15), 2246822519) + 0x9e3779b9) | 0;
    yield ((state ^ (state >>> 13)) >>> 0) / 4294967296;
  }
}

/** Draws the frame of video `id` at `seconds`. */
export function drawClip(canvas: HTMLCanvasElement, id: string, seconds: number): void {
  const paint = canvas.getContext("2d");
  if (!paint) return;
  const { width, height } = canvas;
  const random = numbersOf(id);
  const next = () => random.next().value;
  const hue = next() * 360;
  const sky = paint.createLinearGradient(0, 0, width * next(), height);
  sky.addColorStop(0, `hsl(${hue} 55% 22%)`);
  sky.addColorStop(1, `hsl(${(hue + 60 + 60 * next()) % 360} 60% 46%)`);
  paint.fillStyle = sky;
  paint.fillRect(0, 0, width, height);
  const shapes = 5 + Math.floor(next() * 6);
  const kind = Math.floor(next() * 3);
  for (let shape = 0; shape < shapes; shape++) {
    const [phase, speed, size] = [next() * Math.PI * 2, 0.15 + next() * 0.5, (0.05 + next() * 0.16) * height];
    const x = width * (0.5 + 0.42 * Math.sin(phase + seconds * speed));
    const y = height * (0.5 + 0.38 * Math.cos(phase * 1.7 + seconds * speed * 0.8));
    paint.fillStyle = `hsl(${(hue + 150 + shape * 22) % 360} 75% ${50 + 20 * next()}% / 0.75)`;
    paint.beginPath();
    if (kind === 0) paint.arc(x, y, size, 0, Math.PI * 2);
    else if (kind === 1) paint.roundRect(x - size, y - size * 0.6, size * 2, size * 1.2, size * 0.2);
    else for (let corner = 0; corner < 3; corner++) paint.lineTo(x + size * Math.cos(phase + seconds * speed + corner * 2.094), y + size * Math.sin(phase + seconds * speed + corner * 2.094));
    paint.fill();
  }
}

/** What the player reports. */
export interface ClipEvents {
  /** Position moved: seconds and length. */
  onProgress(seconds: number, length: number): void;
  /** The end was reached. */
  onEnd(): void;
}

/** Plays one clip at a time on a canvas. Time counts only while the page is visible and the clip plays. */
export class ClipPlayer {
  #id = "";
  #length = 0;
  #seconds = 0;
  #last: number | undefined;
  #playing = false;
  speed = 1;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly events: ClipEvents,
  ) {
    const frame = (now: number) => {
      this.#advance(now);
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  }

  /** Seconds of the clip that have been played. */
  get seconds(): number {
    return this.#seconds;
  }

  get playing(): boolean {
    return this.#playing;
  }

  load(id: string, length: number): void {
    this.#id = id;
    this.#length = length;
    this.#seconds = 0;
    this.#playing = true;
  }

  toggle(): void {
    this.#playing = !this.#playing;
  }

  #advance(now: number): void {
    const passed = this.#last === undefined ? 0 : Math.min(now - this.#last, 250) / 1000;
    this.#last = now;
    if (!this.#id) return;
    if (this.#playing && !document.hidden) {
      this.#seconds = Math.min(this.#length, this.#seconds + passed * this.speed);
      this.events.onProgress(this.#seconds, this.#length);
    }
    drawClip(this.canvas, this.#id, this.#seconds);
    if (this.#playing && this.#seconds >= this.#length) {
      this.#playing = false;
      this.events.onEnd();
    }
  }
}

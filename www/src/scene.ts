// Generated pictures: no media is downloaded, every video is drawn from its id and title, so the demo holds nobody's work.

type Paint = CanvasRenderingContext2D;
/** Draws one instant on a canvas of `width` × `height`. */
type Draw = (paint: Paint, width: number, height: number, seconds: number) => void;

/** Numbers in 0..1 that depend on the id alone. */
function* numbersOf(id: string): Generator<number, never> {
  let state = 2166136261;
  for (const char of id) state = Math.imul(state ^ char.codePointAt(0)!, 16777619);
  for (;;) {
    state = (Math.imul(state ^ (state >>> 15), 2246822519) + 0x9e3779b9) | 0;
    yield ((state ^ (state >>> 13)) >>> 0) / 4294967296;
  }
}

const TURN = Math.PI * 2;
const colour = (lightness: number, chroma: number, hue: number, alpha = 1) => `oklch(${lightness} ${chroma} ${hue} / ${alpha})`;

function sky(paint: Paint, width: number, height: number, from: string, to: string): void {
  const fall = paint.createLinearGradient(0, 0, 0, height);
  fall.addColorStop(0, from);
  fall.addColorStop(1, to);
  paint.fillStyle = fall;
  paint.fillRect(0, 0, width, height);
}

function disc(paint: Paint, x: number, y: number, radius: number): void {
  paint.beginPath();
  paint.arc(x, y, radius, 0, TURN);
  paint.fill();
}

/** What is drawn is one of these; each takes its numbers once and then draws any instant. */
const KINDS: ((next: () => number, hue: number) => Draw)[] = [
  function hills(next, hue) {
    const layers = Array.from({ length: 5 }, () => [next() * TURN, 1.2 + next() * 2, 0.5 + next()] as const);
    const sun = 0.2 + next() * 0.6;
    return (paint, width, height, seconds) => {
      sky(paint, width, height, colour(0.42, 0.11, hue), colour(0.84, 0.1, hue + 50));
      paint.fillStyle = colour(0.92, 0.1, hue + 70, 0.9);
      disc(paint, width * sun, height * (0.46 - 0.06 * Math.sin(seconds / 9)), height * 0.13);
      layers.forEach(([phase, waves, height_], layer) => {
        const depth = layer / layers.length;
        paint.fillStyle = colour(0.62 - 0.42 * depth, 0.09, hue - 20 * depth);
        paint.beginPath();
        paint.moveTo(0, height);
        for (let step = 0; step <= 48; step++) {
          const x = step / 48;
          const rise = Math.sin(phase + x * waves * 3 + seconds * 0.05 * (layer + 1)) + 0.4 * Math.sin(phase * 2 + x * waves * 9);
          paint.lineTo(x * width, height * (0.52 + 0.11 * layer - 0.05 * height_ * rise));
        }
        paint.lineTo(width, height);
        paint.fill();
      });
    };
  },
  function city(next, hue) {
    const towers = Array.from({ length: 22 }, (_, i) => ({ x: i / 22 + next() * 0.02, wide: 0.035 + next() * 0.03, tall: 0.2 + next() * 0.5, lit: Array.from({ length: 40 }, next) }));
    return (paint, width, height, seconds) => {
      sky(paint, width, height, colour(0.2, 0.07, hue), colour(0.6, 0.14, hue + 60));
      towers.forEach(({ x, wide, tall, lit }, i) => {
        paint.fillStyle = colour(0.16 + 0.05 * (i % 3), 0.04, hue);
        paint.fillRect(x * width, height * (1 - tall), wide * width, height * tall);
        lit.forEach((light, window) => {
          if (light < 0.45 || Math.sin(seconds * 0.4 + light * 60) < -0.4) return;
          paint.fillStyle = colour(0.86, 0.13, 80, 0.75);
          paint.fillRect((x + wide * (0.14 + 0.24 * (window % 4))) * width, height * (1 - tall + 0.03 + 0.045 * Math.floor(window / 4)), wide * width * 0.12, height * 0.018);
        });
      });
      for (let car = 0; car < 6; car++) {
        paint.fillStyle = car % 2 ? colour(0.65, 0.2, 25) : colour(0.95, 0.05, 90);
        const along = (seconds * (0.05 + 0.02 * car) + car * 0.19) % 1;
        paint.fillRect((car % 2 ? along : 1 - along) * width, height * (0.965 + 0.012 * (car % 2)), width * 0.02, height * 0.008);
      }
    };
  },
  function sea(next, hue) {
    const phases = Array.from({ length: 7 }, () => next() * TURN);
    const moon = 0.25 + next() * 0.5;
    return (paint, width, height, seconds) => {
      sky(paint, width, height, colour(0.28, 0.08, hue), colour(0.7, 0.11, hue + 30));
      paint.fillStyle = colour(0.96, 0.03, hue + 40);
      disc(paint, width * moon, height * 0.27, height * 0.09);
      phases.forEach((phase, layer) => {
        paint.fillStyle = colour(0.52 - 0.05 * layer, 0.11, hue + 8 * layer, 0.86);
        paint.beginPath();
        paint.moveTo(0, height);
        for (let step = 0; step <= 60; step++) {
          const x = step / 60;
          paint.lineTo(x * width, height * (0.5 + 0.075 * layer + 0.014 * (1 + layer) * Math.sin(phase + x * (16 - layer) + seconds * (0.5 + 0.1 * layer))));
        }
        paint.lineTo(width, height);
        paint.fill();
      });
    };
  },
  function orbits(next, hue) {
    const stars = Array.from({ length: 90 }, () => [next(), next(), next()] as const);
    const moons = Array.from({ length: 3 + Math.floor(next() * 3) }, () => [next() * TURN, 0.22 + next() * 0.24, 0.02 + next() * 0.03] as const);
    return (paint, width, height, seconds) => {
      sky(paint, width, height, colour(0.15, 0.05, hue), colour(0.25, 0.08, hue + 40));
      for (const [x, y, bright] of stars) {
        paint.fillStyle = `rgb(255 255 255 / ${0.25 + 0.5 * bright * (0.7 + 0.3 * Math.sin(seconds * 2 + bright * 40))})`;
        disc(paint, x * width, y * height, height * (0.0015 + 0.002 * bright));
      }
      const body = paint.createRadialGradient(width * 0.47, height * 0.44, 0, width * 0.5, height * 0.5, height * 0.2);
      body.addColorStop(0, colour(0.86, 0.12, hue + 30));
      body.addColorStop(1, colour(0.4, 0.15, hue));
      paint.fillStyle = body;
      disc(paint, width * 0.5, height * 0.5, height * 0.17);
      moons.forEach(([phase, far, size], i) => {
        paint.strokeStyle = colour(0.8, 0.05, hue, 0.3);
        paint.lineWidth = height * 0.003;
        paint.beginPath();
        paint.ellipse(width / 2, height / 2, width * far, height * far * 0.8, 0.2, 0, TURN);
        paint.stroke();
        const at = phase + seconds * (0.5 - far * 0.7);
        const [x, y] = [width * far * Math.cos(at), height * far * 0.8 * Math.sin(at)];
        paint.fillStyle = colour(0.8, 0.13, hue + 70 * (i + 1));
        disc(paint, width / 2 + x * Math.cos(0.2) - y * Math.sin(0.2), height / 2 + x * Math.sin(0.2) + y * Math.cos(0.2), height * size);
      });
    };
  },
  function aurora(next, hue) {
    const bands = Array.from({ length: 4 }, () => [next() * TURN, 2 + next() * 4, 0.2 + next() * 0.25] as const);
    const trees = Array.from({ length: 26 }, () => [next(), 0.08 + next() * 0.14] as const);
    return (paint, width, height, seconds) => {
      sky(paint, width, height, colour(0.16, 0.05, hue + 120), colour(0.3, 0.06, hue + 90));
      bands.forEach(([phase, waves, top], band) => {
        for (let step = 0; step < 64; step++) {
          const x = step / 64;
          const wave = Math.sin(phase + x * waves + seconds * 0.3) * 0.09;
          const fall = paint.createLinearGradient(0, height * (top + wave), 0, height * (top + wave + 0.4));
          fall.addColorStop(0, colour(0.8, 0.16, hue + 30 * band, 0));
          fall.addColorStop(0.35, colour(0.8, 0.16, hue + 30 * band, 0.2 + 0.14 * Math.sin(phase + x * 20 + seconds)));
          fall.addColorStop(1, colour(0.6, 0.18, hue + 60, 0));
          paint.fillStyle = fall;
          // From pixel to pixel: columns that overlap would show as stripes.
          const from = Math.floor(x * width);
          paint.fillRect(from, height * (top + wave), Math.floor(x * width + width / 64) - from, height * 0.4);
        }
      });
      paint.fillStyle = colour(0.12, 0.03, hue + 120);
      for (const [x, tall] of trees) {
        paint.beginPath();
        paint.moveTo((x - 0.02) * width, height);
        paint.lineTo(x * width, height * (1 - tall));
        paint.lineTo((x + 0.02) * width, height);
        paint.fill();
      }
    };
  },
  function tiles(next, hue) {
    const cells = Array.from({ length: 16 * 9 }, () => [Math.floor(next() * 4), next()] as const);
    return (paint, width, height, seconds) => {
      sky(paint, width, height, colour(0.93, 0.04, hue), colour(0.86, 0.07, hue + 30));
      const side = width / 16;
      cells.forEach(([turn, shade], i) => {
        const [x, y] = [(i % 16) * side, Math.floor(i / 16) * side];
        const slow = Math.max(0, Math.sin(seconds * 0.5 + shade * TURN)) ** 8;
        paint.save();
        paint.translate(x + side / 2, y + side / 2);
        paint.rotate(((turn + slow) * Math.PI) / 2);
        paint.fillStyle = colour(0.45 + 0.35 * shade, 0.13, hue + 120 * Math.round(shade * 2));
        paint.beginPath();
        paint.moveTo(-side / 2, -side / 2);
        paint.arc(-side / 2, -side / 2, side, 0, Math.PI / 2);
        paint.fill();
        paint.restore();
      });
    };
  },
  function falling(next, hue) {
    const flakes = Array.from({ length: 70 }, () => [next(), next(), next(), next()] as const);
    return (paint, width, height, seconds) => {
      sky(paint, width, height, colour(0.78, 0.08, hue), colour(0.56, 0.12, hue + 40));
      for (const [x, y, size, tint] of flakes) {
        const down = (y + seconds * (0.03 + 0.06 * size)) % 1.1;
        paint.save();
        paint.translate(width * ((x + 0.04 * Math.sin(seconds * 0.8 + tint * 30) + 1) % 1), height * (down - 0.05));
        paint.rotate(tint * TURN + seconds * (tint - 0.5) * 2);
        paint.fillStyle = colour(0.9 - 0.4 * tint, 0.14, hue + 160 + 60 * tint, 0.4 + 0.5 * size);
        paint.beginPath();
        paint.ellipse(0, 0, height * (0.012 + 0.03 * size), height * (0.006 + 0.013 * size), 0, 0, TURN);
        paint.fill();
        paint.restore();
      }
    };
  },
  function sound(next, hue) {
    const bars = Array.from({ length: 48 }, () => [next() * TURN, 0.6 + next() * 2.4] as const);
    return (paint, width, height, seconds) => {
      sky(paint, width, height, colour(0.22, 0.05, hue), colour(0.32, 0.1, hue + 60));
      const wide = width / bars.length;
      bars.forEach(([phase, speed], i) => {
        const middle = 1 - Math.abs(i / bars.length - 0.5) * 1.5;
        const tall = height * (0.05 + 0.38 * middle * Math.abs(Math.sin(phase + seconds * speed) * Math.sin(seconds * 0.7 + i * 0.4)));
        paint.fillStyle = colour(0.74, 0.16, hue + i * 3);
        paint.beginPath();
        paint.roundRect(i * wide + wide * 0.2, height / 2 - tall, wide * 0.6, tall * 2, wide * 0.3);
        paint.fill();
      });
    };
  },
];

/** Words as their language cuts them. */
const words = (title: string) => (typeof Intl.Segmenter === "function" ? [...new Intl.Segmenter(undefined, { granularity: "word" }).segment(title)].filter((word) => word.isWordLike).map((word) => word.segment) : title.split(/\s+/));

/** In how many titles a word stands. */
const told = new Map<string, number>();

/** Counts the words of a block's titles, so that a card can show the one that says most. */
export function learnWords(titles: readonly string[]): void {
  told.clear();
  for (const title of titles) for (const word of new Set(words(title))) told.set(word, (told.get(word) ?? 0) + 1);
}

/** The rarest word of a title; of several the longest. */
function headword(title: string): string {
  const rank = (word: string) => (told.get(word) ?? 1) - [...word].length / 100;
  return words(title).reduce((best, word) => (best === "" || rank(word) < rank(best) ? word : best), "");
}

/** A video's picture at any instant. */
export interface Scene {
  /** The picture alone, with the title's headword: for cards. */
  card(canvas: HTMLCanvasElement, seconds: number): void;
  /** The picture with its whole title at the beginning: for the player. */
  frame(canvas: HTMLCanvasElement, seconds: number): void;
}

/** What video `id` looks like. */
export function sceneOf(id: string, title: string): Scene {
  const numbers = numbersOf(id);
  const next = () => numbers.next().value;
  const hue = next() * 360;
  const draw = KINDS[Math.floor(next() * KINDS.length)]!(next, hue);
  const word = headword(title);
  const text = (paint: Paint, said: string, x: number, y: number, size: number, widest: number, alpha: number) => {
    paint.save();
    paint.globalAlpha = alpha;
    paint.font = `700 ${size}px system-ui, sans-serif`;
    // Smaller rather than squeezed.
    const wide = paint.measureText(said).width;
    if (wide > widest) paint.font = `700 ${(size * widest) / wide}px system-ui, sans-serif`;
    paint.textAlign = "center";
    paint.textBaseline = "middle";
    paint.shadowColor = "rgb(0 0 0 / 0.55)";
    paint.shadowBlur = size * 0.35;
    paint.fillStyle = "#fff";
    paint.fillText(said, x, y);
    paint.restore();
  };
  return {
    card(canvas, seconds) {
      const paint = canvas.getContext("2d");
      if (!paint) return;
      const { width, height } = canvas;
      draw(paint, width, height, seconds);
      text(paint, word, width / 2, height / 2, height * 0.21, width * 0.86, 0.96);
    },
    frame(canvas, seconds) {
      const paint = canvas.getContext("2d");
      if (!paint) return;
      const { width, height } = canvas;
      draw(paint, width, height, seconds);
      const shown = Math.min(1, Math.max(0, 5 - seconds));
      if (shown > 0) text(paint, title, width / 2, height / 2, height * 0.085, width * 0.88, shown);
    },
  };
}

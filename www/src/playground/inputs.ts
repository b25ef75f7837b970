// What a tower is run on: values by input, from fields of the page or from a file as `upnext-export compile --expect` takes it.
import type { GraphInput } from "upnext/onnx";
import { FileError } from "./csv.js";

/** Values by the input's name. */
export type Values = Record<string, number[]>;
/** Inputs of one row, and what another runtime made of it. */
export interface Case {
  values: Values;
  expected: number[] | undefined;
}

/** Numbers in 0..1 that are the same every time. */
function* numbers(seed: number): Generator<number, never> {
  for (let state = seed; ; ) {
    state = (Math.imul(state ^ (state >>> 15), 2246822519) + 0x9e3779b9) | 0;
    yield ((state ^ (state >>> 13)) >>> 0) / 4294967296;
  }
}

/** Nothing known: ids 0 and zeros. */
export const zeros = (inputs: readonly GraphInput[]): Values => Object.fromEntries(inputs.map(({ name, width }) => [name, new Array<number>(width).fill(0)]));

/** Seeded values: floats in −1..1, ids 0 or 1, which every table of two rows has. */
export function drawn(inputs: readonly GraphInput[], seed: number): Values {
  const next = numbers(seed);
  return Object.fromEntries(inputs.map(({ name, width, ids }) => [name, Array.from({ length: width }, () => (ids ? Math.round(next.next().value) : Number((2 * next.next().value - 1).toFixed(3))))]));
}

/** Numbers as they are typed: spaces or commas between them. */
export function typedIn(text: string, { name, width, ids }: GraphInput): number[] {
  const words = text.split(/[\s,;]+/).filter(Boolean);
  const wrong = words.find((word) => (ids ? !/^\d+$/.test(word) : !Number.isFinite(Number(word))));
  if (wrong !== undefined) throw new FileError(`input ${name}: “${wrong}” is no ${ids ? "id, a whole number from 0" : "number"}`);
  if (words.length !== width) throw new FileError(`input ${name}: ${words.length} numbers, the graph takes ${width}`);
  return words.map(Number);
}

/** The first row of a case: `{"rows", "inputs": [{"name", "ids" or "dense"}], "expected"}`. */
export function readCase(text: string, inputs: readonly GraphInput[]): Case {
  let parsed: { rows?: unknown; inputs?: unknown; expected?: unknown };
  try {
    parsed = JSON.parse(text) as typeof parsed;
  } catch (error) {
    throw new FileError(`this is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  const shape = 'the file is {"rows": 1, "inputs": [{"name": "…", "ids" or "dense": [numbers]}], "expected": [numbers, may be left out]}';
  if (!Array.isArray(parsed?.inputs)) throw new FileError(`there is no list \`inputs\`; ${shape}`);
  const rows = parsed.rows ?? 1;
  if (typeof rows !== "number" || !Number.isInteger(rows) || rows < 1) throw new FileError(`\`rows\` is ${JSON.stringify(rows)}; ${shape}`);
  const given = new Map(parsed.inputs.map((one: { name?: unknown; ids?: unknown; dense?: unknown }) => [one?.name, one?.ids ?? one?.dense] as const));
  const values: Values = {};
  for (const { name, width, ids } of inputs) {
    const all = given.get(name);
    if (!isNumbers(all)) throw new FileError(`input ${name} is missing, or holds other than numbers; found: ${[...given.keys()].join(", ")}`);
    if (all.length !== rows * width) throw new FileError(`input ${name}: ${all.length} numbers; ${rows} ${rows === 1 ? "row" : "rows"} of ${width} are ${rows * width}`);
    const first = all.slice(0, width);
    if (ids && first.some((id) => !Number.isInteger(id) || id < 0)) throw new FileError(`input ${name}: ids are whole numbers from 0`);
    values[name] = first;
  }
  const { expected } = parsed;
  if (expected !== undefined && !isNumbers(expected)) throw new FileError(`\`expected\` holds other than numbers; ${shape}`);
  return { values, expected: expected?.slice(0, expected.length / rows) };
}

const isNumbers = (value: unknown): value is number[] => Array.isArray(value) && value.every((one) => typeof one === "number" && Number.isFinite(one));

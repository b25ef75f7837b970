// Candidates from a CSV file: an id and a vector each, and what is shown of them. What is wrong is named by line and column.

/** Candidates as columns; row `i` of each is candidate `i`. */
export interface Table {
  ids: string[];
  width: number;
  /** One row after the other. */
  vectors: Float32Array;
  /** The id where no title is given. */
  titles: string[];
  /** What else is known, for people to read. */
  abouts: string[];
  /** Columns that nothing here reads. */
  ignored: string[];
}

/** Most candidates: what a page may hold without being slow. */
export const MOST_ROWS = 100_000;
/** Columns that are shown, in this order. */
const SHOWN = ["channel", "tags", "language", "length_seconds"] as const;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** A problem with a file of the visitor's: what, where, and how to mend it. */
export class FileError extends Error {}

interface Row {
  /** Line of the file where the row begins, from 1. */
  line: number;
  cells: string[];
}

/** Rows of a text after RFC 4180: quotes hold commas, line ends, and doubled quotes. */
function* rowsOf(text: string): Generator<Row> {
  let [line, began] = [1, 1];
  let cells: string[] = [];
  let cell = "";
  let quoted = false;
  for (let at = text.charCodeAt(0) === 0xfeff ? 1 : 0; at < text.length; at++) {
    const char = text[at]!;
    if (char === "\n") line++;
    if (quoted) {
      if (char !== '"') cell += char;
      else if (text[at + 1] === '"') cell += text[++at]!;
      else quoted = false;
    } else if (char === '"' && cell === "") quoted = true;
    else if (char === ",") {
      cells.push(cell);
      cell = "";
    } else if (char === "\n") {
      cells.push(cell);
      if (cells.length > 1 || cells[0] !== "") yield { line: began, cells };
      [cells, cell, began] = [[], "", line];
    } else if (char !== "\r" || text[at + 1] !== "\n") cell += char;
  }
  if (quoted) throw new FileError(`line ${began}: a quote is opened and never closed; double a quote that is part of a text: ""`);
  if (cell !== "" || cells.length > 0) yield { line: began, cells: [...cells, cell] };
}

/** Which cells of a row make the vector. */
function vectorCells(names: string[]): { at: number[]; one: boolean } {
  const one = names.indexOf("vector");
  if (one >= 0) return { at: [one], one: true };
  const numbered = names.flatMap((name, at) => (/^v\d+$/.test(name) ? [{ at, number: Number(name.slice(1)) }] : [])).sort((a, b) => a.number - b.number);
  const first = numbered[0]?.number ?? 0;
  numbered.forEach(({ number }, place) => {
    if (number !== place + first || first > 1) throw new FileError(`line 1: the columns of the vector must be v0, v1, v2 … without a gap, v${place + first} is missing; found are ${numbered.map((one) => `v${one.number}`).join(", ")}`);
  });
  if (numbered.length === 0) throw new FileError(`line 1: there is no vector; name its columns v0, v1, v2 …, or put the numbers into one column \`vector\`, spaces between them. Found: ${names.join(", ")}`);
  return { at: numbered.map((one) => one.at), one: false };
}

/** Reads a file's text. */
export function readCandidates(text: string): Table {
  const rows = rowsOf(text);
  const head = rows.next().value as Row | undefined;
  if (!head) throw new FileError("the file is empty; its first line names the columns: id, title, v0, v1 …");
  const names = head.cells.map((name) => name.trim().toLowerCase());
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw new FileError(`line 1: the column ${twice} is there twice; rename one of them`);
  const id = names.indexOf("id");
  if (id < 0) throw new FileError(`line 1: there is no column \`id\`; found: ${head.cells.join(", ")}. Fields are separated by commas`);
  const { at, one } = vectorCells(names);
  const shown = SHOWN.map((name) => [name, names.indexOf(name)] as const).filter(([, column]) => column >= 0);
  const title = names.indexOf("title");
  const known = new Set<number>([id, title, ...at, ...shown.map(([, column]) => column)]);
  const table: Omit<Table, "vectors"> & { values: number[] } = { ids: [], width: one ? 0 : at.length, values: [], titles: [], abouts: [], ignored: names.filter((_, column) => !known.has(column)) };
  const seen = new Map<string, number>();
  for (const { line, cells } of rows) {
    const fail = (what: string): never => {
      throw new FileError(`line ${line}: ${what}`);
    };
    if (cells.length !== names.length) fail(`${cells.length} fields, the first line names ${names.length} columns; a text with a comma in it stands in quotes`);
    const own = cells[id]!.trim();
    if (own === "") fail("the id is empty");
    const before = seen.get(own);
    if (before !== undefined) fail(`the id ${own} is that of line ${before} too; ids must differ`);
    seen.set(own, line);
    const numbers = one ? cells[at[0]!]!.trim().split(/[\s;|]+/) : at.map((column) => cells[column]!.trim());
    if (one && table.width === 0) table.width = numbers.length;
    if (numbers.length !== table.width) fail(`the vector has ${numbers.length} numbers, that of the first candidate ${table.width}`);
    numbers.forEach((number, place) => {
      const where = one ? `number ${place + 1} of the vector` : `column ${names[at[place]!]}`;
      if (!NUMBER.test(number) || !Number.isFinite(Math.fround(Number(number)))) fail(`${where}: “${number}” is no finite number; write it like -0.25 or 1e-3`);
      table.values.push(Number(number));
    });
    table.ids.push(own);
    table.titles.push((title >= 0 && cells[title]!.trim()) || own);
    table.abouts.push(shown.map(([name, column]) => said(name, cells[column]!.trim())).filter(Boolean).join(" · "));
    if (table.ids.length > MOST_ROWS) fail(`more than ${MOST_ROWS} candidates; a server prunes them to some hundred, a page ranks those`);
  }
  if (table.ids.length === 0) throw new FileError("there is no candidate: the file holds the line of column names alone");
  const { values, ...rest } = table;
  return { ...rest, vectors: Float32Array.from(values) };
}

/** A fact as it is read: the numbers alone would say little. */
function said(name: (typeof SHOWN)[number], value: string): string {
  if (value === "") return "";
  if (name === "tags") return value.split("|").join(", ");
  return name === "length_seconds" ? `${value} s` : value;
}

/** One field of a CSV file. */
const field = (value: string) => (/[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);

/** A file's text of rows of texts and numbers. */
export const writeCsv = (rows: (string | number)[][]): string => rows.map((row) => `${row.map((cell) => field(String(cell))).join(",")}\n`).join("");

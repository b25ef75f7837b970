// The playground: somebody's own tower and candidates, compiled, run and timed in this page. Nothing of them leaves it.
import { connectLooks } from "../looks.js";
import { find, make, on, saveFile } from "../markup.js";
import { FileError, readCandidates, type Table } from "./csv.js";
import { Engine, EngineError } from "./engine.js";
import { drawn, readCase, typedIn, zeros, type Values } from "./inputs.js";
import type { ProgramInfo, RankedRows, Refused, Stage, TowerInfo, Wish } from "./protocol.js";
import { fetchSample, type Sample } from "./sample.js";

/** Kinds of files, by the end of their names. */
const KINDS = { tower: ".onnx", program: ".program", candidates: ".csv", inputs: ".json" } as const;
type Kind = keyof typeof KINDS;
const MOST_BYTES = 256 << 20;

const number = new Intl.NumberFormat("en");
const bytes = (count: number) => `${number.format(count)} bytes`;
const micros = (value: number | undefined) => (value === undefined ? "–" : value >= 1000 ? `${(value / 1000).toFixed(2)} ms` : `${value.toFixed(value < 10 ? 2 : 1)} µs`);
const said = (error: unknown) => (error instanceof EngineError ? `${error.message} (${error.code})` : error instanceof FileError ? error.message : String(error));

class Playground {
  readonly #engine = new Engine(() => this.#forget());
  readonly #files = new Map<Kind, File>();
  #tower: TowerInfo | undefined;
  #program: ProgramInfo | undefined;
  #table: Table | undefined;
  #expected: number[] | undefined;
  #seed = 1;
  #sample: Sample | undefined;
  /** What is under way; files and runs come one after the other. */
  #work: Promise<void> = Promise.resolve();

  constructor(private readonly origin: string) {
    for (const kind of Object.keys(KINDS) as Kind[]) {
      const input = find<HTMLInputElement>(`#file-${kind}`);
      input.addEventListener("change", () => {
        const [file] = input.files ?? [];
        if (file) this.#do(() => this.#take([file]));
        input.value = "";
      });
    }
    const drop = find("#drop");
    for (const name of ["dragenter", "dragover"]) document.addEventListener(name, (event) => {
      event.preventDefault();
      drop.dataset.over = "true";
    });
    for (const name of ["dragleave", "drop"]) document.addEventListener(name, () => delete drop.dataset.over);
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      const files = [...(event.dataTransfer?.files ?? [])];
      if (files.length > 0) this.#do(() => this.#take(files));
    });
    on("#sample", "click", () => this.#do(async () => {
      this.#sample ??= await fetchSample(this.origin);
      await this.#take(Object.values(this.#sample) as File[]);
    }));
    on("#sample-save", "click", () => this.#do(async () => {
      this.#sample ??= await fetchSample(this.origin);
      for (const file of Object.values(this.#sample) as File[]) saveFile(file);
    }));
    on("#program-save", "click", () => this.#do(async () => saveFile(new File([(await this.#engine.ask("compiled", null)) as Uint8Array<ArrayBuffer>], "tower.program"))));
    on("#output", "change", () => this.#do(async () => {
      const tower = this.#files.get("tower");
      if (tower) await this.#take([tower]);
    }));
    on("#zeros", "click", () => this.#do(() => this.#fill(zeros(this.#inputs()))));
    on("#draw", "click", () => this.#do(() => this.#fill(drawn(this.#inputs(), this.#seed++))));
    on("#size", "change", () => this.#do(() => this.#rank()));
    on("#diversity", "input", () => this.#do(() => this.#rank()));
    on("#again", "click", () => this.#do(() => this.#time()));
  }

  /** One thing after the other; what goes wrong is said, and the page goes on. */
  #do(act: () => void | Promise<void>, keepsProblem = false): void {
    this.#work = this.#work.then(async () => {
      document.body.dataset.busy = "true";
      if (!keepsProblem) find("#problem").hidden = true;
      try {
        await act();
      } catch (error) {
        find("#problem-text").textContent = said(error);
        find("#problem").hidden = false;
      }
      delete document.body.dataset.busy;
    });
  }

  /** Files by the ends of their names, the tower first: a program is held to it, and inputs are the tower's. */
  async #take(files: File[]): Promise<void> {
    const order = Object.keys(KINDS) as Kind[];
    const taken = files.map((file) => {
      const kind = order.find((kind) => file.name.toLowerCase().endsWith(KINDS[kind]));
      if (!kind) throw new FileError(`${file.name}: what it is is told by the end of its name: ${Object.entries(KINDS).map(([kind, end]) => `${end} for ${kind === "inputs" ? kind : `the ${kind}`}`).join(", ")}`);
      if (file.size === 0) throw new FileError(`${file.name}: the file is empty`);
      if (file.size > MOST_BYTES) throw new FileError(`${file.name}: ${bytes(file.size)}; this page reads at most ${bytes(MOST_BYTES)}`);
      return { kind, file };
    });
    taken.sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind));
    for (const { kind, file } of taken) {
      try {
        this.#say(kind, `${file.name} …`);
        this.#say(kind, `${file.name}, ${bytes(file.size)}: ${await this.#read(kind, file)}`);
        this.#files.set(kind, file);
      } catch (error) {
        this.#say(kind, `${file.name}: ${said(error)}`, true);
        throw error instanceof EngineError ? new EngineError(error.code, `${file.name}: ${error.message}`) : new FileError(`${file.name}: ${said(error)}`);
      }
    }
    await this.#rank();
    await this.#time();
  }

  /** Reads one file; says what it holds. */
  async #read(kind: Kind, file: File): Promise<string> {
    if (kind === "candidates") return this.#readCandidates(await file.text());
    if (kind === "inputs") {
      const { values, expected } = readCase(await file.text(), this.#inputs());
      this.#fillFields(values);
      this.#expected = expected;
      return expected ? "inputs, and what another runtime made of them" : "inputs";
    }
    const read = new Uint8Array(await file.arrayBuffer());
    if (kind === "program") {
      this.#program = await this.#engine.ask("program", { bytes: read });
      this.#showFields(this.#tower ?? this.#program);
      this.#showProgram(this.#program);
      return shape(this.#program);
    }
    const output = find<HTMLInputElement>("#output").value.trim() || undefined;
    [this.#tower, this.#program] = [undefined, undefined];
    for (const kind of ["tower", "program"] as const) this.#files.delete(kind);
    this.#say("program", "none given: this page compiles the tower");
    const { tower, program } = await this.#engine.ask("tower", { name: file.name, bytes: read, output });
    this.#tower = tower;
    this.#unrank();
    if ("bytes" in program) this.#program = program;
    this.#showFields(tower);
    this.#showProgram(program);
    return shape(tower);
  }

  async #readCandidates(text: string): Promise<string> {
    const table = readCandidates(text);
    const { ids, width, vectors, ignored } = table;
    await this.#engine.ask("candidates", { ids, vectors });
    this.#table = table;
    this.#unrank();
    return `${number.format(ids.length)} candidates with vectors of ${width}${ignored.length > 0 ? `; not read: ${ignored.join(", ")}` : ""}`;
  }

  /** What is shown was made of other files. */
  #unrank(): void {
    for (const part of ["#ranked", "#timed"]) find(part).hidden = true;
  }

  #say(kind: Kind, what: string, bad = false): void {
    const line = find(`#said-${kind}`);
    line.textContent = what;
    line.dataset.bad = String(bad);
  }

  #inputs() {
    const graph = this.#tower ?? this.#program;
    if (!graph) throw new FileError("give the tower first: what it takes is told by it");
    return graph.inputs;
  }

  /** A field for each input of the graph; what was typed for inputs of the same shape stays. */
  #showFields(graph: TowerInfo): void {
    this.#expected = undefined;
    const key = JSON.stringify(graph.inputs);
    const list = find("#fields");
    find("#inputs").hidden = false;
    if (list.dataset.inputs === key) return;
    list.dataset.inputs = key;
    list.replaceChildren(
      ...graph.inputs.map((input) => {
        const field = make("textarea", { rows: "2", spellcheck: "false", dir: "ltr", "data-input": input.name });
        field.addEventListener("change", () => this.#do(async () => {
          this.#expected = undefined;
          await this.#rank();
        }));
        return make("label", {}, make("bdi", {}, `${input.name}: ${input.width} ${input.ids ? "ids" : "floats"}`), field);
      }),
    );
    this.#fillFields(zeros(graph.inputs));
  }

  #fillFields(values: Values): void {
    for (const field of document.querySelectorAll<HTMLTextAreaElement>("#fields textarea")) field.value = (values[field.dataset.input!] ?? []).join(", ");
  }

  async #fill(values: Values): Promise<void> {
    this.#fillFields(values);
    this.#expected = undefined;
    await this.#rank();
  }

  /** What the compiler says of the tower. */
  #showProgram(program: ProgramInfo | Refused): void {
    const refused = "code" in program;
    find("#verdict").hidden = false;
    find("#verdict").dataset.bad = String(refused);
    find("#program-save").hidden = refused;
    find("#verdict-text").textContent = refused
      ? `Outside the compact set: ${program.message} (${program.code}). Here tract runs it alone, and so would the module upnext/onnx on a device.`
      : `Every op is in the compact set: the program has ${bytes(program.bytes)}${program.compileMs === undefined ? ", and was given" : `, compiled here in ${program.compileMs.toFixed(1)} ms`}.`;
  }

  #wish(): Wish | undefined {
    const [graph, table] = [this.#tower ?? this.#program, this.#table];
    if (!graph || !table) return undefined;
    if (graph.outputWidth !== table.width) throw new FileError(`the tower gives ${graph.outputWidth} numbers, the vectors of the candidates have ${table.width}; both must come from one model`);
    const fields = [...document.querySelectorAll<HTMLTextAreaElement>("#fields textarea")];
    const values = Object.fromEntries(graph.inputs.map((input) => [input.name, typedIn(fields.find((field) => field.dataset.input === input.name)?.value ?? "", input)]));
    const size = Math.round(Number(find<HTMLInputElement>("#size").value));
    if (!(size >= 1 && size <= 200)) throw new FileError("a slate has 1 to 200 places");
    return { values, size, diversity: Number(find<HTMLInputElement>("#diversity").value), expected: this.#expected };
  }

  async #rank(): Promise<void> {
    const wish = this.#wish();
    if (!wish) return;
    const ranked = await this.#engine.ask("rank", wish);
    const { ids, titles, abouts } = this.#table!;
    find("#slate").replaceChildren(
      ...ranked.rows.map((row, place) =>
        make("li", { "data-id": ids[row]! }, make("span", { class: "place" }, String(place + 1)), make("span", { class: "text" }, make("span", { class: "name", dir: "auto" }, titles[row]!), make("span", { class: "about", dir: "auto" }, abouts[row]! || ids[row]!)), make("span", { class: "score" }, ranked.scores[place]!.toFixed(4))),
      ),
    );
    find("#ranked").hidden = false;
    find("#agreement").textContent = agreement(ranked);
    document.body.dataset.ranked = String(Number(document.body.dataset.ranked ?? 0) + 1);
  }

  async #time(): Promise<void> {
    const wish = this.#wish();
    if (!wish) return;
    const stages = await this.#engine.ask("time", wish);
    const read: Stage = { name: "read, once", compact: this.#program && this.#program.readMs * 1000, tract: this.#tower && this.#tower.readMs * 1000 };
    find("#stages").replaceChildren(
      ...[read, ...stages].map(({ name, compact, tract }) => make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, micros(compact)), make("td", {}, micros(tract)), make("td", {}, compact && tract ? `${(tract / compact).toFixed(1)}×` : "–"))),
    );
    find("#timed").hidden = false;
    document.body.dataset.timed = String(Number(document.body.dataset.timed ?? 0) + 1);
  }

  /** The worker died: what it held is read again. */
  #forget(): void {
    const files = [...this.#files.values()];
    this.#files.clear();
    this.#fillFields(zeros((this.#tower ?? this.#program)?.inputs ?? []));
    if (files.length > 0) this.#do(() => this.#take(files), true);
  }
}

const shape = ({ inputs, outputWidth }: TowerInfo) => `${inputs.map(({ name, width, ids }) => `${name} (${width} ${ids ? "ids" : "floats"})`).join(", ")} → ${outputWidth}`;

function agreement({ apart, same, fromExpected }: RankedRows): string {
  const parts = [apart === undefined ? "One engine ran." : `The two engines' vectors differ by ${apart.toExponential(1)} at most; ${same ? "their slates are the same" : "their slates differ"}.`];
  for (const [engine, difference] of Object.entries(fromExpected)) parts.push(`${engine} is ${difference.toExponential(1)} from the expected output.`);
  return parts.join(" ");
}

async function start(): Promise<void> {
  connectLooks();
  const site = (await (await fetch("./site.json")).json()) as { origin: string; onnx: boolean };
  find("#without").hidden = site.onnx;
  find("#playground").inert = !site.onnx;
  if (site.onnx) new Playground(site.origin);
  document.body.dataset.ready = "true";
}

start().catch((error: unknown) => {
  find("#problem-text").textContent = said(error);
  find("#problem").hidden = false;
});

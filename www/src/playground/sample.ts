// A sample that works: the user tower of the bundle that the demo runs on, and a block of candidates of its server.
import { FileError, writeCsv } from "./csv.js";

/** Candidates of the sample. */
const SAMPLE_ROWS = 200;

/** Files of the sample, by what they are. */
export interface Sample {
  tower: File;
  candidates: File;
}

interface JsonRow {
  id: string;
  title: string | null;
  channel: string | null;
  language: string | null;
  length_seconds: number | null;
  tags: string[];
  vector: { scale: number; levels: number[] } | null;
}

async function fetched(url: string, headers: Record<string, string> = {}): Promise<Response> {
  const answer = await fetch(url, { headers, credentials: "omit", referrerPolicy: "no-referrer" }).catch((cause: unknown) => {
    throw new FileError(`no answer from ${url} (${String(cause)}); the sample is the running server's: is it up?`);
  });
  if (!answer.ok) throw new FileError(`${url} answered with HTTP ${answer.status}; the sample is what the running server holds`);
  return answer;
}

/** Fetches it; nothing of the visitor's is in these requests. */
export async function fetchSample(origin: string): Promise<Sample> {
  const { bundle } = (await (await fetched(`${origin}/bundle/current.json`)).json()) as { bundle: string };
  const manifest = (await (await fetched(`${origin}/bundle/${bundle}/manifest.json`)).json()) as { files: { role: string; path: string }[] };
  const file = manifest.files.find(({ role }) => role === "user-tower-onnx");
  if (!file) throw new FileError("the running bundle holds no ONNX user tower; train one with upnext-export train");
  const [onnx, block] = await Promise.all([
    fetched(`${origin}/bundle/${bundle}/${file.path}`).then((answer) => answer.arrayBuffer()),
    fetched(`${origin}/v1/candidates?bundle=${bundle}&size=${SAMPLE_ROWS}`, { accept: "application/json" }).then((answer) => answer.json() as Promise<{ rows: JsonRow[] }>),
  ]);
  const rows = block.rows.filter(({ vector }) => vector !== null);
  const width = rows[0]?.vector?.levels.length ?? 0;
  const head = ["id", "title", "channel", "tags", "language", "length_seconds", ...Array.from({ length: width }, (_, i) => `v${i}`)];
  const cells = rows.map(({ id, title, channel, tags, language, length_seconds: length, vector }) => [id, title ?? "", channel ?? "", tags.join("|"), language ?? "", length ?? "", ...vector!.levels.map((level) => Math.fround(level * vector!.scale))]);
  return { tower: new File([onnx], "tower.onnx"), candidates: new File([writeCsv([head, ...cells])], "candidates.csv", { type: "text/csv" }) };
}

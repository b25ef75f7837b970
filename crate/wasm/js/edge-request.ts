import { UpnextError } from "./errors.js";
import type { Context, FeedbackEvent, Profile, SlateOptions } from "./types.js";

/** What a thin client POSTs to the edge, as JSON. All of it is optional, and none of it goes further. */
export interface EdgeRequest {
  /** The moment; what is left out is unknown. The time is the edge's clock. */
  context?: Omit<Partial<Context>, "nowMs">;
  /** How the slate is made; defaults: 12 videos, diversity 0.3, explore 0. */
  options?: Omit<SlateOptions, "seed"> & { seed?: number };
  /** What is known of the viewer. */
  profile?: Profile;
  /** A history as `profile.export()` writes it under `history`. */
  history?: object;
  /** What the viewer did, oldest first, at most 1000; on top of `history` where there is one. */
  events?: FeedbackEvent[];
}

const DEFAULT_MAX_BYTES = 256 << 10;
const MOST_EVENTS = 1000;
const FIELDS: Record<keyof EdgeRequest, readonly string[] | undefined> = {
  context: ["utcOffsetMinutes", "device", "surface", "localTime"],
  options: ["size", "diversity", "method", "calibration", "perChannel", "perTag", "decay", "explore", "exploration", "personal", "fatigue", "headWeights", "watching", "seed"],
  // The module checks these field by field.
  profile: undefined,
  history: undefined,
  events: undefined,
};

/** A request that is refused before its viewer is looked at. */
export class Refusal extends UpnextError {
  constructor(
    readonly status: number,
    message: string,
    cause?: unknown,
  ) {
    super("request-invalid", message, { cause });
  }
}

const refuse = (message: string, cause?: unknown) => new Refusal(400, message, cause);
const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);

/** The request, its size and outer shape checked; the module checks the values. */
export async function readEdgeRequest(request: Request, maxBytes = DEFAULT_MAX_BYTES): Promise<EdgeRequest> {
  if (request.method !== "POST") throw new Refusal(405, "POST the viewer's context and history as JSON");
  const text = await boundedText(request, maxBytes);
  let asked: unknown;
  try {
    asked = text === "" ? {} : JSON.parse(text);
  } catch (cause) {
    throw refuse("the body is not JSON", cause);
  }
  if (!isObject(asked)) throw refuse("the body must be an object");
  for (const [name, value] of Object.entries(asked)) {
    if (!Object.hasOwn(FIELDS, name)) throw refuse(`the body holds a field other than ${Object.keys(FIELDS).join(", ")}`);
    if (name === "events") {
      if (!Array.isArray(value) || value.length > MOST_EVENTS) throw refuse(`events must be a list of at most ${MOST_EVENTS}`);
      continue;
    }
    if (!isObject(value)) throw refuse(`${name} must be an object`);
    const known = FIELDS[name as keyof EdgeRequest];
    if (known && Object.keys(value).some((key) => !known.includes(key))) throw refuse(`${name} holds a field other than ${known.join(", ")}`);
  }
  return asked as EdgeRequest;
}

/** Reads no further than the bound, whatever the client says of the length. */
async function boundedText(request: Request, maxBytes: number): Promise<string> {
  const tooLong = () => new Refusal(413, `the body is longer than ${maxBytes} bytes`);
  if (Number(request.headers.get("content-length") ?? 0) > maxBytes) throw tooLong();
  const reader = request.body?.getReader();
  const decoder = new TextDecoder();
  let [text, bytes] = ["", 0];
  for (;;) {
    const { value, done } = (await reader?.read()) ?? { value: undefined, done: true };
    if (done || !value) return text + decoder.decode();
    bytes += value.byteLength;
    if (bytes > maxBytes) {
      await reader?.cancel();
      throw tooLong();
    }
    text += decoder.decode(value, { stream: true });
  }
}

import type { ErrorCode } from "./types.js";

/** The one error of this package. `code` is stable, `message` is for developers and holds nothing of the viewer. */
export class UpnextError extends Error {
  override readonly name = "UpnextError";

  constructor(
    readonly code: ErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The same thing as an `UpnextError`: the module throws plain `{ code, message }` objects, a browser some whose code is a number. */
export function asUpnextError(thrown: unknown, otherwise: ErrorCode = "request-invalid"): UpnextError {
  if (thrown instanceof UpnextError) return thrown;
  if (typeof thrown === "object" && thrown !== null && "code" in thrown && "message" in thrown && typeof thrown.code === "string") {
    return new UpnextError(thrown.code as ErrorCode, String(thrown.message));
  }
  return new UpnextError(otherwise, thrown instanceof Error ? thrown.message : String(thrown), { cause: thrown });
}

/** Runs `call` and turns what the module throws into an `UpnextError`. */
export function typed<T>(call: () => T): T {
  try {
    return call();
  } catch (thrown) {
    throw asUpnextError(thrown);
  }
}

import { UpnextError } from "./errors.js";
import type { BundlePlan, DeclaredInputs, ErrorCode, RequestParts } from "./types.js";

/** The part of `fetch` that is used; a test or a host can pass its own. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** Largest answer that is read, in bytes: the client half of a bundle is far smaller. */
const MAX_BYTES = 64 << 20;

/** The client half of a bundle, as fetched; the module verifies it. */
export interface BundleBytes {
  id: string;
  manifest: Uint8Array;
  plan: BundlePlan;
  paths: string[];
  files: Uint8Array[];
}

/** What writes the candidate request: the module, or an engine in another thread. */
interface RequestBuilder {
  candidateRequest(inputs: DeclaredInputs): RequestParts | Promise<RequestParts>;
}

/** Fetches from one origin. It is given declared inputs and nothing of the viewer. */
export class Source {
  constructor(
    private readonly origin: string,
    private readonly fetch: Fetch,
    private readonly signal: AbortSignal,
  ) {}

  /** Id of the bundle that the origin serves now; by its token an account may be in an arm that has another. */
  async currentBundle(token?: string): Promise<string> {
    const asked: RequestInit = { cache: "no-cache" };
    if (token !== undefined) asked.headers = { authorization: `Bearer ${token}` };
    const bytes = await this.bytes(`${this.origin}/bundle/current.json`, asked);
    let id: unknown;
    try {
      id = (JSON.parse(new TextDecoder().decode(bytes)) as { bundle?: unknown } | null)?.bundle;
    } catch (cause) {
      throw new UpnextError("bundle-unreadable", "current.json is not JSON", { cause });
    }
    if (typeof id !== "string" || !/^[0-9a-f]{64}$/.test(id)) {
      throw new UpnextError("bundle-unreadable", "current.json must be {\"bundle\": \"<64 hex digits>\"}");
    }
    return id;
  }

  /** The manifest of bundle `id`, not yet checked. */
  manifest(id: string): Promise<Uint8Array> {
    return this.bytes(`${this.origin}/bundle/${id}/manifest.json`, {});
  }

  /** The files that `plan` names, in its order. */
  async bundle(id: string, manifest: Uint8Array, plan: BundlePlan): Promise<BundleBytes> {
    const paths = plan.files.map((file) => file.path);
    const files = await Promise.all(
      paths.map((path) => this.bytes(`${this.origin}/bundle/${id}/${path}`, {})),
    );
    return { id, manifest, plan, paths, files };
  }

  /** The candidate block; the request is built by the module from the declared inputs. */
  async block(module: RequestBuilder, inputs: DeclaredInputs): Promise<Uint8Array> {
    const { url, headers, body } = await module.candidateRequest(inputs);
    if (body !== undefined) return this.bytes(url, { method: "POST", headers, body, cache: "no-store" });
    return this.bytes(url, { headers });
  }

  private async bytes(url: string, init: RequestInit): Promise<Uint8Array> {
    let response: Response;
    let body: ArrayBuffer;
    try {
      // A page's address may name the video that is watched: no cookie, and no `Referer` either.
      response = await this.fetch(url, { ...init, signal: this.signal, credentials: "omit", referrerPolicy: "no-referrer" });
      body = await response.arrayBuffer();
    } catch (cause) {
      throw new UpnextError("server-unreachable", `no answer from ${url}`, { cause });
    }
    if (!response.ok) throw serverError(url, response.status, body);
    if (body.byteLength > MAX_BYTES) {
      throw new UpnextError("server-error", `${url} answered with ${body.byteLength} bytes, at most ${MAX_BYTES} are read`);
    }
    return new Uint8Array(body);
  }
}

/** The server's own code where it sent one (`{ code, message }`), else one by status. */
export function serverError(url: string, status: number, body: ArrayBuffer): UpnextError {
  try {
    const answer = JSON.parse(new TextDecoder().decode(body)) as { code?: unknown; message?: unknown } | null;
    if (typeof answer?.code === "string" && /^[a-z]+(-[a-z]+)*$/.test(answer.code)) {
      return new UpnextError(answer.code as ErrorCode, `${url}: ${String(answer.message)}`);
    }
  } catch {
    // Not one of our servers, or a proxy before it: the status has to do.
  }
  return new UpnextError(status === 404 ? "not-found" : "server-error", `${url} answered with HTTP ${status}`);
}

import { basicAuthorization, type HttpAnswer, type HttpRequest, HttpServer } from "./http_server.ts";

/** What can be wrong with a binary cache. */
export type CacheFault =
  /** One byte in the middle of each NAR is another. */
  | { readonly kind: "corrupt-nar" }
  /** A NAR ends after so many bytes: the connection is cut. */
  | { readonly kind: "truncate-nar"; readonly afterBytes: number }
  /** A NAR stops coming after so many bytes, with the connection kept open. */
  | { readonly kind: "stall-nar"; readonly afterBytes: number }
  /** Nothing is ever answered. */
  | { readonly kind: "hang" }
  /** Every request is answered with this status. */
  | { readonly kind: "refuse"; readonly status: 401 | 403 | 500 | 503 }
  /** This store path is not there, but everything else is. */
  | { readonly kind: "missing"; readonly storePath: string };

/** A request that a cache has received. */
export interface CacheRequest {
  readonly method: string;
  readonly path: string;
  /** What was answered; null if nothing ever is. */
  readonly status: number | null;
}

/** How to serve a cache. */
export interface CacheOptions {
  /** Asked for with HTTP Basic. */
  readonly credentials?: { readonly login: string; readonly password: string };
  /**
   * The port, to come back after {@linkcode BinaryCache.close} as the same cache.
   *
   * @default {0}
   */
  readonly port?: number;
}

/** Serves the folder of a `file://` binary cache on loopback, with faults that can be switched while it runs. */
export class BinaryCache implements AsyncDisposable {
  readonly #server: HttpServer;
  readonly #authorization: string | null;
  readonly #requests: CacheRequest[] = [];

  /** What is wrong with the cache now. */
  fault: CacheFault | null = null;

  constructor(readonly folder: string, options: CacheOptions = {}) {
    this.#authorization = options.credentials === undefined ? null : basicAuthorization(options.credentials);
    this.#server = new HttpServer(async (request) => {
      const answer = await this.#answer(request);
      const status = answer === "hang" ? null : answer.status;
      this.#requests.push({ method: request.method, path: request.target, status });
      return answer;
    }, options.port);
  }

  /** What Nix names as a substituter. */
  get uri(): string {
    return this.#server.origin;
  }

  get port(): number {
    return this.#server.port;
  }

  /** What was asked for so far, in order. */
  get requests(): readonly CacheRequest[] {
    return this.#requests;
  }

  /** Stops serving, and cuts what is under way. */
  close(): Promise<void> {
    return this.#server.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #answer(request: HttpRequest): Promise<HttpAnswer | "hang"> {
    const { fault } = this;
    if (fault?.kind === "hang") return "hang";
    if (fault?.kind === "refuse") return { status: fault.status };
    if (this.#authorization !== null && request.headers.get("authorization") !== this.#authorization) {
      return { status: 401, headers: [["WWW-Authenticate", 'Basic realm="cache"']] };
    }
    if (fault?.kind === "missing" && request.target === `/${storeHash(fault.storePath)}.narinfo`) {
      return { status: 404 };
    }
    const body = await this.#read(request.target);
    if (body === null) return { status: 404 };
    const answer = { status: 200, headers: [["Content-Type", contentType(request.target)]], body } as const;
    if (!request.target.startsWith("/nar/")) return answer;
    switch (fault?.kind) {
      case "corrupt-nar": {
        const middle = body.length >> 1;
        body[middle] = (body[middle] ?? 0) ^ 1;
        return answer;
      }
      case "truncate-nar":
        return { ...answer, stop: { afterBytes: fault.afterBytes, then: "cut" } };
      case "stall-nar":
        return { ...answer, stop: { afterBytes: fault.afterBytes, then: "stall" } };
      default:
        return answer;
    }
  }

  /** A file of the cache, or null. The target is a path inside of the folder or nothing at all. */
  async #read(target: string): Promise<Uint8Array | null> {
    if (!/^\/(nar\/)?[a-zA-Z0-9][a-zA-Z0-9.-]*$/.test(target)) return null;
    try {
      return await Deno.readFile(this.folder + target);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return null;
      throw error;
    }
  }
}

function storeHash(storePath: string): string {
  return storePath.replace(/^.*\//, "").slice(0, 32);
}

function contentType(target: string): string {
  if (target.endsWith(".narinfo")) return "text/x-nix-narinfo";
  return target.startsWith("/nar/") ? "application/x-nix-nar" : "text/x-nix-cache-info";
}

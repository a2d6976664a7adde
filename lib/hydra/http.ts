/**
 * HTTP as the Hydra client needs it, over Deno's `fetch`: no redirect is followed, no answer is longer than wanted,
 * and nothing takes longer than allowed. The proxies of HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY, in either
 * case, are honoured by Deno itself.
 */
import { Failure } from "../failure/failure.ts";
import { ByteBuffer } from "./byte_buffer.ts";
import { type Certificates, NO_CERTIFICATES } from "./certificates.ts";
import { HttpFault, httpFault } from "./http_fault.ts";

/** One request. */
export interface HttpRequest {
  readonly method: "GET" | "HEAD";
  readonly uri: string;
  readonly headers: Readonly<Record<string, string>>;
  /** How long the exchange may take to the last byte of its answer, in milliseconds. */
  readonly timeLimit: number;
  /** How many bytes of the body of an answer with this status are wanted at most, counted after decompression. */
  bodyLimit(status: number): number;
  /**
   * Takes the body of an answer with status 200 piece by piece, so that it need not be kept: then
   * {@linkcode HttpAnswer.body} is empty. The limit counts as well. False ends the reading; it must not throw.
   */
  readonly take?: (piece: Uint8Array) => boolean;
  /** Gives up the request. */
  readonly signal: AbortSignal;
}

/** One answer, complete. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** The body, decompressed, or `null` if it is longer than the limit. */
  readonly body: Uint8Array<ArrayBuffer> | null;
}

/** Sends requests. */
export interface Http {
  /**
   * Sends a request and waits for its answer, whatever its status.
   *
   * @throws {HttpFault} If there is no complete answer in time.
   * @throws The reason of the signal, as it is, if that is what ended the request.
   */
  exchange(request: HttpRequest): Promise<HttpAnswer>;
}

/**
 * For how long an unused connection is kept, in milliseconds. Longer would not pay: most servers close it after about
 * a minute, and some address translators forget it after four without a word, which leaves a request on it hanging.
 */
const IDLE_LIMIT = 2 * 60 * 1000;

/** So many connections are kept, one for each request that may be under way to a Hydra that is well. */
const IDLE_MAX = 4;

/**
 * Makes an {@linkcode Http} with connections of its own, which are kept alive between requests.
 *
 * @param certificates The authorities to trust beside those that Deno trusts.
 * @throws {Failure} `usage` if none of the certificates can be read.
 */
export function createHttp(certificates: Certificates = NO_CERTIFICATES): Http & { close(): void } {
  const client = createClient(certificates);
  let mayReuse = false;
  return {
    async exchange(request) {
      request.signal.throwIfAborted();
      // Not AbortSignal.any: a signal that lives as long as hail would collect dependents, one a request.
      const controller = new AbortController();
      const giveUp = () => controller.abort();
      let late = false;
      const timer = setTimeout(() => {
        late = true;
        controller.abort();
      }, request.timeLimit);
      request.signal.addEventListener("abort", giveUp, { once: true });
      try {
        const response = await send(request, controller.signal, mayReuse);
        const { status, headers } = response;
        // An answer to HEAD has no body; to ask for all of it is cheaper than to open a stream.
        const body = request.method === "HEAD"
          ? new Uint8Array(await response.arrayBuffer())
          : await readBody(
            response.body,
            request.bodyLimit(status),
            status === 200 ? request.take : undefined,
          );
        mayReuse = true;
        return { status, headers, body };
      } catch (error) {
        if (late) {
          throw new HttpFault("time-limit", `no complete answer within ${request.timeLimit / 1000} s`);
        }
        request.signal.throwIfAborted();
        throw httpFault(error);
      } finally {
        clearTimeout(timer);
        request.signal.removeEventListener("abort", giveUp);
      }
    },
    close: () => client.close(),
  };

  async function send(request: HttpRequest, signal: AbortSignal, mayRepeat: boolean): Promise<Response> {
    const { method, uri } = request;
    try {
      return await fetch(uri, { method, headers: request.headers, redirect: "manual", client, signal });
    } catch (error) {
      // A server may close an idle connection at the very moment at which it is used again. GET and HEAD may then be
      // repeated: RFC 9112, section 9.3.1. Deno 2.9 does so itself, 2.5 does not.
      if (!mayRepeat || signal.aborted || httpFault(error).kind !== "cut") throw error;
      return await send(request, signal, false);
    }
  }
}

function createClient({ file, pem }: Certificates): Deno.HttpClient {
  const trusting = (caCerts: string[]) =>
    Deno.createHttpClient({
      caCerts,
      poolIdleTimeout: IDLE_LIMIT,
      poolMaxIdlePerHost: IDLE_MAX,
      // There are few requests at a time, which leaves nothing for HTTP/2 to make better.
      http2: false,
    });
  try {
    return trusting([...pem]);
  } catch (cause) {
    // One odd certificate must not cost the others of a system's bundle.
    const readable = pem.filter((one) => {
      try {
        trusting([one]).close();
        return true;
      } catch {
        return false;
      }
    });
    if (readable.length > 0) return trusting(readable);
    throw new Failure("usage", {
      what: file ?? "the certificates of authorities",
      why: "none of the certificates in it can be read",
      next: "Let NIX_SSL_CERT_FILE or SSL_CERT_FILE name a file with certificates in PEM.",
      cause,
    });
  }
}

/** Reads a body to its end, which frees its connection; one that is too long is cancelled, which closes it. */
async function readBody(
  body: ReadableStream<Uint8Array<ArrayBuffer>> | null,
  limit: number,
  take: HttpRequest["take"],
) {
  const whole = new ByteBuffer(take === undefined ? limit : 0);
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.length;
    if (size > limit) return null;
    if (take === undefined) whole.add(chunk);
    else if (!take(chunk)) break;
  }
  return whole.empty();
}

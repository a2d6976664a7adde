/**
 * A small HTTP/1.1 server for tests, on loopback.
 *
 * It stands on TCP and not on `Deno.serve`, because tests need what that takes care of: an answer that ends after
 * exactly N bytes, one that never comes, and headers without additions of the server's own.
 *
 * @module
 */

/** A request as it came in. Bodies are read and dropped. */
export interface HttpRequest {
  readonly method: string;
  /** The request target, as sent: path and query, percent-encoding kept. */
  readonly target: string;
  readonly headers: Headers;
}

/** What to answer. `Content-Length`, `Date` and `Connection` are added. */
export interface HttpAnswer {
  readonly status: number;
  /** Sent in this order and case. */
  readonly headers?: readonly (readonly [name: string, value: string])[];
  /** Left out of the answer to a HEAD, but its length is told. */
  readonly body?: string | Uint8Array;
  /** Ends the body early, although `Content-Length` promises all of it. */
  readonly stop?: { readonly afterBytes: number; readonly then: "cut" | "stall" };
}

/** Decides the answer to a request; `"hang"` never answers. */
export type HttpHandler = (request: HttpRequest) => HttpAnswer | "hang" | Promise<HttpAnswer | "hang">;

const REASONS: Readonly<Record<number, string>> = {
  200: "OK",
  301: "Moved Permanently",
  302: "Found",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

const LONGEST_HEAD = 64 * 1024;
const LONGEST_BODY = 1024 * 1024;

/** A running server. It ends with `await using`, or {@linkcode HttpServer.close}. */
export class HttpServer implements AsyncDisposable {
  readonly #listener: Deno.TcpListener;
  readonly #handler: HttpHandler;
  readonly #connections = new Set<Deno.TcpConn>();
  readonly #serving = new Set<Promise<void>>();
  readonly #accepting: Promise<void>;

  /**
   * Listens on 127.0.0.1.
   *
   * @param port The port; 0, the default, takes a free one.
   */
  constructor(handler: HttpHandler, port = 0) {
    this.#handler = handler;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port });
    this.#accepting = this.#accept();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  /** `http://127.0.0.1:PORT`. */
  get origin(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** How many connections have been accepted so far: tells whether clients keep theirs alive. */
  accepted = 0;

  /** Stops listening and cuts all connections. */
  async close(): Promise<void> {
    try {
      this.#listener.close();
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
    this.cutConnections();
    await this.#accepting;
    await Promise.all(this.#serving);
  }

  /** Cuts all connections, and goes on listening. */
  cutConnections(): void {
    for (const connection of this.#connections) cut(connection);
    this.#connections.clear();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #accept(): Promise<void> {
    for await (const connection of this.#listener) {
      // Else each answer may take 40 ms: Nagle's algorithm here waits for the delayed ACK of the client.
      connection.setNoDelay(true);
      this.accepted++;
      this.#connections.add(connection);
      const served = this.#serve(connection).catch(ignoreBrokenConnection).finally(() => {
        cut(connection);
        this.#connections.delete(connection);
        this.#serving.delete(served);
      });
      this.#serving.add(served);
    }
  }

  async #serve(connection: Deno.TcpConn): Promise<void> {
    const input = new Input(connection);
    for (;;) {
      const head = await input.head();
      if (head === null) return;
      const request = parseHead(head);
      await input.discard(Math.min(Number(request.headers.get("content-length") ?? 0), LONGEST_BODY));
      const answer = await this.#handler(request);
      if (answer === "hang" || !(await send(connection, request, answer))) {
        // Left open until the client goes or the server is closed.
        if (answer === "hang" || answer.stop?.then === "stall") await input.head();
        return;
      }
      if (request.headers.get("connection")?.toLowerCase() === "close") return;
    }
  }
}

/** Sends an answer. The result tells whether it is whole, so that the connection can be used again. */
async function send(connection: Deno.TcpConn, request: HttpRequest, answer: HttpAnswer): Promise<boolean> {
  const body = typeof answer.body === "string" ? new TextEncoder().encode(answer.body) : answer.body;
  const lines = [
    `HTTP/1.1 ${answer.status} ${REASONS[answer.status] ?? "Unknown"}`,
    ...(answer.headers ?? []).map(([name, value]) => `${name}: ${value}`),
    `Content-Length: ${body?.length ?? 0}`,
    `Date: ${new Date().toUTCString()}`,
    "Connection: keep-alive",
  ];
  await writeAll(connection, new TextEncoder().encode(lines.join("\r\n") + "\r\n\r\n"));
  if (body === undefined || request.method === "HEAD") return true;
  await writeAll(connection, answer.stop === undefined ? body : body.subarray(0, answer.stop.afterBytes));
  return answer.stop === undefined || answer.stop.afterBytes >= body.length;
}

async function writeAll(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
}

/** What a client sends, taken apart into heads and bodies. */
class Input {
  #buffer = new Uint8Array();
  constructor(readonly connection: Deno.TcpConn) {}

  async #fill(): Promise<boolean> {
    const chunk = new Uint8Array(16 * 1024);
    const length = await this.connection.read(chunk);
    if (length === null) return false;
    const joined = new Uint8Array(this.#buffer.length + length);
    joined.set(this.#buffer);
    joined.set(chunk.subarray(0, length), this.#buffer.length);
    this.#buffer = joined;
    return true;
  }

  /** The next request line with its headers, or null at the end of the connection. */
  async head(): Promise<string | null> {
    for (;;) {
      const text = new TextDecoder("latin1").decode(this.#buffer);
      const end = text.indexOf("\r\n\r\n");
      if (end >= 0) {
        this.#buffer = this.#buffer.slice(end + 4);
        return text.slice(0, end);
      }
      if (this.#buffer.length > LONGEST_HEAD || !(await this.#fill())) return null;
    }
  }

  async discard(length: number): Promise<void> {
    while (this.#buffer.length < length) if (!(await this.#fill())) return;
    this.#buffer = this.#buffer.slice(length);
  }
}

function parseHead(head: string): HttpRequest {
  const [requestLine = "", ...lines] = head.split("\r\n");
  const [method = "", target = ""] = requestLine.split(" ");
  const headers = new Headers();
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon > 0) headers.append(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  return { method, target, headers };
}

function cut(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

/** A client that goes away, or a connection that the server has cut, is no fault of the server. */
function ignoreBrokenConnection(error: unknown): void {
  const broken = [
    Deno.errors.BadResource,
    Deno.errors.BrokenPipe,
    Deno.errors.ConnectionReset,
    Deno.errors.Interrupted,
    Deno.errors.NotConnected,
  ];
  if (!broken.some((kind) => error instanceof kind)) throw error;
}

/** The value that `Authorization` must have for these credentials under HTTP Basic. */
export function basicAuthorization(
  credentials: { readonly login: string; readonly password: string },
): string {
  const bytes = new TextEncoder().encode(`${credentials.login}:${credentials.password}`);
  return `Basic ${btoa(String.fromCharCode(...bytes))}`;
}

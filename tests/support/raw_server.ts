/**
 * A server on loopback that hands every byte to its test: what it answers need not be HTTP at all.
 */

/** One request as it came. */
export interface RawRequest {
  readonly method: string;
  readonly target: string;
  /** By name in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  /** The number of its connection, from 0. */
  readonly connection: number;
}

/** The side of a connection that answers. */
export interface RawAnswer {
  /** Writes bytes; a string is written as Latin-1. Once the client is gone, it rejects. */
  write(bytes: string | Uint8Array): Promise<void>;
  /** Closes the connection. */
  close(): void;
  /** Waits, in milliseconds. Once the server is closed, it rejects. */
  pause(duration: number): Promise<void>;
}

/** Answers one request. */
export type RawHandler = (request: RawRequest, answer: RawAnswer) => Promise<void> | void;

/** The certificate and key of a server, in PEM. */
export interface ServerIdentity {
  readonly cert: string;
  readonly key: string;
}

export interface RawServer extends AsyncDisposable {
  readonly origin: string;
  readonly port: number;
  /** The requests so far. */
  readonly requests: readonly RawRequest[];
  /** How many connections were accepted so far. */
  readonly connections: number;
}

/** Listens on a free port of 127.0.0.1. Requests must have no body. */
export function startRawServer(handler: RawHandler, tls?: ServerIdentity): RawServer {
  const address = { hostname: "127.0.0.1", port: 0 };
  const listener = tls === undefined ? Deno.listen(address) : Deno.listenTls({ ...address, ...tls });
  const { port } = listener.addr as Deno.NetAddr;
  const requests: RawRequest[] = [];
  const open = new Set<Deno.Conn>();
  const tasks: Promise<void>[] = [];
  const closing = new AbortController();
  let connections = 0;

  const accept = async () => {
    for (;;) {
      let conn: Deno.Conn;
      try {
        conn = await listener.accept();
      } catch {
        if (closing.signal.aborted) return;
        continue;
      }
      // Else a body written after its head waits for the client's delayed acknowledgement.
      if ("setNoDelay" in conn) (conn as Deno.TcpConn).setNoDelay();
      open.add(conn);
      tasks.push(converse(conn, connections++).catch(() => {}).finally(() => shut(conn)));
    }
  };

  const converse = async (conn: Deno.Conn, connection: number) => {
    const answer: RawAnswer = {
      async write(bytes) {
        const data = typeof bytes === "string" ? latin1(bytes) : bytes;
        for (let sent = 0; sent < data.length;) sent += await conn.write(data.subarray(sent));
      },
      close: () => shut(conn),
      pause: (duration) => pause(duration, closing.signal),
    };
    const buffer = new Uint8Array(65536);
    let text = "";
    for (;;) {
      const count = await conn.read(buffer);
      if (count === null) return;
      text += String.fromCharCode(...buffer.subarray(0, count));
      for (let end = text.indexOf("\r\n\r\n"); end !== -1; end = text.indexOf("\r\n\r\n")) {
        const request = parseRequest(text.slice(0, end), connection);
        text = text.slice(end + 4);
        requests.push(request);
        await handler(request, answer);
      }
    }
  };

  const shut = (conn: Deno.Conn) => {
    if (!open.delete(conn)) return;
    conn.close();
  };

  const accepting = accept();
  return {
    origin: `${tls === undefined ? "http" : "https"}://127.0.0.1:${port}`,
    port,
    requests,
    get connections() {
      return connections;
    },
    async [Symbol.asyncDispose]() {
      closing.abort();
      listener.close();
      for (const conn of open) shut(conn);
      await accepting;
      await Promise.all(tasks);
    },
  };
}

/** The bytes of a text that has no character above 255. */
export function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function parseRequest(head: string, connection: number): RawRequest {
  const [first = "", ...lines] = head.split("\r\n");
  const [method = "", target = ""] = first.split(" ");
  const headers = new Map(lines.map((line) => {
    const cut = line.indexOf(":");
    return [line.slice(0, cut).toLowerCase(), line.slice(cut + 1).trim()];
  }));
  return { method, target, headers, connection };
}

function pause(duration: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer);
      reject(new Error("the server is closed"));
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", end);
      resolve();
    }, duration);
    signal.addEventListener("abort", end, { once: true });
  });
}

import assert from "node:assert/strict";
import { type RawHandler, type ServerIdentity, startRawServer } from "../../tests/support/raw_server.ts";
import type { HealthCheck } from "./check.ts";
import { parseHealthCheck } from "./check.ts";
import { BODY_LIMIT, http } from "./http.ts";
import type { World } from "./kind.ts";

const NEVER = new AbortController().signal;
const TLS = new URL("../../tests/hydra/tls/", import.meta.url);

/** Looks so many times at one server with one probe, and gives what came of it. */
async function look(text: string, { signal = NEVER, times = 1, certificates = [] as string[] } = {}) {
  const check = parseHealthCheck(text);
  assert(check.kind === "http");
  const probe = http.open(check, { fetch, certificates } as unknown as World);
  try {
    const results: (string | null)[] = [];
    for (let time = 0; time < times; time++) results.push(await probe.look(signal));
    return times === 1 ? results[0] ?? null : results;
  } finally {
    probe.close?.();
  }
}

function answering(head: string, body = ""): RawHandler {
  return (_request, answer) =>
    answer.write(`HTTP/1.1 ${head}\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
}

Deno.test("http: statuses from 200 to 299 pass, or those that are named", async () => {
  await using server = startRawServer(({ target }, answer) => {
    const status = target.slice(1);
    return answer.write(`HTTP/1.1 ${status} X\r\n${status === "204" ? "" : "Content-Length: 0\r\n"}\r\n`);
  });
  const url = server.origin;
  assert.equal(await look(`http ${url}/200`), null);
  assert.equal(await look(`http ${url}/204`), null);
  assert.equal(await look(`http ${url}/503`), "its answer has status 503 instead of 200 to 299");
  assert.equal(await look(`http ${url}/404 status=404`), null);
  assert.equal(await look(`http ${url}/200 status=404`), "its answer has status 200 instead of 404");
  assert.equal(await look(`http ${url}/418 status=4xx`), null);
  const [request] = server.requests;
  assert.equal(request?.method, "GET");
  assert.equal(request?.headers.get("user-agent"), "hail-health-check");
});

Deno.test("http: a redirect is not followed, and passes only where it is asked for", async () => {
  await using server = startRawServer(answering("302 Found\r\nLocation: /\r\nSet-Cookie: a=b"));
  assert.equal(
    await look(`http ${server.origin}/`),
    "its answer has status 302 instead of 200 to 299 (a redirect, which is not followed)",
  );
  assert.deepEqual(await look(`http ${server.origin}/ status=302`, { times: 2 }), [null, null]);
  assert.equal(server.requests.length, 3);
  assert(server.requests.every(({ headers }) => !headers.has("cookie")));
});

Deno.test("http: the text must be in the body, wherever it is cut into pieces", async () => {
  await using server = startRawServer(async (_request, answer) => {
    await answer.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (const byte of new TextEncoder().encode("so: alles gl\u00fccklich")) {
      await answer.write(Uint8Array.from([0x31, 13, 10, byte, 13, 10]));
      await answer.pause(0);
    }
    await answer.write("0\r\n\r\n");
  });
  assert.equal(await look(`http ${server.origin}/ text="alles gl\u00fccklich"`), null);
  assert.equal(
    await look(`http ${server.origin}/ text=traurig`),
    "its answer has status 200, but not the text that it must have",
  );
});

Deno.test("http: every look is a connection of its own", async () => {
  await using server = startRawServer(answering("200 OK\r\nConnection: keep-alive", "well"));
  assert.deepEqual(await look(`http ${server.origin}/ text=well`, { times: 3 }), [null, null, null]);
  assert.equal(server.connections, 3);
});

Deno.test("http: of an endless body no more than the limit is read", async () => {
  const block = new Uint8Array(65_536).fill(120);
  await using server = startRawServer(async (_request, answer) => {
    await answer.write("HTTP/1.1 200 OK\r\n\r\n");
    for (;;) await answer.write(block);
  });
  assert.match(String(await look(`http ${server.origin}/ text=y`)), /not the text/);
  // Where no text is wanted, no body is read.
  assert.equal(await look(`http ${server.origin}/`), null);
});

Deno.test("http: a text behind the limit is not seen", async () => {
  await using server = startRawServer(answering("200 OK", `${"x".repeat(BODY_LIMIT)}well`));
  assert.match(String(await look(`http ${server.origin}/ text=well`)), /not the text/);
  await using other = startRawServer(answering("200 OK", `${"x".repeat(BODY_LIMIT - 4)}well`));
  assert.equal(await look(`http ${other.origin}/ text=well`), null);
});

Deno.test("http: a server that never answers, or never ends, is given up", async () => {
  const rows: RawHandler[] = [
    () => {},
    (_request, answer) => answer.write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nwe"),
    async (_request, answer) => {
      await answer.write("HTTP/1.1 200 OK\r\n");
      for (;;) {
        await answer.write("x: y\r\n");
        await answer.pause(5);
      }
    },
  ];
  for (const handler of rows) {
    await using server = startRawServer(handler);
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), 100);
    const begun = performance.now();
    assert.notEqual(await look(`http ${server.origin}/ text=well`, { signal: stop.signal }), null);
    assert(performance.now() - begun < 1_000);
    clearTimeout(timer);
  }
});

Deno.test("http: an answer that is none fails with a short reason that names no query", async () => {
  const endlessHead: RawHandler = async (_request, answer) => {
    const line = new TextEncoder().encode(`x: ${"y".repeat(60_000)}\r\n`);
    await answer.write("HTTP/1.1 200 OK\r\n");
    for (;;) await answer.write(line);
  };
  const rows: [handler: RawHandler, why: RegExp][] = [
    [(_request, answer) => answer.close(), /^no answer: .*connection closed/],
    [(_request, answer) => answer.write("SSH-2.0-OpenSSH\r\n\r\n"), /^no answer: .*invalid HTTP/],
    [endlessHead, /^no answer: .*too large/],
    [async (_request, answer) => {
      await answer.write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nwe");
      answer.close();
    }, /broke off|no answer/],
    [async (_request, answer) => {
      await answer.write("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nwell");
    }, /broke off|no answer/],
  ];
  for (const [handler, why] of rows) {
    await using server = startRawServer(handler);
    const result = String(await look(`http ${server.origin}/?token=s3cret text=well`));
    assert.match(result, why);
    assert.doesNotMatch(result, /s3cret|\?/);
  }
});

Deno.test("http: a port that nobody listens on is refused", async () => {
  const server = startRawServer(() => {});
  await server[Symbol.asyncDispose]();
  assert.equal(await look(`http ${server.origin}/`), "the connection was refused");
});

Deno.test("http: no proxy is used, and its variables stay as they are", async () => {
  await using proxy = startRawServer(answering("503 Service Unavailable"));
  await using server = startRawServer(answering("200 OK"));
  const names = ["HTTP_PROXY", "NO_PROXY", "no_proxy"];
  const before = names.map((name) => Deno.env.get(name));
  try {
    Deno.env.set("HTTP_PROXY", proxy.origin);
    Deno.env.delete("NO_PROXY");
    Deno.env.set("no_proxy", "example.org");
    assert.equal(await look(`http ${server.origin}/`), null);
    assert.equal(await look(`http http://localhost:${server.port}/`), null);
    assert.equal(proxy.connections, 0);
    assert.deepEqual(names.map((name) => Deno.env.get(name)), [proxy.origin, undefined, "example.org"]);
  } finally {
    for (const [index, name] of names.entries()) {
      const value = before[index];
      if (value === undefined) Deno.env.delete(name);
      else Deno.env.set(name, value);
    }
  }
});

Deno.test("http: over https only the certificates of known authorities are trusted", async () => {
  const identity: ServerIdentity = {
    cert: await Deno.readTextFile(new URL("server.pem", TLS)),
    key: await Deno.readTextFile(new URL("server.key", TLS)),
  };
  const authority = await Deno.readTextFile(new URL("authority.pem", TLS));
  await using server = startRawServer(answering("200 OK"), identity);
  assert.equal(await look(`http ${server.origin}/`, { certificates: [authority] }), null);
  const odd = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
  assert.equal(await look(`http ${server.origin}/`, { certificates: [odd, authority] }), null);
  assert.match(String(await look(`http ${server.origin}/`)), /^no answer: invalid peer certificate/);
});

Deno.test("http: a check is plain data", () => {
  const check: HealthCheck = parseHealthCheck("http http://h/ status=4xx text=x");
  assert.deepEqual(JSON.parse(JSON.stringify(check)), check);
});

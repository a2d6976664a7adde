/** What many services of one process share of a Hydra, and how one of them cannot hold up another. */
import assert from "node:assert/strict";
import { Connections } from "../../lib/hydra/connection.ts";
import type { Http, HttpRequest } from "../../lib/hydra/http.ts";
import { createHttp } from "../../lib/hydra/http.ts";
import { parseJobUri } from "../../lib/hydra/job_uri.ts";
import { VirtualClock } from "../../lib/time/virtual_clock.ts";
import { assertFails, failureOf, NEVER, startClient, startConnections } from "../support/hydra_client.ts";
import { startRawServer } from "../support/raw_server.ts";

const TO_BUILD = "HTTP/1.1 302 Found\r\nLocation: /build/7\r\nContent-Length: 0\r\n\r\n";
const BUSY = "HTTP/1.1 503 Busy\r\nRetry-After: 60\r\nContent-Length: 0\r\n\r\n";

const pathOf = (job: number | string) => `/job/demo/main/job${job}`;
const range = (count: number) => Array.from({ length: count }, (_, index) => index);

/** Services without sockets: what is sent stays unanswered until the test answers it. */
function startServices(count: number, options: { readonly requestTimeout?: number } = {}) {
  const clock = new VirtualClock();
  const sent: { readonly job: string; readonly request: HttpRequest; answer(head?: Head): void }[] = [];
  let closed = 0;
  const connect = (): Http & { close(): void } => ({
    exchange: (request) =>
      new Promise((resolve) => {
        const job = request.uri.replace(/^.*\/job(\w+)\/latest$/, "$1");
        const answer = ({ status = 302, headers = { location: "/build/7" } }: Head = {}) =>
          resolve({ status, headers: new Headers(headers), body: new Uint8Array() });
        sent.push({ job, request, answer });
      }),
    close: () => closed++,
  });
  const connections = new Connections({ version: "0.0.0-test", clock, longestQuiet: 3_600_000, connect });
  const clients = range(count).map((job) =>
    startClient("http://hydra.invalid", { path: pathOf(job), connections, ...options })
  );
  const settled: string[] = [];
  const poll = (job: number, signal = NEVER) =>
    clients[job]?.hydra.latest(signal).then(
      () => settled.push(`${job}`),
      (error: unknown) => settled.push(`${job} ${error instanceof Error ? error.message : error}`),
    );
  return { clock, sent, clients, connections, settled, poll, closed: () => closed };
}

interface Head {
  readonly status?: number;
  readonly headers?: Record<string, string>;
}

/** A Hydra that has answered once, so that it is trusted with several requests at once. */
async function startTrusted(count: number, options: { readonly requestTimeout?: number } = {}) {
  const services = startServices(count, options);
  void services.poll(0);
  await services.clock.advance(0);
  services.sent[0]?.answer();
  await services.clock.advance(0);
  services.sent.length = 0;
  services.settled.length = 0;
  return services;
}

Deno.test("connection: twenty services share four connections and one session", async () => {
  let underWay = 0;
  let most = 0;
  let sessions = 0;
  await using server = startRawServer(async ({ headers }, answer) => {
    most = Math.max(most, ++underWay);
    await answer.pause(5);
    underWay--;
    const session = headers.has("cookie") ? "" : `Set-Cookie: hydra_session=s${sessions++}; path=/\r\n`;
    await answer.write(TO_BUILD.replace("\r\n\r\n", `\r\n${session}\r\n`));
  });
  const connections = startConnections();
  const clients = range(20).map((job) => startClient(server.origin, { path: pathOf(job), connections }));
  for (let round = 0; round < 2; round++) {
    const ids = await Promise.all(clients.map(({ hydra }) => hydra.latest(NEVER)));
    assert.deepEqual(new Set(ids), new Set([7]));
  }
  assert.equal(server.requests.length, 40);
  assert.equal(most, 4);
  assert.equal(sessions, 1);
  assert.equal(server.connections, 4);
  for (const client of clients) client[Symbol.dispose]();
});

Deno.test("connection: four requests at once, the others in the order in which they came", async () => {
  const { clock, sent, settled, poll } = await startTrusted(7);
  for (const job of range(7)) void poll(job);
  await clock.advance(0);
  assert.deepEqual(sent.map(({ job }) => job), ["0", "1", "2", "3"]);
  sent[2]?.answer();
  await clock.advance(0);
  assert.deepEqual(sent.map(({ job }) => job), ["0", "1", "2", "3", "4"]);
  for (const _ of range(7)) {
    for (const { answer } of sent) answer();
    await clock.advance(0);
  }
  assert.deepEqual(settled.toSorted(), ["0", "1", "2", "3", "4", "5", "6"]);
  assert.equal(sent.length, 7);
});

Deno.test("connection: four that hang hold up the others for ten seconds, and no longer", async () => {
  const { clock, sent, settled, poll } = await startTrusted(9, { requestTimeout: 60_000 });
  for (const job of range(5)) void poll(job);
  await clock.advance(9_999);
  assert.equal(sent.length, 4);
  await clock.advance(1);
  assert.equal(sent[4]?.job, "4");
  sent[4]?.answer();
  await clock.advance(0);
  assert.deepEqual(settled, ["4"]);
  // They still hang, and nobody waits for them any more.
  for (const job of [5, 6, 7, 8]) void poll(job);
  await clock.advance(0);
  assert.deepEqual(sent.slice(5).map(({ job }) => job), ["5", "6", "7", "8"]);
});

Deno.test("connection: of a Hydra that hangs altogether no more than sixteen answers are awaited", async () => {
  const { clock, sent, settled, poll } = await startTrusted(40, { requestTimeout: 3_600_000 });
  for (const job of range(40)) void poll(job);
  await clock.advance(1_800_000);
  assert.equal(sent.length, 16);
  assert.deepEqual(settled, []);
});

Deno.test("connection: the time limit of a request begins when it is sent, and waiting has one of its own", async () => {
  const { clock, sent, settled, poll } = await startTrusted(17, { requestTimeout: 7_000 });
  for (const job of range(17)) void poll(job);
  await clock.advance(6_999);
  assert.equal(sent.length, 16);
  assert.ok(sent.every(({ request }) => request.timeLimit === 7_000));
  assert.deepEqual(settled, []);
  await clock.advance(1);
  assert.deepEqual(settled, [
    "16 http://hydra.invalid/job/demo/main/job16/latest: " +
    "it is so slow to answer other requests that this one was not sent within 7 s",
  ]);
});

Deno.test("connection: a service that stops while it waits is passed over", async () => {
  const { clock, sent, settled, poll } = await startTrusted(6);
  const controller = new AbortController();
  for (const job of range(4)) void poll(job);
  void poll(4, controller.signal);
  void poll(5);
  await clock.advance(0);
  controller.abort(new Error("told to stop"));
  await clock.advance(0);
  assert.deepEqual(settled, ["4 told to stop"]);
  sent[0]?.answer();
  await clock.advance(0);
  assert.equal(sent.at(-1)?.job, "5");
});

Deno.test("connection: a Hydra that has not answered yet is sent one request at a time, unless it is slow", async () => {
  const { clock, sent, poll } = startServices(6);
  for (const job of range(6)) void poll(job);
  await clock.advance(999);
  assert.equal(sent.length, 1);
  await clock.advance(1);
  assert.equal(sent.length, 2);
  sent[1]?.answer();
  await clock.advance(0);
  // The first still counts: it is trusted now, and given ten seconds.
  assert.equal(sent.length, 5);
});

Deno.test("connection: a Hydra that asks one service to leave it alone is left alone by all", async () => {
  const { clock, sent, settled, poll } = await startTrusted(1_000);
  void poll(0);
  await clock.advance(0);
  sent[0]?.answer({ status: 503, headers: { "retry-after": "60" } });
  await clock.advance(0);
  assert.match(settled[0] ?? "", /fails with 503$/);
  for (const job of range(1_000)) void poll(job);
  await clock.advance(30_000);
  assert.equal(sent.length, 1);
  assert.equal(settled.length, 1_001);
  assert.match(settled[1_000] ?? "", /job999\/latest: it failed with 503 and asked to be left alone/);
  // Back again, it is tried with one request.
  await clock.advance(30_000);
  for (const job of range(10)) void poll(job);
  await clock.advance(0);
  assert.equal(sent.length, 2);
  sent[1]?.answer({ status: 503, headers: { "retry-after": "5" } });
  await clock.advance(0);
  assert.equal(sent.length, 2, "those that waited are not sent either");
  await clock.advance(5_000);
  for (const job of range(10)) void poll(job);
  await clock.advance(0);
  assert.equal(sent.length, 3);
  sent[2]?.answer();
  await clock.advance(0);
  assert.equal(sent.length, 7);
});

Deno.test("connection: the failure says how long it is left alone, which is never more than an hour", async () => {
  const { clock, sent, clients, poll } = await startTrusted(2);
  for (const [said, minutes] of [["120", 2], ["86400", 60]] as const) {
    void poll(0);
    await clock.advance(0);
    sent.at(-1)?.answer({ status: 429, headers: { "retry-after": said } });
    await clock.advance(60_000);
    const failure = await failureOf(clients[1]?.hydra.latest(NEVER) ?? Promise.resolve());
    assert.equal(failure.code, "hydra-failed");
    assert.equal(failure.retryAfter, (minutes - 1) * 60_000);
    await clock.advance((minutes - 1) * 60_000);
  }
});

Deno.test("connection: a wait that is not asked for by 429 or 503 holds nobody back", async () => {
  const { clock, sent, poll } = await startTrusted(3);
  for (const [status, header] of [[500, "60"], [503, "0"], [503, "soon"], [404, "60"]] as const) {
    void poll(0);
    await clock.advance(0);
    const before = sent.length;
    sent.at(-1)?.answer({ status, headers: { "retry-after": header } });
    await clock.advance(0);
    if (status === 404) continue;
    void poll(1);
    await clock.advance(0);
    assert.equal(sent.length, before + 1, `${status} ${header}`);
    sent.at(-1)?.answer();
    await clock.advance(0);
  }
});

Deno.test("connection: over the wire, a second service sends nothing while the Hydra is left alone", async () => {
  await using server = startRawServer((_request, answer) => answer.write(BUSY));
  const connections = startConnections();
  using one = startClient(server.origin, { path: pathOf(1), connections });
  using two = startClient(server.origin, { path: pathOf(2), connections });
  await assertFails(one.hydra.latest(NEVER), "hydra-failed", /fails with 503$/);
  const failure = await assertFails(two.hydra.latest(NEVER), "hydra-failed", /asked to be left alone/);
  assert.ok((failure.retryAfter ?? 0) > 50_000);
  assert.equal(server.requests.length, 1);
});

Deno.test("connection: one service's endless answer and one that hangs delay nobody", async () => {
  await using server = startRawServer(async ({ target }, answer) => {
    if (target.includes("/job0/")) return;
    if (!target.startsWith("/build/")) return await answer.write(TO_BUILD);
    await answer.write(
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1073741824\r\n\r\n",
    );
    const blanks = new Uint8Array(65_536).fill(0x20);
    for (;;) await answer.write(blanks);
  });
  const connections = startConnections();
  const clients = range(4).map((job) =>
    startClient(server.origin, { path: pathOf(job), connections, requestTimeout: 20_000 })
  );
  const stop = new AbortController();
  const hanging = clients[0]?.hydra.latest(stop.signal).catch((error: unknown) => error);
  const huge = failureOf(clients[1]?.hydra.build(7, NEVER) ?? Promise.resolve());
  const start = performance.now();
  for (let poll = 0; poll < 10; poll++) {
    for (const client of clients.slice(2)) assert.equal(await client.hydra.latest(NEVER), 7);
  }
  assert.match((await huge).message, /longer than 1024 KiB$/);
  assert.ok(performance.now() - start < 9_000, `took ${performance.now() - start} ms`);
  stop.abort("over");
  assert.equal(await hanging, "over");
  for (const client of clients) client[Symbol.dispose]();
});

Deno.test("connection: credentials, certificates and bases keep services apart", () => {
  let made = 0;
  let closed = 0;
  const connections = new Connections({
    version: "0.0.0-test",
    clock: new VirtualClock(),
    longestQuiet: 0,
    connect: () => {
      made++;
      return { exchange: () => Promise.reject(new Error("never")), close: () => closed++ };
    },
  });
  const web = parseJobUri("https://hydra.example.org/job/demo/main/web");
  const api = parseJobUri("https://hydra.example.org/job/demo/main/api");
  const other = parseJobUri("https://hydra.example.org/other/job/demo/main/web");
  const login = { login: "hail", password: "x" };
  const certificates = { file: "/etc/ca.pem", pem: ["one"] };
  const all = [
    ...[
      connections.to(web, null),
      connections.to(api, null),
      connections.to(api, null, { file: null, pem: [] }),
    ],
    ...[connections.to(other, null)],
    ...[connections.to(web, login), connections.to(api, { ...login })],
    ...[connections.to(web, { ...login, password: "y" })],
    ...[
      connections.to(web, null, certificates),
      connections.to(web, null, { ...certificates, pem: ["one"] }),
    ],
    ...[connections.to(web, null, { ...certificates, pem: ["two"] })],
  ];
  assert.equal(made, 6);
  all[0]?.close();
  all[0]?.close();
  all[1]?.close();
  assert.equal(closed, 0, "the third still uses it, and closing twice counts once");
  for (const connection of all) connection.close();
  assert.equal(closed, 6);
  connections.to(web, null).close();
  assert.deepEqual([made, closed], [7, 7]);
});

Deno.test("connection: a session is not thrown away again and again for one service that is refused", async () => {
  const { clock, sent, poll } = await startTrusted(2);
  const cookies: boolean[] = [];
  for (let round = 0; round < 3; round++) {
    void poll(0);
    await clock.advance(0);
    const ok = sent.at(-1);
    cookies.push(ok?.request.headers["cookie"] !== undefined);
    ok?.answer({ headers: { "location": "/build/7", "set-cookie": `hydra_session=s${round}` } });
    await clock.advance(0);
    void poll(1);
    await clock.advance(0);
    sent.at(-1)?.answer({ status: 401, headers: {} });
    await clock.advance(0);
  }
  assert.deepEqual(cookies, [false, false, true]);
});

Deno.test("connection: a request never leaves the base of its service", async () => {
  const http = createHttp();
  const connections = new Connections({
    version: "0.0.0-test",
    clock: new VirtualClock(),
    longestQuiet: 0,
    connect: () => http,
  });
  using connection = connections.to(parseJobUri("http://127.0.0.1:9/hydra/job/demo/main/web"), null);
  for (
    const uri of [
      "http://127.0.0.1:9/build/7",
      "http://127.0.0.1:9/hydra",
      "http://127.0.0.2:9/hydra/build/7",
    ]
  ) {
    await assert.rejects(
      connection.send({ method: "GET", uri, timeLimit: 1000, bodyLimit: () => 0, signal: NEVER }),
      /would leave the origin/,
    );
  }
});

/** How the client behaves over several requests: methods, renames, hints, limits, connections. */
import assert from "node:assert/strict";
import { REQUESTS_OF_A_POLL } from "../../lib/deployment/deployer.ts";
import { basicAuthorization } from "../../lib/hydra/basic_authorization.ts";
import { parseJobUri } from "../../lib/hydra/job_uri.ts";
import { answerOf, OUT, redirectTo } from "../support/hydra_answers.ts";
import { assertFails, failureOf, JOB, NEVER, startClient } from "../support/hydra_client.ts";
import { type RawRequest, startRawServer } from "../support/raw_server.ts";

/** Answers by what `decide` returns, without the body where the request is HEAD. */
function startServer(decide: (request: RawRequest) => string) {
  return startRawServer((request, answer) => {
    const text = decide(request);
    return answer.write(request.method === "HEAD" ? text.slice(0, text.indexOf("\r\n\r\n") + 4) : text);
  });
}

const TO_BUILD = redirectTo("/build/7");

function calls(server: { requests: readonly RawRequest[] }): string[] {
  return server.requests.map(({ method, target }) => `${method} ${target}`);
}

for (const status of [405, 501]) {
  Deno.test(`client: where HEAD is answered with ${status}, GET is used from then on`, async () => {
    await using server = startServer(({ method }) => method === "HEAD" ? answerOf(status) : TO_BUILD);
    using client = startClient(server.origin);
    assert.equal(await client.hydra.latest(NEVER), 7);
    assert.equal(await client.hydra.latest(NEVER), 7);
    assert.deepEqual(calls(server), [`HEAD ${JOB}`, `GET ${JOB}`, `GET ${JOB}`]);
    assert.deepEqual(client.events.map((event) => event.level), ["debug"]);
  });
}

Deno.test("client: credentials that are refused are sent once a poll", async () => {
  for (const status of [401, 407]) {
    await using server = startServer(() => answerOf(status));
    using client = startClient(server.origin);
    await assertFails(client.hydra.latest(NEVER), "hydra-refused", new RegExp(`${status}`));
    assert.deepEqual(calls(server), [`HEAD ${JOB}`]);
  }
});

Deno.test("client: where HEAD is refused twice and GET is not, GET is used from then on", async () => {
  await using server = startServer(({ method }) => method === "HEAD" ? answerOf(403) : TO_BUILD);
  using client = startClient(server.origin);
  for (let polls = 0; polls < 3; polls++) assert.equal(await client.hydra.latest(NEVER), 7);
  assert.deepEqual(calls(server), [`HEAD ${JOB}`, `GET ${JOB}`, `HEAD ${JOB}`, `GET ${JOB}`, `GET ${JOB}`]);
});

Deno.test("client: a build that succeeds between HEAD and GET is found, and HEAD stays in use", async () => {
  let polls = 0;
  await using server = startServer(() => polls++ === 0 ? answerOf(404) : TO_BUILD);
  using client = startClient(server.origin);
  assert.equal(await client.hydra.latest(NEVER), 7);
  assert.equal(await client.hydra.latest(NEVER), 7);
  assert.deepEqual(calls(server), [`HEAD ${JOB}`, `GET ${JOB}`, `HEAD ${JOB}`]);
});

Deno.test("client: a poll that fails in the server is not repeated by the client", async () => {
  await using server = startServer(() => answerOf(503, ["Retry-After: 120"]));
  using client = startClient(server.origin);
  const failure = await assertFails(client.hydra.latest(NEVER), "hydra-failed", /fails with 503$/);
  assert.equal(failure.retryAfter, 120_000);
  assert.deepEqual(calls(server), [`HEAD ${JOB}`]);
});

Deno.test("client: 429 with a date for Retry-After is honoured by the server's own clock", async () => {
  const dates = ["Date: Sun, 22 Nov 2026 12:00:00 GMT", "Retry-After: Sun, 22 Nov 2026 12:01:30 GMT"];
  await using server = startServer(() => answerOf(429, dates));
  using client = startClient(server.origin);
  const failure = await assertFails(client.hydra.latest(NEVER), "hydra-failed", /fails with 429$/);
  assert.equal(failure.retryAfter, 90_000);
});

Deno.test("client: a renamed job that vanishes is asked for under its first name again", async () => {
  let gone = false;
  await using server = startServer(({ target }) => {
    if (target.includes("/new/")) return gone ? answerOf(404) : TO_BUILD;
    return gone ? TO_BUILD : answerOf(301, ["Location: /job/demo/new/web/latest"]);
  });
  using client = startClient(server.origin);
  assert.equal(await client.hydra.latest(NEVER), 7);
  gone = true;
  await assertFails(
    client.hydra.latest(NEVER),
    "hydra-no-build",
    /\/job\/demo\/new\/web\/latest: it has no build/,
  );
  assert.equal(await client.hydra.latest(NEVER), 7);
  assert.deepEqual(calls(server), [
    `HEAD ${JOB}`,
    "HEAD /job/demo/new/web/latest",
    "HEAD /job/demo/new/web/latest",
    "GET /job/demo/new/web/latest",
    `HEAD ${JOB}`,
  ]);
});

Deno.test("client: a renamed job that has no build yet is warned of once, however often it is asked for", async () => {
  await using server = startServer(({ target }) =>
    target.includes("/new/") ? answerOf(404) : answerOf(301, ["Location: /job/demo/new/web/latest"])
  );
  using client = startClient(server.origin);
  for (let poll = 0; poll < 3; poll++) {
    await assertFails(
      client.hydra.latest(NEVER),
      "hydra-no-build",
      /\/job\/demo\/new\/web\/latest: it has no build/,
    );
  }
  assert.equal(client.events.length, 1);
});

Deno.test("client: three renames in a row are followed, and each is warned of", async () => {
  await using server = startServer(({ target }) =>
    target.includes("/mainxxx/") ? TO_BUILD : answerOf(301, [`Location: ${target.replace("/web", "x/web")}`])
  );
  using client = startClient(server.origin);
  assert.equal(await client.hydra.latest(NEVER), 7);
  assert.equal(await client.hydra.latest(NEVER), 7);
  assert.equal(server.requests.length, 5);
  assert.deepEqual(client.events.map((event) => event.fields?.["new_job_uri"]), [
    `${server.origin}/job/demo/mainx/web/latest`,
    `${server.origin}/job/demo/mainxx/web/latest`,
    `${server.origin}/job/demo/mainxxx/web/latest`,
  ]);
});

Deno.test("client: a poll takes no more requests than the watchdog has time for", async () => {
  // HEAD is answered, but with less than GET knows: so both are sent for each name.
  const build = JSON.stringify({ id: 7, finished: 1, buildstatus: 0, buildoutputs: { out: { path: OUT } } });
  await using server = startServer(({ method, target }) => {
    if (target === "/build/7") return answerOf(200, ["Content-Type: application/json"], build);
    if (method === "HEAD") return answerOf(404);
    return target.includes("/mainxxx/")
      ? TO_BUILD
      : answerOf(301, [`Location: ${target.replace("/web", "x/web")}`]);
  });
  using client = startClient(server.origin);
  assert.equal(await client.hydra.latest(NEVER), 7);
  assert.equal((await client.hydra.build(7, NEVER)).id, 7);
  // Each may have waited as long as it may take.
  assert.equal(REQUESTS_OF_A_POLL, 2 * server.requests.length);
});

Deno.test("client: a trouble that passes does not forget the new name", async () => {
  let broken = false;
  await using server = startServer(({ target }) => {
    if (broken) return answerOf(502);
    return target.includes("/new/") ? TO_BUILD : answerOf(301, ["Location: /job/demo/new/web/latest"]);
  });
  using client = startClient(server.origin);
  await client.hydra.latest(NEVER);
  broken = true;
  await failureOf(client.hydra.latest(NEVER));
  broken = false;
  await client.hydra.latest(NEVER);
  assert.equal(calls(server).at(-1), "HEAD /job/demo/new/web/latest");
  assert.equal(client.events.length, 1);
});

Deno.test("client: 401 without credentials tells how to add them", async () => {
  await using server = startServer(() => answerOf(401, ["WWW-Authenticate: Basic"]));
  using client = startClient(server.origin);
  const failure = await assertFails(client.hydra.latest(NEVER), "hydra-refused", /refuses with 401$/);
  assert.match(failure.next, /Add 'machine 127\.0\.0\.1 login USER password PASSWORD' to the netrc file/);
  assert.equal(server.requests[0]?.headers.get("authorization"), undefined);
});

Deno.test("client: 401 with credentials tells to correct them", async () => {
  await using server = startServer(() => answerOf(401, ["WWW-Authenticate: Basic"]));
  using client = startClient(server.origin, { credentials: { login: "hail", password: "wrong" } });
  const failure = await assertFails(client.hydra.latest(NEVER), "hydra-refused", /refuses with 401$/);
  assert.match(failure.next, /Correct the netrc entry for host 127\.0\.0\.1/);
  assert.doesNotMatch(failure.next, /wrong/);
});

Deno.test("client: 407 speaks of the proxy", async () => {
  await using server = startServer(() => answerOf(407));
  using client = startClient(server.origin);
  const failure = await assertFails(client.hydra.latest(NEVER), "hydra-refused", /refuses with 407$/);
  assert.match(failure.next, /proxy's user and password/);
});

Deno.test("client: a login with a colon cannot be sent", () => {
  const jobUri = parseJobUri("https://hydra.example.org/job/demo/main/web");
  assert.throws(() => basicAuthorization(jobUri, { login: "a:b", password: "c" }), {
    code: "netrc-unusable",
  });
});

Deno.test("client: the caller's reason is thrown as it is, before, during and after the headers", async () => {
  await using server = startRawServer(({ target }, answer) =>
    target.startsWith("/build/")
      ? answer.write("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
      : undefined
  );
  using client = startClient(server.origin);
  const reason = new Error("told to stop");
  const is = (error: unknown) => error === reason;
  await assert.rejects(client.hydra.latest(AbortSignal.abort(reason)), is);
  assert.equal(server.requests.length, 0);
  const { hydra } = client;
  for (const call of [(s: AbortSignal) => hydra.latest(s), (s: AbortSignal) => hydra.build(7, s)]) {
    const controller = new AbortController();
    const start = performance.now();
    setTimeout(() => controller.abort(reason), 50);
    await assert.rejects(call(controller.signal), is);
    assert.ok(performance.now() - start < 1000);
  }
});

Deno.test("client: a signal that lives long collects no listeners", async () => {
  await using server = startServer(() => TO_BUILD);
  using client = startClient(server.origin);
  const { signal } = new AbortController();
  let listeners = 0;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    listeners++;
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners--;
    remove(...args);
  };
  for (let poll = 0; poll < 10; poll++) await client.hydra.latest(signal);
  assert.equal(listeners, 0);
});

Deno.test("client: a connection that the server closed while idle costs no failure", async () => {
  let answers = 0;
  await using server = startRawServer(async (_request, answer) => {
    await answer.write(TO_BUILD);
    if (++answers === 1) answer.close();
  });
  using client = startClient(server.origin);
  assert.equal(await client.hydra.latest(NEVER), 7);
  assert.equal(await client.hydra.latest(NEVER), 7);
  assert.equal(server.connections, 2);
});

Deno.test("client: a request on a connection that closes at that moment is sent once more", async () => {
  await using server = startRawServer(async ({ connection }, answer) => {
    const first = server.requests.length === 1;
    if (connection === 0 && !first) answer.close();
    else await answer.write(TO_BUILD);
  });
  using client = startClient(server.origin);
  assert.equal(await client.hydra.latest(NEVER), 7);
  assert.equal(await client.hydra.latest(NEVER), 7);
  assert.equal(server.requests.length, 3);
  assert.equal(server.connections, 2);
});

Deno.test("client: a poll by GET with its page keeps the connection", async () => {
  const page = answerOf(302, ["Location: /build/7", "Content-Type: text/html"], "<p>moved</p>".repeat(100));
  await using server = startServer(({ method }) => method === "HEAD" ? answerOf(405) : page);
  using client = startClient(server.origin);
  for (let poll = 0; poll < 5; poll++) await client.hydra.latest(NEVER);
  assert.equal(server.connections, 1);
});

Deno.test("client: an id that no build can have is a fault of the caller", async () => {
  await using server = startServer(() => TO_BUILD);
  using client = startClient(server.origin);
  for (const id of [0, -1, 1.5, NaN, 2 ** 53]) {
    await assert.rejects(client.hydra.build(id, NEVER), RangeError);
  }
  assert.equal(server.requests.length, 0);
});

Deno.test("client: a store folder of one's own is honoured", async () => {
  const body = JSON.stringify({
    id: 7,
    finished: 1,
    buildstatus: 0,
    buildoutputs: { out: { path: OUT.replace("/nix/store", "/opt/store") } },
  });
  await using server = startServer(() =>
    answerOf(200, ["Content-Type: application/json; charset=utf-8"], body)
  );
  using own = startClient(server.origin, { storeFolder: "/opt/store" });
  assert.deepEqual(await own.hydra.build(7, NEVER), {
    id: 7,
    outPath: OUT.replace("/nix/store", "/opt/store"),
    name: "web-4.0",
    finishedAt: null,
  });
  using other = startClient(server.origin);
  await assertFails(
    other.hydra.build(7, NEVER),
    "hydra-unusable",
    /not a store path in \/nix\/store: \/opt\/store\//,
  );
});

Deno.test("client: a port where nobody listens is a refused connection", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  using client = startClient(`http://127.0.0.1:${port}`);
  const failure = await assertFails(
    client.hydra.latest(NEVER),
    "hydra-unreachable",
    /the connection was refused/,
  );
  assert.equal(failure.exitStatus, 10);
});

Deno.test("client: a host without an address is a name that cannot be resolved", async () => {
  // A label of 64 characters is refused by the resolver itself, so that nothing leaves the machine.
  using client = startClient(`http://${"h".repeat(64)}.invalid`);
  await assertFails(client.hydra.latest(NEVER), "hydra-unreachable", /host name cannot be resolved/);
});

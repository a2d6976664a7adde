import assert from "node:assert/strict";
import { AUTHORIZED, Caller, type Heard, listening, SECRET } from "../../tests/support/wake_caller.ts";
import { Failure } from "../failure/failure.ts";
import { VirtualClock } from "../time/virtual_clock.ts";
import { BODY_LIMIT, HEAD_LIMIT } from "./exchange.ts";
import { CONNECTION_LIMIT } from "./listener.ts";
import { BODY_BYTES_MAX, HEAD_BYTES_MAX } from "./request_head.ts";
import { signatureOf } from "./signature.ts";

/** Lets the event loop turn until something holds. */
async function until(what: string, holds: () => boolean): Promise<void> {
  const over = performance.now() + 10_000;
  while (!holds()) {
    if (performance.now() > over) throw new Error(`it does not come: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

function post(path: string, fields: string, body = "", version = "1.1") {
  return `POST ${path} HTTP/${version}\r\n${fields}Content-Length: ${body.length}\r\n\r\n${body}`;
}

function signed(name: string, body = "", timestamp = String(Math.floor(Date.now() / 1000))) {
  const signature = signatureOf(SECRET, { timestamp, name, body: new TextEncoder().encode(body) });
  return `Host: h\r\nX-Hail-Timestamp: ${timestamp}\r\nX-Hail-Signature: sha256=${signature}\r\n`;
}

const refusal = ({ status, body }: Heard) => {
  const content: unknown = JSON.parse(body);
  assert.ok(typeof content === "object" && content !== null && Object.keys(content).join() === "error", body);
  return status;
};

Deno.test("wake: a service is woken by a token, and by a signature", async () => {
  await using at = await listening();
  const answer = await at.ask(post("/wake/web", AUTHORIZED));
  assert.deepEqual([answer.status, answer.body], [202, '{"woken":true}\n']);
  assert.ok(Math.abs(Date.parse(answer.headers["date"] ?? "") - Date.now()) < 60_000);
  assert.equal((await at.ask(post("/wake/api", signed("api", "some body"), "some body"))).status, 202);
  assert.deepEqual(at.woken, ["web", "api"]);
  const { port } = at.listener.address;
  assert.deepEqual(at.events.map(({ name, level, fields }) => ({ name, level, fields })), [
    { name: "wake-listening", level: "info", fields: { address: `127.0.0.1:${port}` } },
    { name: "wake", level: "info", fields: { service: "web", from: "127.0.0.1" } },
    { name: "wake", level: "info", fields: { service: "api", from: "127.0.0.1" } },
  ]);
});

Deno.test("wake: fetch can ask it", async () => {
  await using at = await listening();
  const { port } = at.listener.address;
  const response = await fetch(`http://127.0.0.1:${port}/wake/web`, {
    method: "POST",
    headers: { Authorization: `Bearer ${SECRET}` },
    body: "{}",
  });
  assert.equal(response.status, 202);
  assert.deepEqual(await response.json(), { woken: true });
});

Deno.test("wake: what is refused, with which status", async () => {
  await using at = await listening();
  const now = Math.floor(Date.now() / 1000);
  const wrong = signed("web").replace(/.{4}\r\n$/, "0000\r\n").replace(/0000\r\n$/, "zzzz\r\n");
  const rows: [text: string, status: number][] = [
    [post("/wake/web", "Host: h\r\n"), 401],
    [post("/wake/web", "Host: h\r\nAuthorization: Bearer wrong\r\n"), 401],
    [post("/wake/web", "Host: h\r\nAuthorization: Bearer \r\n"), 401],
    [post("/wake/web", signed("api")), 401],
    [post("/wake/web", signed("web", "a body"), "another"), 401],
    [post("/wake/web", signed("web", "", String(now - 400))), 401],
    [post("/wake/web", signed("web", "", String(now + 400))), 401],
    [post("/wake/web", wrong), 400],
    [post("/wake/nosuch", AUTHORIZED), 404],
    [post("/wake/nosuch", signed("nosuch")), 404],
    [post("/", AUTHORIZED), 404],
    [post("/wake/%77eb", AUTHORIZED), 404],
    [post("/wake/web?now", AUTHORIZED), 404],
    [post("http://h/", AUTHORIZED), 404],
    [`GET /wake/web HTTP/1.1\r\n${AUTHORIZED}\r\n`, 405],
    [`OPTIONS /wake/web HTTP/1.1\r\nHost: h\r\nOrigin: http://h\r\n\r\n`, 405],
    [`POST /wake/web HTTP/1.1\r\n${AUTHORIZED}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 411],
    [`POST /wake/web HTTP/1.1\r\n${AUTHORIZED}Content-Length: ${BODY_BYTES_MAX + 1}\r\n\r\n`, 413],
    [`POST /wake/web HTTP/1.1\r\n${AUTHORIZED}X: ${"x".repeat(HEAD_BYTES_MAX)}\r\n\r\n`, 431],
    ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505],
    ["\u0016\u0003\u0001\u0002\u0000\u0001\r\n\r\n", 400],
    ["POST /wake/web HTTP/1.1\r\n\r\n", 400],
  ];
  for (const [text, status] of rows) assert.equal(refusal(await at.ask(text)), status, text.slice(0, 200));
  assert.deepEqual(at.woken, []);
});

Deno.test("wake: a refusal says what helps, and repeats nothing", async () => {
  await using at = await listening();
  assert.equal((await at.ask(`PUT /wake/web HTTP/1.1\r\n${AUTHORIZED}\r\n`)).headers["allow"], "POST");
  const unknown = await at.ask(post("/wake/nosuch-name", AUTHORIZED));
  const unproven = await at.ask(post("/wake/some-name", "Host: h\r\nAuthorization: Bearer some-token\r\n"));
  assert.match(unproven.headers["www-authenticate"] ?? "", /^Bearer /);
  for (const { body, headers } of [unknown, unproven]) {
    assert.doesNotMatch(JSON.stringify([body, headers]), /nosuch-|some-|0123456789/);
  }
  assert.doesNotMatch(JSON.stringify(at.events), /0123456789|some-token/);
});

Deno.test("wake: a signature is taken once", async () => {
  await using at = await listening();
  const text = post("/wake/web", signed("web", "once"), "once");
  assert.deepEqual([(await at.ask(text)).status, refusal(await at.ask(text))], [202, 401]);
  assert.deepEqual(at.woken, ["web"]);
  assert.deepEqual(at.refused(), ["replayed"]);
});

Deno.test("wake: of many that come at once with one signature, one is taken", async () => {
  await using at = await listening();
  const text = post("/wake/web", signed("web"));
  const statuses = (await Promise.all(Array.from({ length: 8 }, () => at.ask(text)))).map(({ status }) =>
    status
  );
  assert.deepEqual(statuses.toSorted(), [202, 401, 401, 401, 401, 401, 401, 401]);
  assert.deepEqual(at.woken, ["web"]);
});

Deno.test("wake: too often is refused, with the time to wait", async () => {
  const clock = new VirtualClock();
  await using at = await listening({ clock });
  for (let count = 0; count < 5; count++) {
    assert.equal((await at.ask(post("/wake/web", AUTHORIZED))).status, 202);
  }
  const soon = await at.ask(post("/wake/web", AUTHORIZED));
  assert.deepEqual([refusal(soon), soon.headers["retry-after"]], [429, "1"]);
  assert.equal((await at.ask(post("/wake/api", AUTHORIZED))).status, 202);
  await clock.advance(1_000);
  assert.equal((await at.ask(post("/wake/web", AUTHORIZED))).status, 202);
});

Deno.test("wake: guesses are heard so often, then refused unheard, and told in two lines", async () => {
  const clock = new VirtualClock();
  await using at = await listening({ clock });
  const guess = post("/wake/web", "Host: h\r\nAuthorization: Bearer wrong\r\n");
  for (let count = 0; count < 10; count++) assert.equal((await at.ask(guess)).status, 401);
  for (const text of [guess, post("/wake/web", AUTHORIZED)]) {
    const answer = await at.ask(text);
    assert.deepEqual([refusal(answer), answer.headers["retry-after"]], [429, "5"]);
  }
  assert.deepEqual(at.refused(), ["wrong-credentials", "too-many-failures"]);
  await clock.advance(5_000);
  assert.equal((await at.ask(post("/wake/web", AUTHORIZED))).status, 202);
});

Deno.test("wake: a request in many pieces, of HTTP/1.0, and in absolute form is one as any other", async () => {
  await using at = await listening();
  await using caller = await at.connect();
  for (const char of post("/wake/web", signed("web", "abc"), "abc")) await caller.send(char);
  assert.equal((await caller.answer()).status, 202);
  assert.equal(
    (await at.ask(post("/wake/web", AUTHORIZED.replace("Host: h\r\n", ""), "", "1.0"))).status,
    202,
  );
  assert.equal((await at.ask(post("http://h:8080/wake/api", AUTHORIZED))).status, 202);
  assert.deepEqual(at.woken, ["web", "web", "api"]);
});

Deno.test("wake: of requests behind one another the first is answered, and the others are not read", async () => {
  await using at = await listening();
  const answer = await at.ask(post("/wake/web", signed("web", "a"), "a") + post("/wake/api", AUTHORIZED));
  assert.equal(answer.status, 202);
  assert.deepEqual(at.woken, ["web"]);
});

Deno.test("wake: a caller that waits for 100 Continue gets it, if its head is good", async () => {
  await using at = await listening();
  const body = "x".repeat(BODY_BYTES_MAX);
  const head = (fields: string, length = body.length) =>
    `POST /wake/web HTTP/1.1\r\n${fields}Expect: 100-continue\r\nContent-Length: ${length}\r\n\r\n`;
  await using caller = await at.connect();
  await caller.send(head(signed("web", body)));
  await until("100 Continue", () => caller.text !== "");
  assert.equal(caller.text, "HTTP/1.1 100 Continue\r\n\r\n");
  await caller.send(body);
  assert.match(await caller.rest(), /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 202 /);
  assert.equal((await at.ask(head("Host: h\r\n"))).status, 401);
  assert.equal((await at.ask(head(AUTHORIZED, BODY_BYTES_MAX + 1))).status, 413);
});

Deno.test("wake: a body that is too long is not read, and its sender learns why", async () => {
  await using at = await listening();
  const answer = await at.ask(post("/wake/web", AUTHORIZED, "x".repeat(BODY_BYTES_MAX + 1)));
  assert.equal(refusal(answer), 413);
  await using endless = await at.connect();
  const piece = new Uint8Array(64 * 1024);
  await endless.send(`POST /wake/web HTTP/1.1\r\n${AUTHORIZED}Content-Length: 99999999999\r\n\r\n`);
  await assert.rejects(async () => {
    for (let count = 0; count < 1_000; count++) await endless.send(piece);
  });
});

Deno.test("wake: who is slow with the head, or with the body, is not waited for", async () => {
  const clock = new VirtualClock();
  await using at = await listening({ clock });
  const rows: [begin: string, limit: number][] = [
    ["", HEAD_LIMIT],
    ["POST /wake/web HTTP/1.1\r\nHo", HEAD_LIMIT],
    [`POST /wake/web HTTP/1.1\r\n${AUTHORIZED}Content-Length: 9\r\n\r\nab`, BODY_LIMIT],
  ];
  for (const [begin, limit] of rows) {
    await using caller = await at.connect();
    await caller.send(begin);
    await until("the wait", () => clock.sleeps[0] === limit);
    await clock.advance(limit - 1);
    // One more byte does not give more time.
    await caller.send("c");
    assert.equal(caller.text, "");
    await clock.advance(1);
    assert.equal(refusal(await caller.answer()), 408, begin);
    await caller.endSending();
    await until("the end", () => clock.sleeps.length === 0);
  }
  assert.deepEqual(at.woken, []);
  assert.deepEqual(at.refused(), ["too-slow"]);
});

Deno.test("wake: who does not hang up after the answer is hung up on", async () => {
  const clock = new VirtualClock();
  await using at = await listening({ clock });
  await using caller = await at.connect();
  await caller.send(post("/wake/web", AUTHORIZED));
  assert.equal((await caller.answer()).status, 202);
  await until("the wait", () => clock.sleeps.length === 1);
  await clock.advance(1_000);
  await until("the end", () => clock.sleeps.length === 0);
});

Deno.test("wake: who goes away without a word, or in the middle, is nothing to speak of", async () => {
  await using at = await listening();
  for (
    const text of ["", "POST /wa", `POST /wake/web HTTP/1.1\r\n${AUTHORIZED}Content-Length: 3\r\n\r\nab`]
  ) {
    await using caller = await at.connect();
    await caller.send(text);
    await caller.endSending();
    assert.equal(await caller.rest(), "");
  }
  assert.deepEqual(at.woken, []);
  assert.deepEqual(at.refused(), []);
});

Deno.test("wake: many slow connections neither grow in number nor keep others out", async () => {
  const clock = new VirtualClock();
  await using at = await listening({ clock });
  await using callers = new AsyncDisposableStack();
  const slow: Caller[] = [];
  for (let count = 0; count < 3 * CONNECTION_LIMIT; count++) {
    const caller = callers.use(await at.connect());
    await caller.send("POST /wake/web HTTP/1.1\r\n");
    slow.push(caller);
  }
  await until("the connections", () => clock.sleeps.length === CONNECTION_LIMIT);
  assert.equal((await at.ask(post("/wake/web", AUTHORIZED))).status, 202);
  assert.deepEqual(at.refused(), ["crowded"]);
  // The oldest have gone, the newest are still there.
  for (const caller of slow.slice(0, CONNECTION_LIMIT)) assert.equal(await caller.rest(), "");
  const last = slow.at(-1);
  assert.ok(last !== undefined);
  await last.send(`${AUTHORIZED}\r\n`);
  assert.equal((await last.answer()).status, 202);
});

Deno.test("wake: what `wake` throws is a fault of hail's, which the caller learns nothing about", async () => {
  await using at = await listening({
    wake: () => {
      throw new Error("inner matters");
    },
  });
  const answer = await at.ask(post("/wake/web", AUTHORIZED));
  assert.equal(refusal(answer), 500);
  assert.doesNotMatch(answer.body, /inner/);
  assert.ok(at.events.some(({ name, message }) => name === "failure" && /inner matters/.test(message)));
});

Deno.test("wake: closing ends connections under way, and the port is free again", async () => {
  const at = await listening();
  const caller = await at.connect();
  await caller.send("POST /wake/web HTTP/1.1\r\n");
  assert.equal((await at.ask(post("/wake/web", AUTHORIZED))).status, 202);
  await at[Symbol.asyncDispose]();
  await at.listener.close();
  assert.equal(await caller.rest(), "");
  await caller[Symbol.asyncDispose]();
  await using again = await listening({ port: at.listener.address.port });
  assert.equal((await again.ask(post("/wake/web", AUTHORIZED))).status, 202);
});

Deno.test("wake: an address that cannot be listened on is a matter of the configuration", async () => {
  await using at = await listening();
  const rows: [where: { hostname: string; port?: number }, says: RegExp][] = [
    [
      { hostname: "127.0.0.1", port: at.listener.address.port },
      /^wake address 127\.0\.0\.1:\d+: another program/,
    ],
    [{ hostname: "192.0.2.1" }, /does not have the address/],
    [{ hostname: "no such host" }, /its name could not be resolved/],
  ];
  for (const [where, says] of rows) {
    const refused = listening(where);
    await assert.rejects(
      refused,
      (error) => error instanceof Failure && error.code === "usage" && says.test(error.message),
    );
  }
});

Deno.test("wake: without a secret nothing is listened on", async () => {
  await assert.rejects(
    listening({ secretFile: "/nonexistent/secret" }),
    (error) => error instanceof Failure && error.code === "usage",
  );
});

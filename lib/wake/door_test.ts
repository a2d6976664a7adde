import assert from "node:assert/strict";
import { VirtualClock } from "../time/virtual_clock.ts";
import { ALL_FAILURES_RATE, Door, FAILURE_RATE, SIGNATURES_MAX, WAKE_RATE } from "./door.ts";
import type { FieldName, RequestHead } from "./request_head.ts";
import { signatureOf } from "./signature.ts";

const SECRET = "0123456789abcdef0123456789abcdef";
const HERE = "192.0.2.1";
const NO_BODY = new Uint8Array();

function world(known: (service: string) => boolean = (service) => service === "web") {
  const clock = new VirtualClock();
  const woken: string[] = [];
  const door = new Door({
    secret: SECRET,
    wake: (service) => {
      if (!known(service)) return "unknown";
      woken.push(service);
      return "woken";
    },
    clock,
  });
  const knock = (path: string, fields: Partial<Record<FieldName, string>>, from = HERE, body = NO_BODY) => {
    const head: RequestHead = {
      method: "POST",
      path,
      fields: new Map(Object.entries(fields) as [FieldName, string][]),
      bodyLength: body.length,
      expectsContinue: false,
    };
    const admitted = door.admit(head, from);
    return "reason" in admitted ? admitted : door.decide(admitted, body, from);
  };
  const stamp = (offset = 0) => String(Math.floor(clock.now() / 1000) + offset);
  const signed = (name: string, text = "", timestamp = stamp()) => {
    const body = new TextEncoder().encode(text);
    return {
      "x-hail-timestamp": timestamp,
      "x-hail-signature": `sha256=${signatureOf(SECRET, { timestamp, name, body })}`,
    };
  };
  return { clock, woken, knock, signed, stamp };
}

const token = (text: string) => ({ authorization: `Bearer ${text}` });

function reason(outcome: ReturnType<ReturnType<typeof world>["knock"]>) {
  return "reason" in outcome ? outcome.reason : outcome;
}

Deno.test("door: a signature is good for one service, one body and one time", () => {
  const { knock, signed, stamp, woken } = world(() => true);
  const body = new TextEncoder().encode("hello");
  const good = signed("web", "hello");
  assert.equal(reason(knock("/wake/api", good, HERE, body)), "wrong-credentials");
  assert.equal(reason(knock("/wake/web", good, HERE, NO_BODY)), "wrong-credentials");
  assert.equal(
    reason(knock("/wake/web", { ...good, "x-hail-timestamp": stamp(1) }, HERE, body)),
    "wrong-credentials",
  );
  assert.deepEqual(knock("/wake/web", good, HERE, body), { woken: "web" });
  assert.equal(reason(knock("/wake/web", good, HERE, body)), "replayed");
  const shouted = {
    ...good,
    "x-hail-signature": `SHA256=${good["x-hail-signature"].slice(7).toUpperCase()}`,
  };
  assert.equal(reason(knock("/wake/web", shouted, HERE, body)), "replayed");
  assert.deepEqual(woken, ["web"]);
});

Deno.test("door: a name that ends where a body could begin is not mistaken for another", () => {
  const { knock, stamp } = world(() => true);
  const timestamp = stamp();
  const name = "web.a";
  const signature = signatureOf(SECRET, { timestamp, name: "web", body: new TextEncoder().encode(".a") });
  const fields = { "x-hail-timestamp": timestamp, "x-hail-signature": `sha256=${signature}` };
  assert.equal(reason(knock(`/wake/${name}`, fields)), "wrong-credentials");
});

Deno.test("door: clocks may differ by five minutes", () => {
  const { knock, signed, stamp } = world();
  const rows: [offset: number, outcome: unknown][] = [
    [-301, "time-stamp"],
    [-300, { woken: "web" }],
    [300, { woken: "web" }],
    [301, "time-stamp"],
  ];
  for (const [offset, outcome] of rows) {
    assert.deepEqual(reason(knock("/wake/web", signed("web", "", stamp(offset)))), outcome, String(offset));
  }
});

Deno.test("door: a signature comes before a token, which may be a proxy's", () => {
  const { knock, signed } = world();
  assert.deepEqual(knock("/wake/web", { ...signed("web"), authorization: "Basic eDp5" }), { woken: "web" });
  assert.equal(reason(knock("/wake/web", { authorization: "Basic eDp5" })), "no-credentials");
  assert.equal(reason(knock("/wake/web", { "x-hail-timestamp": "1" })), "no-credentials");
  assert.equal(
    reason(knock("/wake/web", { ...token(SECRET), ...signed("web", "another body") })),
    "wrong-credentials",
  );
  assert.deepEqual(knock("/wake/web", { ...token(SECRET), "x-hail-timestamp": "1" }), { woken: "web" });
});

Deno.test("door: without the secret, a service that is there looks like one that is not", () => {
  const { knock, signed, stamp } = world();
  const strangers = [
    {},
    token("wrong"),
    { ...signed("web"), "x-hail-signature": `sha256=${"0".repeat(64)}` },
    { ...signed("web"), "x-hail-signature": "sha256=0" },
    { ...signed("web"), "x-hail-timestamp": "now" },
    signed("web", "", stamp(-1000)),
  ];
  for (const fields of strangers) {
    assert.deepEqual(knock("/wake/web", fields), knock("/wake/nosuch", fields), JSON.stringify(fields));
  }
  assert.deepEqual(knock("/wake/nosuch", token(SECRET)), { reason: "unknown-service" });
});

Deno.test("door: what is no name is not looked at", () => {
  const { knock } = world(() => true);
  const paths = [
    "",
    "*",
    "/",
    "/wake",
    "/wake/",
    "/wake//web",
    "/wake/web/",
    "/wake/web?x",
    "/wake/%77eb",
    "/wake/web%2f",
    "/wake/.web",
    "/wake/-web",
    "/wake/w b",
    "/wake/../web",
    "/WAKE/web",
    "/wake/web\n",
    `/wake/${"a".repeat(101)}`,
  ];
  for (const path of paths) assert.equal(reason(knock(path, token(SECRET))), "unknown-path", path);
  for (const name of ["a", "0", "A.b_c-d", "a".repeat(100)]) {
    assert.deepEqual(knock(`/wake/${name}`, token(SECRET)), { woken: name });
  }
});

Deno.test("door: one service is woken so often, the others are not held up, and names that are none cost nothing", async () => {
  const { knock, clock } = world((service) => service !== "nosuch");
  for (let count = 0; count < WAKE_RATE.burst; count++) {
    assert.deepEqual(knock("/wake/web", token(SECRET)), { woken: "web" });
    assert.equal(reason(knock("/wake/nosuch", token(SECRET))), "unknown-service");
  }
  assert.deepEqual(knock("/wake/web", token(SECRET)), { reason: "too-many", retryAfter: 1_000 });
  assert.deepEqual(knock("/wake/api", token(SECRET)), { woken: "api" });
  assert.equal(reason(knock("/wake/nosuch", token(SECRET))), "unknown-service");
  await clock.advance(1_000);
  assert.deepEqual(knock("/wake/web", token(SECRET)), { woken: "web" });
});

Deno.test("door: a signature that came too soon is good once it may be", async () => {
  const { knock, clock, signed } = world();
  for (let count = 0; count < WAKE_RATE.burst; count++) knock("/wake/web", token(SECRET));
  const good = signed("web");
  assert.equal(reason(knock("/wake/web", good)), "too-many");
  await clock.advance(1_000);
  assert.deepEqual(knock("/wake/web", good), { woken: "web" });
});

Deno.test("door: whoever guesses is refused unheard, even with the right secret, until time has passed", async () => {
  const { knock, clock, signed } = world();
  for (let count = 0; count < FAILURE_RATE.burst; count++) {
    assert.equal(reason(knock("/wake/web", token(`wrong-${count}`))), "wrong-credentials");
  }
  const refused = { reason: "too-many-failures", retryAfter: 1_000 / FAILURE_RATE.perSecond };
  assert.deepEqual(knock("/wake/web", token("wrong")), refused);
  assert.deepEqual(knock("/wake/web", token(SECRET)), refused);
  assert.deepEqual(knock("/wake/web", signed("web")), refused);
  assert.deepEqual(knock("/wake/web", token(SECRET), "192.0.2.2"), { woken: "web" });
  await clock.advance(refused.retryAfter);
  assert.deepEqual(knock("/wake/web", token(SECRET)), { woken: "web" });
});

Deno.test("door: to guess from many networks is slow, too", () => {
  const { knock } = world();
  let heard = 0;
  for (let count = 0; count < 2_000; count++) {
    const from = `2001:db8:${(count >> 8).toString(16)}:${(count & 255).toString(16)}::1`;
    if (reason(knock("/wake/web", token("wrong"), from)) === "wrong-credentials") heard += 1;
  }
  assert.equal(heard, ALL_FAILURES_RATE.burst);
});

Deno.test("door: where no more signatures can be remembered, none is taken until there is room", async () => {
  const { knock, clock, signed } = world(() => true);
  for (let count = 0; count < SIGNATURES_MAX; count++) {
    assert.deepEqual(knock(`/wake/s${count}`, signed(`s${count}`)), { woken: `s${count}` });
  }
  assert.equal(reason(knock("/wake/web", signed("web"))), "memory-full");
  assert.deepEqual(knock("/wake/web", token(SECRET)), { woken: "web" });
  assert.equal(reason(knock("/wake/s0", signed("s0"))), "replayed");
  await clock.advance(301_000);
  assert.deepEqual(knock("/wake/web", signed("web")), { woken: "web" });
});

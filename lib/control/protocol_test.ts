import assert from "node:assert/strict";
import fc from "fast-check";
import type { OperatorRequest } from "../deployment/operator.ts";
import { Failure } from "../failure/failure.ts";
import { DEFAULT_STORE_FOLDER, type StorePath } from "../nix/store_path.ts";
import {
  decodeReply,
  decodeRequest,
  encodeReply,
  encodeRequest,
  fromFailureReply,
  LINE_LIMIT,
  type Reply,
  type Request,
  TEXT_LIMIT,
  toFailureReply,
} from "./protocol.ts";

const PATH = `${DEFAULT_STORE_FOLDER}/${"0".repeat(32)}-web-4.0` as StorePath;

const PROFILES = [null, "/nix/var/nix/profiles/web"] as const;

const REQUESTS: readonly Request[] = [
  { command: "ping" },
  { command: "poll" },
  { command: "poll", pastGates: true },
  { command: "resume" },
  { command: "retry" },
  { command: "pause", reason: null, until: null },
  { command: "pause", reason: "holidays", until: 1_767_225_600_000 },
  { command: "rollback", to: null },
  { command: "rollback", to: { path: PATH, buildId: 12, name: "web-4.0" } },
  { command: "rollback", to: { path: PATH, buildId: null, name: null } },
];

for (const asked of REQUESTS.flatMap((request) => PROFILES.map((profile) => ({ request, profile })))) {
  const { request, profile } = asked;
  Deno.test(`protocol: a request comes over as it was: ${JSON.stringify(asked)}`, () => {
    const line = encodeRequest({ request, profile });
    assert.equal(line.indexOf("\n"), line.length - 1);
    assert.deepEqual(decodeRequest(line.trimEnd(), DEFAULT_STORE_FOLDER), { request, profile });
  });
}

Deno.test("protocol: the longest request fits a line", () => {
  const long = "\u0000".repeat(TEXT_LIMIT);
  const request: OperatorRequest = {
    command: "rollback",
    to: { path: long as StorePath, buildId: Number.MAX_SAFE_INTEGER, name: long },
  };
  assert.ok(encodeRequest({ request, profile: long }).length <= LINE_LIMIT);
});

Deno.test("protocol: a request without a profile is one of a hail 0.3", () => {
  const line = '{"version":1,"command":"poll"}';
  assert.deepEqual(decodeRequest(line, DEFAULT_STORE_FOLDER), {
    request: { command: "poll" },
    profile: null,
  });
  assert.equal(encodeRequest({ request: { command: "poll" }, profile: null }), `${line}\n`);
});

for (
  const [line, says] of [
    ["", /it is no request to hail/],
    ["GET / HTTP/1.1", /it is no request to hail/],
    ["null", /it is no request to hail/],
    ['{"command":"poll"}', /it is no request to hail/],
    ['{"version":2,"command":"poll"}', /it is of version 2, and the hail that runs knows 1/],
    ['{"version":1}', /does not know it/],
    ['{"version":1,"command":"explode"}', /does not know it/],
    ['{"version":1,"command":"poll","pastGates":"yes"}', /does not know it/],
    ['{"version":1,"command":"poll","profile":7}', /names what is no profile/],
    ['{"version":1,"command":"poll","profile":""}', /names what is no profile/],
    ['{"version":1,"command":"poll","profile":"web"}', /names what is no profile/],
    ['{"version":1,"command":"poll","profile":"/a\\u001bb"}', /names what is no profile/],
    [`{"version":1,"command":"poll","profile":"/${"x".repeat(2_000)}"}`, /names what is no profile/],
    ['{"version":1,"command":"pause"}', /does not know it/],
    ['{"version":1,"command":"pause","reason":null,"until":-1}', /does not know it/],
    ['{"version":1,"command":"pause","reason":7,"until":null}', /does not know it/],
    [`{"version":1,"command":"pause","reason":"${"x".repeat(2_001)}","until":null}`, /does not know it/],
    ['{"version":1,"command":"rollback","to":{"path":"/etc","buildId":null,"name":null}}', /no store path/],
    [
      `{"version":1,"command":"rollback","to":{"path":"${PATH}/bin","buildId":null,"name":null}}`,
      /no store path/,
    ],
    ['{"version":1,"command":"rollback","to":{"path":"--option","buildId":1,"name":null}}', /no store path/],
  ] as const
) {
  Deno.test(`protocol: a request is refused: ${line.slice(0, 80)}`, () => {
    assert.throws(
      () => decodeRequest(line, DEFAULT_STORE_FOLDER),
      (error) => error instanceof Failure && error.code === "usage" && says.test(error.message),
    );
  });
}

Deno.test("protocol: whatever a request is, it is read or refused", () => {
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (line) => {
    try {
      decodeRequest(line, DEFAULT_STORE_FOLDER);
    } catch (error) {
      assert.ok(error instanceof Failure);
    }
  }));
});

Deno.test("protocol: whatever the texts of a reply are, it is one line within the limit, and is read again", () => {
  const text = fc.string({ unit: "binary", maxLength: 9_000 });
  const reply: fc.Arbitrary<Reply> = fc.oneof(
    text.map((progress) => ({ progress })),
    fc.constant({ alive: true } as const),
    text.map((message) => ({ done: { message } })),
    fc.tuple(text, text, text).map(([what, why, next]) => ({
      failure: toFailureReply(new Failure("activation-failed", { what, why, next })),
    })),
  );
  fc.assert(
    fc.property(reply, (one) => {
      const line = encodeReply(one);
      assert.equal(line.indexOf("\n"), line.length - 1);
      assert.ok(new TextEncoder().encode(line).length <= LINE_LIMIT);
      const read = decodeReply(line);
      assert.deepEqual(Object.keys(read ?? {}), Object.keys(one));
    }),
    { numRuns: 50 },
  );
});

Deno.test("protocol: a failure comes over with its code, its words and its exit status", () => {
  const failure = new Failure("health-failed", {
    what: "http http://h/",
    why: "status 500",
    next: "Mend it.",
  });
  const read = decodeReply(encodeReply({ failure: toFailureReply(failure) }));
  assert.ok(read !== null && "failure" in read);
  const back = fromFailureReply(read.failure);
  assert.deepEqual(
    [back.code, back.message, back.next, back.exitStatus],
    ["health-failed", "http http://h/: status 500", "Mend it.", 16],
  );
});

Deno.test("protocol: a failure of a newer hail is a failure all the same", () => {
  const { code, message } = fromFailureReply({
    ...toFailureReply(new Failure("held", { what: "web", why: "the moon is full", next: "Wait." })),
    code: "moon",
  });
  assert.deepEqual([code, message], ["internal", "web: the moon is full"]);
});

Deno.test("protocol: what nobody foresaw is not told to the caller", () => {
  assert.doesNotMatch(JSON.stringify(toFailureReply(new Error("s3cret"))), /s3cret/);
});

Deno.test("protocol: a line of an unknown kind is passed over", () => {
  for (const line of ['{"mood":"good"}', "hello", "", "[]", '{"done":true}']) {
    assert.equal(decodeReply(line), null, line);
  }
});

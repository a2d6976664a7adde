import assert from "node:assert/strict";
import fc from "fast-check";
import { BODY_BYTES_MAX, parseHead } from "./request_head.ts";

const GOOD = ["POST /wake/web HTTP/1.1", "Host: h"];

function parse(...lines: string[]) {
  return parseHead(lines.join("\r\n"));
}

Deno.test("request head: what matters is read", () => {
  assert.deepEqual(
    parse(
      "POST /wake/web HTTP/1.1",
      "hOST:h",
      "Accept: */*",
      "Content-Length:\t12 ",
      "Authorization: Bearer x: y",
    ),
    {
      method: "POST",
      path: "/wake/web",
      fields: new Map([["host", "h"], ["content-length", "12"], ["authorization", "Bearer x: y"]]),
      bodyLength: 12,
      expectsContinue: false,
    },
  );
});

Deno.test("request head: forms of the target, and of what is expected", () => {
  const path = (target: string) => {
    const head = parse(`POST ${target} HTTP/1.1`, "Host: h");
    return typeof head === "string" ? head : head.path;
  };
  assert.equal(path("http://h:81/wake/web"), "/wake/web");
  assert.equal(path("HTTPS://h/wake/web?x"), "/wake/web?x");
  assert.equal(path("/wake/%77eb"), "/wake/%77eb");
  assert.equal(path("http://h"), "");
  assert.equal(path("*"), "*");
  assert.equal(path("ftp://h/wake/web"), "ftp://h/wake/web");
  const expects = (version: string) => {
    const head = parse(`POST / HTTP/${version}`, "Host: h", "Expect: 100-Continue", "Content-Length: 1");
    return typeof head === "string" ? head : head.expectsContinue;
  };
  assert.deepEqual(["1.1", "1.0"].map(expects), [true, false]);
});

Deno.test("request head: what is refused, and why", () => {
  const rows: [lines: string[], reason: string][] = [
    [[""], "malformed"],
    [["POST /wake/web"], "malformed"],
    [["POST  /wake/web HTTP/1.1", "Host: h"], "malformed"],
    [["POST /wake/web HTTP/1.1 ", "Host: h"], "malformed"],
    [["POST /wake/w\u00e9b HTTP/1.1", "Host: h"], "malformed"],
    [["POST /wake/web HTTP/1.1"], "malformed"],
    [["PRI * HTTP/2.0"], "version"],
    [["POST /wake/web HTTP/0.9"], "version"],
    [["", ...GOOD], "malformed"],
    [[...GOOD, "Host: h"], "malformed"],
    [[...GOOD, "Content-Length: 1", "content-length: 1"], "malformed"],
    [[...GOOD, "Authorization: Bearer a", "Authorization: Bearer b"], "malformed"],
    [[...GOOD, "X-Hail-Signature: a", "X-Hail-Signature: b"], "malformed"],
    [[...GOOD, "Content-Length: -1"], "malformed"],
    [[...GOOD, "Content-Length: 0x1"], "malformed"],
    [[...GOOD, "Content-Length: 1, 1"], "malformed"],
    [[...GOOD, "Content-Length: 9999999999999999999"], "malformed"],
    [[...GOOD, "Content-Length: "], "malformed"],
    [[...GOOD, `Content-Length: ${BODY_BYTES_MAX + 1}`], "body-too-long"],
    [[...GOOD, "Transfer-Encoding: chunked"], "no-length"],
    [[...GOOD, "Transfer-Encoding: chunked", "Content-Length: 3"], "no-length"],
    [[...GOOD, "Expect: more"], "malformed"],
    [[...GOOD, "no field"], "malformed"],
    [[...GOOD, ": no name"], "malformed"],
    [[...GOOD, "X-Hail-Signature : a"], "malformed"],
    [[...GOOD, "X: a", " folded: b"], "malformed"],
    [[...GOOD, "X: a\nHost: b"], "malformed"],
    [[...GOOD, "X: a\rb"], "malformed"],
    [[...GOOD, "X: a\u0000b"], "malformed"],
  ];
  for (const [lines, reason] of rows) assert.equal(parse(...lines), reason, JSON.stringify(lines));
});

Deno.test("request head: whatever the bytes are, it is read or refused, and quickly", () => {
  const begun = performance.now();
  fc.assert(fc.property(fc.uint8Array({ maxLength: 2_000 }), (bytes) => {
    const head = parseHead(String.fromCharCode(...bytes));
    assert.ok(typeof head === "string" || head.bodyLength <= BODY_BYTES_MAX);
  }));
  for (const filler of [" ", "\t", ":", "\r\n", "a: \r\n", "\r\n ", "http://"]) {
    parseHead(`${GOOD.join("\r\n")}\r\nX: ${filler.repeat(8_000 / filler.length)}`);
    parseHead(`POST ${filler.repeat(8_000 / filler.length)} HTTP/1.1`);
  }
  assert.ok(performance.now() - begun < 5_000);
});

import assert from "node:assert/strict";
import fc from "fast-check";
import { readDocumentAnswer, readEvaluationAnswer, readLatestAnswer } from "./answer.ts";
import { isPathSegment } from "./path_segment.ts";

function latest(status: number, headers: Record<string, string> = {}) {
  return readLatestAnswer({ status, headers: new Headers(headers) });
}

Deno.test("readLatestAnswer() takes the id from the end of the path, whatever stands before and behind it", () => {
  const locations = [
    "http://127.0.0.1:3000/build/111",
    "https://ci.example.org/build/111",
    "/build/111",
    "build/111",
    "//ci.example.org/build/111",
    "https://ci.example.org/hydra/build/111?a=/build/5#/build/6",
    "http://user:password@[::1]:80/build/111",
    "ftp://x/build/111",
  ];
  for (const location of locations) {
    for (const status of [301, 302, 303, 307, 308]) {
      assert.deepEqual(latest(status, { location }), { kind: "build", id: 111 }, location);
    }
  }
});

Deno.test("readLatestAnswer() ignores the Location of what is no redirect", () => {
  for (const status of [200, 201, 300, 304, 400, 404, 500]) {
    assert.notEqual(latest(status, { location: "/build/111" }).kind, "build");
  }
});

Deno.test("readLatestAnswer() takes the names of a renamed job and leaves its selector", () => {
  for (const selector of ["latest", "latest-finished", "latest-for", "latest-for/x86_64-linux"]) {
    const location = `http://127.0.0.1:3000/ci/job/demo/new%20name/web.x86_64-linux/${selector}`;
    assert.deepEqual(latest(301, { location }), {
      kind: "renamed",
      name: { project: "demo", jobset: "new%20name", job: "web.x86_64-linux" },
      location,
    });
  }
});

Deno.test("readLatestAnswer() tells a project called job from the word job", () => {
  const answer = latest(301, { location: "/job/job/job/job/latest" });
  assert.ok(answer.kind === "renamed");
  assert.deepEqual(answer.name, { project: "job", jobset: "job", job: "job" });
});

Deno.test("readLatestAnswer() sorts statuses", () => {
  const kinds: Record<string, number[]> = {
    "refused": [401, 403, 407],
    "none": [404, 410],
    "method-not-allowed": [405, 501],
    "failed": [408, 429, 500, 502, 503, 504, 599],
    "unusable": [101, 200, 204, 206, 300, 304, 400, 402, 409, 414, 418, 451, 600, 999],
    "led-away": [301, 302, 303, 307, 308],
  };
  for (const [kind, statuses] of Object.entries(kinds)) {
    for (const status of statuses) assert.equal(latest(status).kind, kind, String(status));
  }
});

Deno.test("readLatestAnswer() never gives an id that is not a positive safe integer, or a name that is no segment", () => {
  const part = fc.oneof(
    fc.constantFrom(
      "/",
      "build",
      "job",
      "latest",
      "latest-for",
      "..",
      "%2e",
      "?",
      "#",
      "//",
      ":",
      "\\",
      "7",
      "0",
      "-",
    ),
    fc.nat().map(String),
    fc.string({ maxLength: 5 }),
  );
  const location = fc.array(part, { maxLength: 14 }).map((parts) => parts.join(""));
  fc.assert(fc.property(location, fc.constantFrom("/build/", "/job/a/", ""), (text, start) => {
    const headers = { get: (name: string) => name === "location" ? start + text : null };
    const answer = readLatestAnswer({ status: 302, headers });
    if (answer.kind === "build") assert.ok(Number.isSafeInteger(answer.id) && answer.id > 0);
    if (answer.kind === "renamed") assert.ok(Object.values(answer.name).every(isPathSegment));
    assert.ok(["build", "renamed", "led-away"].includes(answer.kind));
  }));
});

Deno.test("readDocumentAnswer() takes 200 for a document and nothing else", () => {
  const read = (status: number, location = "/build/7") =>
    readDocumentAnswer({ status, headers: new Headers({ location }) }).kind;
  assert.equal(read(200), "document");
  assert.equal(read(203), "unusable");
  assert.equal(read(206), "unusable");
  assert.equal(read(302), "led-away");
  assert.equal(read(404), "none");
  assert.equal(read(500), "failed");
});

Deno.test("readEvaluationAnswer() takes the id from the end of the path, and nothing that is no evaluation", () => {
  const read = (status: number, location: string) =>
    readEvaluationAnswer({ status, headers: new Headers({ location }) });
  for (
    const location of ["http://127.0.0.1:3000/eval/17?name=good", "/eval/17", "//x/hydra/eval/17#/eval/18"]
  ) {
    assert.deepEqual(read(302, location), { kind: "evaluation", id: 17 }, location);
  }
  const others = [
    "/eval/0",
    "/eval/-1",
    "/eval/1.5",
    "/eval/9007199254740993",
    "/eval/",
    "/build/17",
    "/x?/eval/17",
  ];
  for (const location of others) assert.equal(read(302, location).kind, "led-away", location);
  assert.equal(read(200, "/eval/17").kind, "unusable");
  assert.equal(read(404, "/eval/17").kind, "none");
});

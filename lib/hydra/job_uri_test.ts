import assert from "node:assert/strict";
import fc from "fast-check";
import { Failure } from "../failure/failure.ts";
import { buildUri, parseJobUri, withJob } from "./job_uri.ts";
import { isPathSegment } from "./path_segment.ts";

const PLAIN = "https://hydra.example.org/job/demo/main/web";

function refusal(text: string): Failure {
  try {
    parseJobUri(text);
  } catch (error) {
    assert(error instanceof Failure, `not a Failure: ${error}`);
    assert.equal(error.code, "usage");
    return error;
  }
  throw new assert.AssertionError({ message: `accepted: ${JSON.stringify(text)}` });
}

const anyCharacter = fc.integer({ min: 0, max: 0x10ffff }).map((code) => String.fromCodePoint(code));

/** Everything that could reach a log or a terminal. */
const shown = (failure: Failure) =>
  [failure.message, failure.next, failure.stack, String(failure.cause)].join("\n");

const unit = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(..."abcXYZ019-._~!$&'()*+,;=:") },
  { weight: 1, arbitrary: fc.constantFrom("%2F", "%2f", "%20", "%25", "%C3%A9", "%2E", "%5C", "%40") },
);
const segment = fc.array(unit, { minLength: 1, maxLength: 8 }).map((all) => all.join("")).filter(
  isPathSegment,
);
const jobName = segment.filter((text) => !["latest", "latest-finished", "latest-for"].includes(text));
const origin = fc.constantFrom(
  "https://hydra.example.org",
  "http://127.0.0.1:3000",
  "http://[::1]:8080",
  "https://hydra_1.example.org:8443",
);
const parts = fc.record({
  origin,
  basePath: fc.array(fc.oneof(segment, fc.constant("job")), { maxLength: 4 }),
  project: fc.oneof(jobName, fc.constant("job")),
  jobset: fc.oneof(jobName, fc.constant("job")),
  job: fc.oneof(jobName, fc.constant("job")),
  selector: fc.oneof(
    fc.constantFrom("", "latest", "latest-finished"),
    segment.map((text) => `latest-for/${text}`),
  ),
  slash: fc.constantFrom("", "/"),
});

Deno.test("job URI: every part comes out as it was typed, whatever the base path holds", () => {
  fc.assert(fc.property(parts, ({ origin, basePath, project, jobset, job, selector, slash }) => {
    const base = [origin, ...basePath].join("/");
    const typed = `${base}/job/${project}/${jobset}/${job}`;
    const uri = parseJobUri(`${typed}${selector === "" ? "" : `/${selector}`}${slash}`);
    const expected = selector === "" ? "latest" : selector;
    assert.deepEqual(uri, {
      text: `${typed}/${expected}`,
      origin,
      base,
      project,
      jobset,
      job,
      selector: expected,
    });
  }));
});

Deno.test("job URI: the parser of the platform finds nothing to repair in the URI to poll", () => {
  fc.assert(fc.property(parts, ({ origin, basePath, project, jobset, job, selector }) => {
    const uri = parseJobUri(
      [origin, ...basePath, "job", project, jobset, job, selector || "latest"].join("/"),
    );
    assert.equal(new URL(uri.text).href, uri.text);
    assert.equal(new URL(uri.text).origin, uri.origin);
    assert.equal(new URL(buildUri(uri, 111)).href, `${uri.base}/build/111`);
    assert.deepEqual(parseJobUri(uri.text), uri, "reading it again changes nothing");
  }));
});

Deno.test("job URI: any text is either read or refused as wrong use, and what is read can be polled", () => {
  const broken = fc.tuple(
    parts,
    fc.nat(),
    fc.oneof(anyCharacter, fc.constantFrom("\\", "..", "//")),
  )
    .map(([{ origin, basePath, project, jobset, job }, at, piece]) => {
      const text = [origin, ...basePath, "job", project, jobset, job].join("/");
      const cut = at % (text.length + 1);
      return text.slice(0, cut) + piece + text.slice(cut);
    });
  fc.assert(
    fc.property(fc.oneof(broken, fc.string()), (text) => {
      let uri;
      try {
        uri = parseJobUri(text);
      } catch (error) {
        assert(error instanceof Failure && error.code === "usage", String(error));
        assert.match(error.message, /^[\x20-\x7e]*$/);
        return;
      }
      assert.equal(new URL(uri.text).href, uri.text);
      assert.equal(new URL(uri.text).username + new URL(uri.text).password, "");
    }),
    { numRuns: 300 },
  );
});

Deno.test("job URI: a user or password is refused, netrc is named, and nothing of them is shown", () => {
  const secret = fc.stringMatching(/^[0-9A-Za-z!$&/?#:@%\\ ^-]{0,6}S3CRET[0-9A-Za-z!$&/?#:@%\\ ^-]{0,6}$/);
  fc.assert(fc.property(secret, fc.constantFrom("alice:", "", ":"), (password, user) => {
    const failure = refusal(`https://${user}${password}@hydra.example.org/job/demo/main/web`);
    assert(!/S3CRET|alice/.test(shown(failure)), shown(failure));
    assert(failure.message.includes("@hydra.example.org/job/demo/main/web"));
  }));
  for (
    const text of [
      "https://alice:S3CRET@h/job/p/j/w",
      "https://S3CRET@h/job/p/j/w",
      "https://a:S3/CRET@h/job/p/j/w",
      "https://S3CRET/@h/job/p/j/w",
      "http://@h/job/p/j/w",
    ]
  ) {
    const failure = refusal(text);
    assert.match(failure.next, /netrc/, text);
    assert.match(failure.why, /user or a password/, text);
  }
});

Deno.test("job URI: what may be a secret is hidden from every other refusal too", () => {
  const texts = [
    "https:\\\\alice:S3CRET@h/job/p/j/w",
    "https://alice:S3CRET%40h/job/p/j/w",
    "ftp://alice:S3CRET@h/job/p/j/w",
    "alice:S3CRET@h/job/p/j/w",
    "https://h/job/p/j/w?token=S3CRET",
    "https://h/job/p/j/w#S3CRET",
    "https://alice:S3CRET @h/job/p/j/w",
    "https://alice:S3CRET\n@h/job/p/j/w",
    `https://alice:S3CRET${"x".repeat(5000)}@h/job/p/j/w`,
  ];
  for (const text of texts) assert(!/S3CRET|CRET/.test(shown(refusal(text))), text);
});

Deno.test("job URI: scheme and host are normalised, and only they", () => {
  assert.deepEqual(parseJobUri("HTTPS://Hydra.Example.ORG:443/Sub/job/Demo/main/tests.foo%2Fbar"), {
    text: "https://hydra.example.org/Sub/job/Demo/main/tests.foo%2Fbar/latest",
    origin: "https://hydra.example.org",
    base: "https://hydra.example.org/Sub",
    project: "Demo",
    jobset: "main",
    job: "tests.foo%2Fbar",
    selector: "latest",
  });
});

Deno.test("job URI: a selector at the end is a selector, and a job may still be called like one", () => {
  const read = (behind: string) => {
    const { project, jobset, job, selector } = parseJobUri(`https://h/job/${behind}`);
    return [project, jobset, job, selector];
  };
  assert.deepEqual(read("demo/main/latest/latest"), ["demo", "main", "latest", "latest"]);
  assert.deepEqual(read("demo/main/web/latest-for/x86_64-linux"), [
    "demo",
    "main",
    "web",
    "latest-for/x86_64-linux",
  ]);
  assert.deepEqual(read("demo/latest-for/web/latest"), ["demo", "latest-for", "web", "latest"]);
  assert.deepEqual(read("job/job/job"), ["job", "job", "job", "latest"]);
  assert.deepEqual(read("job/demo/main/web"), ["demo", "main", "web", "latest"]);
  assert.match(refusal("https://h/job/demo/main/latest").why, /in front of \/latest/);
  assert.match(refusal("https://h/job/demo/main/web/latest-for").why, /SYSTEM is missing/);
});

Deno.test("job URI: each refusal says what is wrong and gives an example", () => {
  const rows: [text: string, why: RegExp][] = [
    ["", /empty/],
    ["hydra.example.org/job/demo/main/web", /http:\/\/ or https:\/\//],
    ["ftp://h/job/demo/main/web", /http:\/\/ or https:\/\//],
    ["file:///job/demo/main/web", /http:\/\/ or https:\/\//],
    ["https:/h/job/demo/main/web", /http:\/\/ or https:\/\//],
    ["--oneshot", /http:\/\/ or https:\/\//],
    ["https:///job/demo/main/web", /no host/],
    ["https://:80/job/demo/main/web", /host or port/],
    ["https://h:0/job/demo/main/web", /host or port/],
    ["https://h:65536/job/demo/main/web", /host or port/],
    ["https://h:/job/demo/main/web", /host or port/],
    ["https://h..example/job/demo/main/web", /host or port/],
    ["https://%68/job/demo/main/web", /host or port/],
    ["https://[::1/job/demo/main/web", /host or port/],
    ["https://[fe80::1%25eth0]/job/demo/main/web", /host or port/],
    ["https://b\u00fccher.example/job/demo/main/web", /xn--/],
    [`${PLAIN}?page=1`, /query/],
    [`${PLAIN}?`, /query/],
    [`${PLAIN}#top`, /fragment/],
    [`${PLAIN}//`, /empty segment/],
    ["https://h//job/demo/main/web", /empty segment/],
    ["https://h/job//main/web", /empty segment/],
    ["https://h/job/demo/main/..", /\. or \.\./],
    ["https://h/job/demo/%2e%2E/web", /\. or \.\./],
    ["https://h/job/./main/web", /\. or \.\./],
    ["https://h/../job/demo/main/web", /\. or \.\./],
    [`${PLAIN} `, /white space/],
    [` ${PLAIN}`, /white space/],
    [`${PLAIN}\n`, /white space/],
    ["https://h/job/de\tmo/main/web", /white space/],
    ["https://h/job/de\0mo/main/web", /white space/],
    ["https://h/job/de\u00a0mo/main/web", /white space/],
    ["https://h/job\\demo/main/web", /backslash/],
    ["https://h/job/demo/main/w%0aeb", /control characters/],
    ["https://h/job/demo/main/w%zzeb", /percent-encoded/],
    ["https://h/job/demo/main/w%", /percent-encoded/],
    ["https://h/job/demo/main/w\u00e9b", /percent-encoded/],
    ['https://h/job/demo/main/"web"', /percent-encoded/],
    ["https://h", /\/job\/PROJECT\/JOBSET\/JOB/],
    ["https://h/job/demo/main", /\/job\/PROJECT\/JOBSET\/JOB/],
    ["https://h/jobset/demo/main/web", /\/job\/PROJECT\/JOBSET\/JOB/],
    ["https://h/j%6fb/demo/main/web", /\/job\/PROJECT\/JOBSET\/JOB/],
    [`${PLAIN}/all`, /\/job\/PROJECT\/JOBSET\/JOB/],
    [`${PLAIN}/latest/download`, /\/job\/PROJECT\/JOBSET\/JOB/],
    [`https://h/job/demo/main/${"x".repeat(5000)}`, /longer/],
  ];
  for (const [text, why] of rows) {
    const failure = refusal(text);
    assert.match(failure.why, why, JSON.stringify(text));
    assert.match(failure.next, /https:\/\/hydra\.example\.org\/job\//, JSON.stringify(text));
    assert(failure.message.length < 500, `too long: ${failure.message}`);
    assert.match(failure.message, /^[\x20-\x7e]*$/, "nothing in it can steer a terminal");
  }
});

Deno.test("job URI: a build lies on the Hydra of the job", () => {
  assert.equal(
    buildUri(parseJobUri("https://h.example/ci/job/demo/main/web"), 111),
    "https://h.example/ci/build/111",
  );
  for (const id of [0, -1, 1.5, NaN, Infinity, 2 ** 53]) {
    assert.throws(() => buildUri(parseJobUri(PLAIN), id), RangeError);
  }
});

Deno.test("job URI: another job keeps the origin, the base path and the selector", () => {
  fc.assert(fc.property(parts, segment, (all, other) => {
    const uri = parseJobUri(
      [all.origin, ...all.basePath, "job", all.project, all.jobset, all.job, all.selector || "latest"].join(
        "/",
      ),
    );
    const moved = withJob(uri, { project: uri.project, jobset: other, job: uri.job });
    assert.deepEqual(moved, parseJobUri(moved.text));
    assert.deepEqual({ ...moved, jobset: uri.jobset, text: uri.text }, uri);
    assert.equal(moved.jobset, other);
  }));
});

Deno.test("job URI: another job cannot lead out of its place in the path", () => {
  const uri = parseJobUri(PLAIN);
  for (
    const jobset of [
      "",
      ".",
      "..",
      "%2e%2e",
      "a/b",
      "a?b",
      "a#b",
      "a\\b",
      "a b",
      "a%0ab",
      "a%",
      "a@b",
      "\u00e9",
    ]
  ) {
    assert.throws(() => withJob(uri, { project: "demo", jobset, job: "web" }), Failure, jobset);
  }
});

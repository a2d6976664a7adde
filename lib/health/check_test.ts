import assert from "node:assert/strict";
import fc from "fast-check";
import { Failure } from "../failure/failure.ts";
import { parseHealthCheck } from "./check.ts";

const COMMON = { interval: 2_000, timeout: 10_000, threshold: 3, required: true };
const WELL = { from: 200, to: 299 };

function refusal(text: string): Failure {
  try {
    parseHealthCheck(text);
  } catch (error) {
    assert(error instanceof Failure && error.code === "usage", String(error));
    return error;
  }
  throw new assert.AssertionError({ message: `accepted: ${text}` });
}

Deno.test("health check: every kind is read, with its defaults", () => {
  const rows: [text: string, expected: object][] = [
    ["http http://127.0.0.1:8080/health", {
      kind: "http",
      name: "http http://127.0.0.1:8080/health",
      url: "http://127.0.0.1:8080/health",
      status: WELL,
      text: null,
    }],
    ["tcp 127.0.0.1:5432", { kind: "tcp", name: "tcp 127.0.0.1:5432", host: "127.0.0.1", port: 5432 }],
    ["tcp [::1]:80", { kind: "tcp", name: "tcp [::1]:80", host: "::1", port: 80 }],
    ["tcp db.example.org:1", { kind: "tcp", name: "tcp db.example.org:1", host: "db.example.org", port: 1 }],
    ["exec /bin/check", { kind: "exec", name: "exec /bin/check", program: "/bin/check", args: [] }],
    ["exec curl", { kind: "exec", name: "exec curl", program: "curl", args: [] }],
    ["unit web.service", { kind: "unit", name: "unit web.service", unit: "web.service" }],
    [" \t unit  getty@tty1.service \n", {
      kind: "unit",
      name: "unit getty@tty1.service",
      unit: "getty@tty1.service",
    }],
  ];
  for (const [text, expected] of rows) {
    assert.deepEqual(parseHealthCheck(text), { ...COMMON, ...expected }, text);
  }
});

Deno.test("health check: keys, quotes and 'advisory' are read", () => {
  assert.deepEqual(
    parseHealthCheck(
      'http https://127.0.0.1:8080/health?all=1 status=204 text="all is \\"well\\" \\\\" name="the web" ' +
        "interval=5 timeout=1m threshold=1 advisory",
    ),
    {
      kind: "http",
      name: "the web",
      url: "https://127.0.0.1:8080/health?all=1",
      status: { from: 204, to: 204 },
      text: 'all is "well" \\',
      interval: 5_000,
      timeout: 60_000,
      threshold: 1,
      required: false,
    },
  );
  const check = parseHealthCheck('exec "/bin/check --say \\"two words\\" -v=1" timeout=1s');
  assert(check.kind === "exec");
  assert.deepEqual([check.program, check.args, check.timeout], [
    "/bin/check",
    ["--say", "two words", "-v=1"],
    1_000,
  ]);
  const range = parseHealthCheck("http http://h/ status=3xx");
  assert(range.kind === "http");
  assert.deepEqual(range.status, { from: 300, to: 399 });
});

Deno.test("health check: the name of a check by HTTP has no query and no fragment", () => {
  const check = parseHealthCheck("http http://h/x?token=123#top");
  assert(check.kind === "http");
  assert.deepEqual([check.name, check.url], ["http http://h/x", "http://h/x?token=123"]);
});

Deno.test("health check: mistakes are refused with a hint", () => {
  const rows: [text: string, why: RegExp, next: RegExp][] = [
    ["", /empty/, /one of http, tcp, exec, unit/],
    ["   ", /empty/, /one of/],
    ["ping h", /kind of check/, /one of http, tcp, exec, unit/],
    ["tpc h:1", /kind of check/, /Did you mean tcp\?/],
    ["https://h/", /kind of check/, /with a blank: http URL/],
    ["http:http://h/", /kind of check/, /with a blank: http URL/],
    ["tcp:h:1", /kind of check/, /with a blank: tcp HOST:PORT/],
    ["tcp", /nothing to check/, /tcp HOST:PORT/],
    ["tcp h", /not HOST:PORT/, /127\.0\.0\.1:5432/],
    ["tcp h:", /not HOST:PORT/, /5432/],
    ["tcp ::1:80", /brackets/, /\[::1\]:5432/],
    ["tcp [::g]:80", /not HOST:PORT/, /\[::1\]/],
    ["tcp [::1::2]:80", /no address of IPv6/, /\[::1\]/],
    ["tcp h:0", /no such port/, /1 to 65535/],
    ["tcp h:65536", /no such port/, /1 to 65535/],
    ["http h/x", /http:\/\/ or https:\/\//, /127\.0\.0\.1:8080/],
    ["http ftp://h/x", /http:\/\/ or https:\/\//, /127\.0\.0\.1:8080/],
    ["http http://[::1/", /not a URL/, /127/],
    ["http http://h:99999/", /not a URL/, /127/],
    ["http http://h/ status=20x", /status=/, /status=2xx/],
    ["http http://h/ status=100", /200 to 599/, /status=204/],
    ["http http://h/ sttaus=200", /no 'sttaus='/, /Did you mean status=\?/],
    ["http http://h/ text=", /text= has no value/, /text=VALUE/],
    [`http http://h/ text=${"x".repeat(1_001)}`, /too long/, /1000/],
    ["http http://h/ text=all is well", /'is' is not expected/, /quote values/],
    ["http http://h/ text=a text=b", /twice/, /once/],
    ["tcp h:1 text=a", /no 'text=' in a check of kind tcp/, /tcp HOST:PORT/],
    ["tcp h:1 advsory", /'advsory' is not expected/, /Did you mean advisory\?/],
    ["tcp h:1 advisory advisory", /twice/, /once/],
    ["tcp h:1 __proto__=1", /no '__proto__='/, /tcp HOST:PORT/],
    ["tcp h:1 interval=soon", /interval= 'soon': it is not a duration/, /seconds/],
    ["tcp h:1 interval=0", /zero/, /at least 100ms/],
    ["tcp h:1 timeout=10m1m1m", /not a duration/, /Write it like/],
    ["tcp h:1 threshold=0", /threshold=/, /1 to 1000/],
    ["tcp h:1 threshold=1.5", /threshold=/, /1 to 1000/],
    ['tcp h:1 name="\u202ex"', /no name/, /100 characters/],
    [`tcp h:1 name=${"x".repeat(101)}`, /no name/, /100 characters/],
    ["exec /bin/check --flag", /'--flag' is not expected/, /exec "PROGRAM ARGUMENT\.\.\."/],
    ["exec /bin/check --flag=1", /no '--flag='/, /exec "PROGRAM ARGUMENT\.\.\."/],
    ["exec bin/check", /relative/, /absolute path/],
    ['exec ""', /names no program/, /absolute path/],
    ["unit web", /no type of unit/, /Did you mean web\.service\?/],
    ["unit *.service", /not the name of a unit/, /web\.service/],
    ["unit --all.service", /not the name of a unit/, /web\.service/],
    ['tcp "h:1', /not closed/, /Close it/],
    ['http http://h/ text="\\n"', /backslash/, /\\\\/],
    ["tcp h:1\u0000", /control character/, /quoting/],
    ['http http://h/ text="a\nb"', /control character/, /quoting/],
    ["tcp ".padEnd(4_097, "h"), /too long/, /4096/],
  ];
  for (const [text, why, next] of rows) {
    const failure = refusal(text);
    assert.match(failure.why, why, text);
    assert.match(failure.next, next, text);
    assert(failure.message.startsWith("health check '") && failure.message.length < 300, failure.message);
  }
});

Deno.test("health check: no password of a URL gets into a message", () => {
  const texts = [
    "http http://bob:s3cret@h/",
    "http http://s3cret@h/",
    "http http://bob:s3@cret@h/ status=x",
    'http "http://bob:my s3cret@h/" status=x',
    "http bob:s3cret@h",
    "http https:/bob:s3cret@h",
    "http://bob:s3cret@h/",
    "http http://h/?token=s3cret status=x",
    `http http://bob:${"s3cret".repeat(700)}@h/`,
  ];
  for (const text of texts) {
    const { message, next } = refusal(text);
    assert.doesNotMatch(message + next, /s3cret|s3/, text);
  }
  assert.match(refusal("http http://bob:s3cret@h/").why, /which others could read/);
});

Deno.test("health check: any text gives plain data or is wrong use", () => {
  const part = fc.constantFrom(
    ...[
      "http",
      "tcp",
      "exec",
      "unit",
      "http://h/",
      "https://u:p@[::1]:80/?q",
      "h:1",
      "[::1]:2",
      "/bin/x",
      "a.service",
    ],
    ...[
      "status=",
      "text=",
      "name=",
      "interval=",
      "timeout=",
      "threshold=",
      "advisory",
      "200",
      "2xx",
      "1s",
      "3",
    ],
    ...[" ", " ", "\t", "\n", '"', "\\", "=", "@", "\u0000", "\u202e", "\ud800"],
  );
  const likely = fc.array(fc.oneof({ weight: 5, arbitrary: part }, fc.string({ maxLength: 4 })), {
    maxLength: 12,
  })
    .map((parts) => parts.join(""));
  fc.assert(
    fc.property(fc.oneof(likely, fc.string()), (text) => {
      let check;
      try {
        check = parseHealthCheck(text);
      } catch (error) {
        assert(error instanceof Failure && error.code === "usage", String(error));
        assert(error.message.length < 400);
        assert.match(error.message, /^[\x20-\x7e]+$/);
        return;
      }
      assert.deepEqual(JSON.parse(JSON.stringify(check)), check);
      assert(check.name !== "" && check.name.length <= 100);
    }),
    { numRuns: 2_000 },
  );
});

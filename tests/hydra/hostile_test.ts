/**
 * The client against servers that mean harm, or are broken: each ends in a typed failure, in bounded time and memory.
 */
import assert from "node:assert/strict";
import type { Hydra } from "../../lib/deployment/ports.ts";
import type { FailureCode } from "../../lib/failure/failure.ts";
import { VirtualClock } from "../../lib/time/virtual_clock.ts";
import {
  answerOf,
  assertKeepsSecrets,
  build,
  buildWith,
  builtAt,
  CREDENTIALS,
  jsonOf,
  latest,
  OUT,
  redirectTo,
  saying,
} from "../support/hydra_answers.ts";
import { assertFails, failureOf, JOB, NEVER, startClient } from "../support/hydra_client.ts";
import { latin1, type RawAnswer, type RawHandler, startRawServer } from "../support/raw_server.ts";

/** How long a request may take that is never answered in whole, in milliseconds. */
const SHORT_TIMEOUT = 250;

/** How long the others may take: no machine is too busy for them. */
const LONG_TIMEOUT = 10_000;

/** Well above a handful of requests, well below a test that hangs; in milliseconds. */
const BOUND = 9000;

async function endless(answer: RawAnswer, start: string, piece: string): Promise<void> {
  await answer.write(start);
  const bytes = latin1(piece.repeat(Math.ceil(65536 / piece.length)));
  for (;;) await answer.write(bytes);
}

async function gzip(size: number): Promise<Uint8Array> {
  const zeros = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      for (let left = size; left > 0; left -= 1 << 20) controller.enqueue(new Uint8Array(1 << 20).fill(0x20));
      controller.close();
    },
  });
  return new Uint8Array(await new Response(zeros.pipeThrough(new CompressionStream("gzip"))).arrayBuffer());
}

interface Hostile {
  readonly title: string;
  readonly ask: (hydra: Hydra) => Promise<unknown>;
  /** What it answers: text as it is, or a conversation. */
  readonly answers: string | RawHandler;
  readonly code: FailureCode;
  readonly says: RegExp;
}

const TIME_LIMIT = /no complete answer within 0\.25 s/;
const NOT_HTTP = /its answer is not valid HTTP/;
const CUT = /the connection was cut/;

const HOSTILE: readonly Hostile[] = [
  // Time.
  {
    title: "no answer at all",
    ask: latest,
    answers: () => {},
    code: "hydra-timeout",
    says: TIME_LIMIT,
  },
  {
    title: "headers that come a byte at a time",
    ask: latest,
    answers: async (_request, answer) => {
      for (const byte of redirectTo("/build/7")) {
        await answer.write(byte);
        await answer.pause(50);
      }
    },
    code: "hydra-timeout",
    says: TIME_LIMIT,
  },
  {
    title: "a body that comes a byte at a time",
    ask: build,
    answers: async (_request, answer) => {
      await answer.write(answerOf(200, ["Content-Type: application/json", "Content-Length: 100"], ""));
      for (;;) {
        await answer.write("{");
        await answer.pause(50);
      }
    },
    code: "hydra-timeout",
    says: TIME_LIMIT,
  },
  {
    title: "interim answers without an end",
    ask: latest,
    answers: (_request, answer) => endless(answer, "", "HTTP/1.1 100 Continue\r\n\r\n"),
    code: "hydra-timeout",
    says: TIME_LIMIT,
  },
  // Size.
  {
    title: "headers without an end",
    ask: latest,
    answers: (_request, answer) =>
      endless(answer, "HTTP/1.1 302 Found\r\n", `X-Filler: ${"x".repeat(900)}\r\n`),
    code: "hydra-unreachable",
    says: NOT_HTTP,
  },
  {
    title: "one header without an end",
    ask: latest,
    answers: (_request, answer) => endless(answer, "HTTP/1.1 302 Found\r\nLocation: /", "x"),
    code: "hydra-unreachable",
    says: NOT_HTTP,
  },
  {
    title: "a body without an end",
    ask: build,
    answers: (_request, answer) =>
      endless(answer, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n", " "),
    code: "hydra-unusable",
    says: /its answer is longer than 1024 KiB$/,
  },
  {
    title: "a body in chunks without an end",
    ask: build,
    answers: (_request, answer) =>
      endless(
        answer,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
        `400\r\n${" ".repeat(1024)}\r\n`,
      ),
    code: "hydra-unusable",
    says: /its answer is longer than 1024 KiB$/,
  },
  {
    title: "an error without an end",
    ask: build,
    answers: (_request, answer) => endless(answer, "HTTP/1.1 500 Oops\r\n\r\n", '{"error":"x'),
    code: "hydra-failed",
    says: /fails with 500$/,
  },
  {
    title: "a redirect page without an end",
    ask: build,
    answers: (_request, answer) => endless(answer, "HTTP/1.1 302 Found\r\nLocation: /login\r\n\r\n", "<p>"),
    code: "hydra-unusable",
    says: /redirects \(302\) to \/login, where there is no build$/,
  },
  {
    title: "a small body that unpacks to 64 MiB",
    ask: build,
    answers: async (_request, answer) => {
      const bomb = await gzip(64 << 20);
      assert.ok(bomb.length < 1 << 17);
      const headers = [
        "Content-Type: application/json",
        "Content-Encoding: gzip",
        `Content-Length: ${bomb.length}`,
      ];
      await answer.write(answerOf(200, headers, ""));
      await answer.write(bomb);
    },
    code: "hydra-unusable",
    says: /its answer is longer than 1024 KiB$/,
  },
  // Not HTTP.
  {
    title: "a greeting of another protocol",
    ask: latest,
    answers: "220 mail.invalid ESMTP\r\n\r\n",
    code: "hydra-unreachable",
    says: NOT_HTTP,
  },
  {
    title: "a length that is no number",
    ask: build,
    answers: answerOf(200, ["Content-Type: application/json", "Content-Length: many"], "{}"),
    code: "hydra-unreachable",
    says: NOT_HTTP,
  },
  {
    title: "two lengths that differ",
    ask: build,
    answers: answerOf(
      200,
      ["Content-Type: application/json", "Content-Length: 5", "Content-Length: 7"],
      "{}",
    ),
    code: "hydra-unreachable",
    says: NOT_HTTP,
  },
  {
    title: "a length that is too long",
    ask: build,
    answers: (_request, answer) => {
      const headers = ["Content-Type: application/json", "Content-Length: 1000"];
      return answer.write(answerOf(200, headers, "{}")).then(() => answer.close());
    },
    code: "hydra-unreachable",
    says: CUT,
  },
  {
    title: "a length that is too short",
    ask: build,
    answers: answerOf(200, ["Content-Type: application/json", "Content-Length: 5"], '{"id":7,"finished":1}'),
    code: "hydra-unusable",
    says: /its answer is not valid JSON$/,
  },
  {
    title: "a body that says gzip and is not",
    ask: build,
    answers: answerOf(
      200,
      ["Content-Type: application/json", "Content-Encoding: gzip"],
      "not at all compressed",
    ),
    code: "hydra-unreachable",
    says: /cannot be unpacked|the connection was cut/,
  },
  // Cut.
  {
    title: "a connection that is closed without an answer",
    ask: latest,
    answers: (_request, answer) => answer.close(),
    code: "hydra-unreachable",
    says: CUT,
  },
  {
    title: "a connection that is cut in the headers",
    ask: latest,
    answers: (_request, answer) =>
      answer.write("HTTP/1.1 302 Found\r\nLocation: /build/7").then(() => answer.close()),
    code: "hydra-unreachable",
    says: CUT,
  },
  {
    title: "a connection that is cut in the body",
    ask: build,
    answers: async (_request, answer) => {
      await answer.write(
        answerOf(200, ["Content-Type: application/json", "Content-Length: 100"], '{"id":7,'),
      );
      await answer.pause(20);
      answer.close();
    },
    code: "hydra-unreachable",
    says: CUT,
  },
  // Redirects.
  {
    title: "a login page in place of a redirect",
    ask: latest,
    answers: answerOf(200, ["Content-Type: text/html"], "<form action=/login>"),
    code: "hydra-unusable",
    says: /it answers 200, which Hydra does not for a job$/,
  },
  {
    title: "a redirect to a login page",
    ask: latest,
    answers: redirectTo("https://user:secret@sso.invalid/login?back=%2Fjob&token=abc"),
    code: "hydra-unusable",
    says: /redirects \(302\) to https:\/\/\*\*\*@sso\.invalid\/login\?\*\*\*, where there is no job$/,
  },
  {
    title: "a redirect to nowhere",
    ask: latest,
    answers: answerOf(302, [], ""),
    code: "hydra-unusable",
    says: /redirects \(302\) to nowhere/,
  },
  {
    title: "a redirect to the same job",
    ask: latest,
    answers: redirectTo(JOB),
    code: "hydra-unusable",
    says: /which is the same job at this or another origin$/,
  },
  {
    title: "a redirect from http to https at the same host",
    ask: latest,
    answers: redirectTo(`https://127.0.0.1${JOB}`),
    code: "hydra-unusable",
    says: /redirects to https:\/\/127\.0\.0\.1\/job\/demo\/main\/web\/latest, which is the same job/,
  },
  {
    title: "jobs that are renamed in a circle",
    ask: latest,
    answers: ({ target }, answer) =>
      answer.write(redirectTo(`/job/demo/${target.includes("/a/") ? "b" : "a"}/web/latest`)),
    code: "hydra-unusable",
    says: /from job to job without an end \(given up after 3\)$/,
  },
  {
    title: "jobs that are renamed without an end",
    ask: latest,
    answers: ({ target }, answer) => answer.write(redirectTo(target.replace("/web", "x/web"))),
    code: "hydra-unusable",
    says: /from job to job without an end \(given up after 4\)$/,
  },
  {
    title: "a redirect with control characters",
    ask: latest,
    answers: redirectTo("/nowhere\t\x9b31m\xad"),
    code: "hydra-unusable",
    says: /redirects \(302\) to \/nowhere/,
  },
  ...[
    "/build/1e99",
    "/build/-7",
    "/build/0",
    "/build/007",
    "/build/9007199254740993",
    "/build/7.5",
    "/build/",
    "/build/7/",
    "/build/%37",
    "/rebuild/7",
    "/build/7%00",
    "/build/7;--option",
  ].map((location): Hostile => ({
    title: `a redirect to ${location}`,
    ask: latest,
    answers: redirectTo(location),
    code: "hydra-unusable",
    says: /redirects \(302\) to \/.*, where there is no job$/,
  })),
  ...[
    "/job/demo/../web/latest",
    "/job/demo/%2e%2e/web/latest",
    "/job/demo/a%00b/web/latest",
    "/job/demo/a b/web/latest",
    "/job/demo//web/latest",
    "/job/demo/x/web/restart",
    "/job/demo/x/latest",
  ].map((location): Hostile => ({
    title: `a renaming to ${location}`,
    ask: latest,
    answers: redirectTo(location),
    code: "hydra-unusable",
    says: /redirects \(302\) to \/job\/.*, where there is no job$/,
  })),
  {
    title: "a redirect in place of a build",
    ask: build,
    answers: redirectTo("/build/8"),
    code: "hydra-unusable",
    says: /redirects \(302\) to \/build\/8, where there is no build$/,
  },
  // Statuses.
  {
    title: "neither HEAD nor GET allowed",
    ask: latest,
    answers: answerOf(405, [], ""),
    code: "hydra-unusable",
    says: /does not allow GET$/,
  },
  {
    title: "a bad request",
    ask: latest,
    answers: answerOf(400, [], ""),
    code: "hydra-unusable",
    says: /answers 400/,
  },
  {
    title: "a status that does not exist",
    ask: latest,
    answers: answerOf(999, [], ""),
    code: "hydra-unusable",
    says: /answers 999/,
  },
  {
    title: "a switch to another protocol",
    ask: latest,
    answers: "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    code: "hydra-unusable",
    says: /answers 101/,
  },
  {
    title: "words with escape sequences and line ends",
    ask: build,
    answers: saying(404, `gone\u001b[31m\r\n<3>forged ${"x".repeat(10_000)}`),
    code: "hydra-no-build",
    says: /there is no such build and says: gone *<3>forged x+\.\.\.$/,
  },
  {
    title: "words that are no text",
    ask: build,
    answers: saying(404, { toString: "x" }),
    code: "hydra-no-build",
    says: /there is no such build \(404\)$/,
  },
  // Documents.
  {
    title: "HTML in place of a build",
    ask: build,
    answers: answerOf(200, ["Content-Type: text/html; charset=utf-8"], "<html>"),
    code: "hydra-unusable",
    says: /answers with 'text\/html; charset=utf-8' in place of JSON$/,
  },
  {
    title: "a build without a type",
    ask: build,
    answers: answerOf(200, [], "{}"),
    code: "hydra-unusable",
    says: /answers with an answer without a type in place of JSON$/,
  },
  ...["", "nonsense", "{", '{"id":7', "\xff\xfe", '{"id":7}\0'].map((body): Hostile => ({
    title: `a build that is ${JSON.stringify(body)}`,
    ask: build,
    answers: jsonOf(body),
    code: "hydra-unusable",
    says: /its answer is not valid JSON$/,
  })),
  ...["null", "[]", "7", '"7"', "{}"].map((body): Hostile => ({
    title: `a build that is ${body}`,
    ask: build,
    answers: jsonOf(body),
    code: "hydra-unusable",
    says: /its answer is not Hydra's JSON about a build/,
  })),
  {
    title: "a build as deep as its limit allows",
    ask: build,
    answers: jsonOf("[".repeat(1 << 19)),
    code: "hydra-unusable",
    says: /its answer is not valid JSON$/,
  },
  {
    title: "a build with a field as deep as its limit allows",
    ask: build,
    answers: jsonOf(`{"id":8,"finished":1,"x":${"[".repeat(500_000)}${"]".repeat(500_000)}}`),
    code: "hydra-unusable",
    says: /it was asked for build 7 and answers with build 8$/,
  },
  {
    title: "a build with outputs as many as its limit allows",
    ask: build,
    answers: buildWith({
      buildoutputs: Object.fromEntries(Array.from({ length: 40_000 }, (_, i) => [`o${i}\n`, { path: null }])),
    }),
    code: "hydra-unusable",
    says: /has no output 'out', only o0 , o1 , .*, and 39992 more$/,
  },
  {
    title: "a build with another id",
    ask: build,
    answers: buildWith({ id: 8 }),
    code: "hydra-unusable",
    says: /asked for build 7 and answers with build 8$/,
  },
  ...['"7"', "1e99", "-7", "7.5", "null", "[7]"].map((id): Hostile => ({
    title: `a build with the id ${id}`,
    ask: build,
    answers: jsonOf(`{"id":${id},"finished":1,"buildstatus":0,"buildoutputs":{"out":{"path":"${OUT}"}}}`),
    code: "hydra-unusable",
    says: /answers with build -?[0-9.e+]+$|'id' is missing or has the wrong type$/,
  })),
  ...[0, 2, -1, 1.5].map((finished): Hostile => ({
    title: `a build with finished ${finished}`,
    ask: build,
    answers: buildWith({ finished }),
    code: "hydra-unusable",
    says: /build 7 is not finished \(restarted\?\)$/,
  })),
  ...[true, "1", null, {}].map((finished): Hostile => ({
    title: `a build with finished ${JSON.stringify(finished)}`,
    ask: build,
    answers: buildWith({ finished }),
    code: "hydra-unusable",
    says: /'finished' is missing or has the wrong type$/,
  })),
  ...[null, undefined, 5, -1, 0.5, 1e99].map((buildstatus): Hostile => ({
    title: `a build with the status ${buildstatus}`,
    ask: build,
    answers: buildWith({ buildstatus }),
    code: "hydra-unusable",
    says: /build 7 (did not succeed \(build status .*\)|is finished and has no build status)$/,
  })),
  {
    title: "a build without outputs",
    ask: build,
    answers: buildWith({ buildoutputs: {} }),
    code: "hydra-unusable",
    says: /has no output 'out', nor any other$/,
  },
  {
    title: "a build whose out is inherited",
    ask: build,
    answers: jsonOf(
      `{"id":7,"finished":1,"buildstatus":0,"buildoutputs":{"__proto__":{"out":{"path":"${OUT}"}}}}`,
    ),
    code: "hydra-unusable",
    says: /has no output 'out'|'buildoutputs' is missing or has the wrong type/,
  },
  ...[
    "--option",
    "-r",
    "",
    "/nix/store/../etc",
    "/nix/store/",
    "/nix/store",
    "nix/store/b8n8y8c4pbb6p0fr4c3hvqv33jz8r6ij-web",
    `${OUT}\n`,
    `${OUT}\0`,
    ` ${OUT}`,
    `${OUT}/bin/activate`,
    `${OUT}/../../../etc`,
    `${OUT}.drv`,
    `${OUT} --option`,
    `${OUT}\n/nix/store/b8n8y8c4pbb6p0fr4c3hvqv33jz8r6ij-web`,
    `/nix/store/${"e".repeat(32)}-web`,
    "/nix/store/b8n8y8c4pbb6p0fr4c3hvqv33jz8r6ij-.links",
    `${OUT}${"x".repeat(300)}`,
    `${OUT}!out`,
    `/other${OUT}`,
    "$(reboot)",
  ].map((path): Hostile => ({
    title: `the out path ${JSON.stringify(path).slice(0, 80)}`,
    ask: build,
    answers: builtAt(path),
    code: "hydra-unusable",
    says: /the output 'out' of build 7 is not a store path in \/nix\/store:/,
  })),
  {
    title: "an out path that is no text",
    ask: build,
    answers: builtAt(["/nix/store"]),
    code: "hydra-unusable",
    says: /'buildoutputs' is missing or has the wrong type$/,
  },
];

for (const { title, ask, answers, code, says } of HOSTILE) {
  Deno.test(`hostile: ${title}: ${code}`, async () => {
    await using server = startRawServer(
      typeof answers === "string" ? (_request, answer) => answer.write(latin1(answers)) : answers,
    );
    const requestTimeout = code === "hydra-timeout" ? SHORT_TIMEOUT : LONG_TIMEOUT;
    using client = startClient(server.origin, { credentials: CREDENTIALS, requestTimeout });
    const start = performance.now();
    const failure = await assertFails(ask(client.hydra), code, says);
    assert.ok(performance.now() - start < BOUND, `took ${performance.now() - start} ms`);
    assertKeepsSecrets(failure, client.events);
  });
}

Deno.test("hostile: a body that comes byte by byte takes no more memory than another one", async () => {
  const used = () => {
    const { heapUsed, external } = Deno.memoryUsage();
    return heapUsed + external;
  };
  let more = 0;
  await using server = startRawServer(async (_request, answer) => {
    const before = used();
    await answer.write(answerOf(200, ["Content-Type: application/json", "Transfer-Encoding: chunked"], ""));
    for (let count = 0; count < 5_000; count++) await answer.write("1\r\n \r\n");
    // What was sent is read meanwhile.
    for (let rest = 0; rest < 20; rest++) await answer.pause(5);
    more = used() - before;
    const body = buildWith({}).split("\r\n\r\n")[1] ?? "";
    await answer.write(`${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`);
  });
  using client = startClient(server.origin);
  assert.equal((await client.hydra.build(7, NEVER)).outPath, OUT);
  assert.ok(more < 100_000_000, `${more} bytes more`);
});

Deno.test("hostile: after each kind of trouble the next poll works", async () => {
  const troubles: RawHandler[] = [
    (_request, answer) => answer.write("nonsense\r\n\r\n"),
    (_request, answer) => answer.close(),
    () => {},
    (_request, answer) => answer.write(answerOf(503, ["Retry-After: 3"], "{}")),
  ];
  let trouble: RawHandler | undefined;
  await using server = startRawServer((request, answer) =>
    trouble === undefined ? answer.write(redirectTo("/build/7")) : trouble(request, answer)
  );
  const clock = new VirtualClock();
  using client = startClient(server.origin, { requestTimeout: 1000, clock });
  for (trouble of troubles) {
    const { retryAfter } = await failureOf(client.hydra.latest(NEVER));
    await clock.advance(retryAfter ?? 0);
    trouble = undefined;
    assert.equal(await client.hydra.latest(NEVER), 7);
  }
});

/** What the gate `jobset` asks, of a real Hydra's captured answers and of servers that mean harm. */
import assert from "node:assert/strict";
import type { BuildsSummary, Evaluations } from "../../lib/gates/evaluations.ts";
import type { FailureCode } from "../../lib/failure/failure.ts";
import { VirtualClock } from "../../lib/time/virtual_clock.ts";
import { assertFails, NEVER, startClient, startConnections } from "../support/hydra_client.ts";
import { latin1, type RawHandler, startRawServer } from "../support/raw_server.ts";
import { startReplay } from "../support/replay.ts";

const JSON_HEAD = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";

function json(value: unknown): string {
  const body = JSON.stringify(value);
  return `${JSON_HEAD}Content-Length: ${body.length}\r\n\r\n${body}`;
}

function status(code: number, ...headers: string[]): string {
  return [`HTTP/1.1 ${code} Whatever`, ...headers, "Content-Length: 0", "", ""].join("\r\n");
}

function counts(builds: BuildsSummary | null) {
  return builds === null ? null : [builds.builds, builds.unfinished, builds.failed, ...builds.failedJobs];
}

Deno.test("evaluations: what the builds of real evaluations came to", async () => {
  const evaluations = [11, 12, 13, 14, 15, 16, 17, 18, 999];
  await using server = await startReplay(...evaluations.map((id) => `eval-${id}-builds-json`));
  using client = startClient(server.origin);
  const found = new Map<number, ReturnType<typeof counts>>();
  for (const id of evaluations) found.set(id, counts(await client.hydra.evaluations.buildsOf(id, NEVER)));
  assert.deepEqual([...found], [
    [11, [5, 0, 0]],
    [12, [5, 0, 2, "web", "release"]],
    [13, [5, 0, 2, "api", "release"]],
    [14, [5, 2, 0]],
    [15, [10, 0, 5, "web", "api", "release"]],
    [16, [0, 0, 0]],
    [17, [3, 0, 0]],
    [18, [1, 1, 0]],
    [999, null],
  ]);
  assert.equal(server.requests.length, evaluations.length);
});

Deno.test("evaluations: the constituents of real aggregates", async () => {
  await using server = await startReplay(
    "build-aggregate-constituents-json",
    "build-aggregate-failed-constituents-json",
    "build-ok-constituents-json",
  );
  using client = startClient(server.origin);
  const { evaluations } = client.hydra;
  const good = await evaluations.constituentsOf(105, NEVER);
  assert.deepEqual(counts(good), [3, 0, 0]);
  assert.deepEqual([101, 102, 103, 104, 105, 111].map((id) => good?.includes(id)), [
    ...[true, true, true, false, false, false],
  ]);
  assert.deepEqual(counts(await evaluations.constituentsOf(116, NEVER)), [3, 0, 2, "api", "web"]);
  assert.deepEqual(counts(await evaluations.constituentsOf(111, NEVER)), [0, 0, 0]);
});

Deno.test("evaluations: the newest finished evaluation of real jobsets", async () => {
  const jobsets = ["main", "good", "broken", "pending", "empty", "nosuch"];
  await using server = await startReplay(...jobsets.map((name) => `jobset-${name}-latest-eval-json`));
  const found: (number | null)[] = [];
  for (const name of jobsets) {
    using client = startClient(server.origin, { path: `/job/demo/${name}/web` });
    found.push(await client.hydra.evaluations.newestFinished(NEVER));
  }
  assert.deepEqual(found, [15, 17, null, null, null, null]);
});

Deno.test("evaluations: a renamed jobset is asked under its new name once a poll has found it", async () => {
  await using server = startRawServer(({ target }, answer) =>
    answer.write(
      target.includes("/new/")
        ? status(302, target.includes("latest-eval") ? "Location: /eval/3?name=x" : "Location: /build/7")
        : status(301, `Location: ${target.replace("/main/", "/new/")}`),
    )
  );
  using client = startClient(server.origin);
  const { hydra } = client;
  await assertFails(hydra.evaluations.newestFinished(NEVER), "hydra-unusable", /where there is no jobset$/);
  assert.equal(await hydra.evaluations.latestFinished(NEVER), 7);
  await hydra.latest(NEVER);
  assert.equal(await hydra.evaluations.newestFinished(NEVER), 3);
  assert.equal(await hydra.evaluations.latestOf("api", NEVER), 7);
  assert.deepEqual(server.requests.slice(-2).map(({ target }) => target), [
    "/jobset/demo/new/latest-eval",
    "/job/demo/new/api/latest",
  ]);
  assert.equal(client.events.length, 1);
});

Deno.test("evaluations: the latest builds, and the build of a job in an evaluation", async () => {
  await using server = await startReplay(
    ...["latest-finished-newestfailed-json", "latest-finished-onlyqueued-json", "latest-release-json"],
    ...[
      "latest-nojob-json",
      "eval-15-job-web",
      "eval-15-job-nosuch",
      "build-multi-json",
      "build-queued-json",
    ],
  );
  using client = startClient(server.origin);
  const { evaluations } = client.hydra;
  assert.equal(await evaluations.latestFinished(NEVER), 108);
  assert.equal(await evaluations.latestOf("release", NEVER), 105);
  assert.equal(await evaluations.latestOf("nosuch", NEVER), null);
  assert.equal(await evaluations.buildIn(15, "web", NEVER), 114);
  assert.equal(await evaluations.buildIn(15, "nosuch", NEVER), null);
  assert.deepEqual(await evaluations.build(103, NEVER), {
    id: 103,
    finished: true,
    succeeded: true,
    evaluations: [15, 14, 13, 12, 11],
  });
});

Deno.test("evaluations: the errors of a real jobset", async () => {
  await using server = await startReplay("jobset-main-errors-json");
  using client = startClient(server.origin);
  assert.match(
    await client.hydra.evaluations.evaluationErrors(NEVER) ?? "",
    /^in job \u2018docs\u2019: error: attribute 'docs' missing$/,
  );
});

Deno.test("evaluations: names of jobs are percent-encoded, and what cannot be one is never sent", async () => {
  await using server = startRawServer((_request, answer) => answer.write(status(302, "Location: /build/7")));
  using client = startClient(server.origin);
  const { evaluations } = client.hydra;
  for (const name of ["a/b", "a%2fb", "../x", "a b?c#d", "\u00e9", "web.x86_64-linux"]) {
    await evaluations.latestOf(name, NEVER);
    await evaluations.buildIn(3, name, NEVER);
  }
  const names = ["a%2Fb", "a%252fb", "..%2Fx", "a%20b%3Fc%23d", "%C3%A9", "web.x86_64-linux"];
  assert.deepEqual(
    server.requests.map(({ target }) => target),
    names.flatMap((name) => [`/job/demo/main/${name}/latest`, `/eval/3/job/${name}`]),
  );
  for (const name of ["", ".", "..", "a\nb", "\ud800"]) {
    await assert.rejects(evaluations.latestOf(name, NEVER), RangeError, JSON.stringify(name));
    await assert.rejects(evaluations.buildIn(3, name, NEVER), RangeError, JSON.stringify(name));
  }
  for (const id of [0, -1, 1.5, NaN, 2 ** 53]) {
    await assert.rejects(evaluations.build(id, NEVER), RangeError);
    await assert.rejects(evaluations.buildsOf(id, NEVER), RangeError);
    await assert.rejects(evaluations.constituentsOf(id, NEVER), RangeError);
    await assert.rejects(evaluations.buildIn(id, "web", NEVER), RangeError);
  }
  assert.equal(server.requests.length, 12);
});

Deno.test("evaluations: 20,000 builds are read", async () => {
  const encoder = new TextEncoder();
  const products = JSON.stringify(Array.from({ length: 4 }, () => ({ path: "p".repeat(200), name: '[}"' })));
  await using server = startRawServer(async (_request, answer) => {
    await answer.write(`${JSON_HEAD}Connection: close\r\n\r\n[`);
    for (let id = 1; id <= 20_000; id += 100) {
      const builds = Array.from(
        { length: 100 },
        (_, index) =>
          `{"id":${id + index},"job":"job${index}","finished":1,"buildstatus":0,"buildproducts":${products}}`,
      );
      await answer.write(encoder.encode(`${id === 1 ? "" : ","}${builds.join(",")}`));
    }
    await answer.write("]");
    answer.close();
  });
  using client = startClient(server.origin, { requestTimeout: 20_000 });
  const builds = await client.hydra.evaluations.buildsOf(3, NEVER);
  assert.deepEqual(counts(builds), [20_000, 0, 0]);
  assert.ok(builds?.includes(20_000) && !builds.includes(20_001));
});

Deno.test("evaluations: services that ask the same heavy question within a minute share one request", async () => {
  await using server = await startReplay("eval-17-builds-json");
  const clock = new VirtualClock();
  const connections = startConnections(clock);
  const clients = ["web", "api", "docs"].map((job) =>
    startClient(server.origin, { path: `/job/demo/good/${job}`, connections })
  );
  const ask = () => Promise.all(clients.map(({ hydra }) => hydra.evaluations.buildsOf(17, NEVER)));
  for (const builds of await ask()) assert.deepEqual(counts(builds), [3, 0, 0]);
  assert.equal(server.requests.length, 1);
  await clock.advance(60_000);
  await ask();
  assert.equal(server.requests.length, 2);
  for (const client of clients) client[Symbol.dispose]();
});

Deno.test("evaluations: a heavy request that fails is not repeated at once, and may take five times as long", async () => {
  await using server = startRawServer(() => {});
  using client = startClient(server.origin, { requestTimeout: 100 });
  const { evaluations } = client.hydra;
  await assertFails(evaluations.buildsOf(3, NEVER), "hydra-timeout", /no complete answer within 0\.5 s$/);
  await assertFails(evaluations.buildsOf(3, NEVER), "hydra-timeout", /no complete answer within 0\.5 s$/);
  assert.equal(server.requests.length, 1);
});

Deno.test("evaluations: a heavy request that hangs does not hold up a poll", async () => {
  await using server = startRawServer(({ target }, answer) =>
    target.startsWith("/job/") ? answer.write(status(302, "Location: /build/7")) : undefined
  );
  using client = startClient(server.origin, { requestTimeout: 20_000 });
  await client.hydra.latest(NEVER);
  const stop = new AbortController();
  const hanging = client.hydra.evaluations.buildsOf(3, stop.signal).catch((error: unknown) => error);
  const next = client.hydra.evaluations.buildsOf(4, stop.signal).catch((error: unknown) => error);
  const start = performance.now();
  for (let poll = 0; poll < 10; poll++) await client.hydra.latest(NEVER);
  assert.ok(performance.now() - start < 2_000);
  stop.abort("over");
  assert.deepEqual([await hanging, await next], ["over", "over"]);
  assert.equal(server.requests.length, 12, "the second heavy one was not sent");
});

interface Hostile {
  readonly title: string;
  readonly ask: (evaluations: Evaluations) => Promise<unknown>;
  readonly answers: string | RawHandler;
  readonly code: FailureCode;
  readonly says: RegExp;
}

const builds = (evaluations: Evaluations) => evaluations.buildsOf(3, NEVER);
const build = (evaluations: Evaluations) => evaluations.build(7, NEVER);
const newest = (evaluations: Evaluations) => evaluations.newestFinished(NEVER);
const member = (evaluations: Evaluations) => evaluations.buildIn(3, "web", NEVER);
const aggregate = (evaluations: Evaluations) => evaluations.latestOf("release", NEVER);
const errors = (evaluations: Evaluations) => evaluations.evaluationErrors(NEVER);

const NO_LIST = /not Hydra's JSON about a list of builds$/;
const LISTED = { id: 1, job: "web", finished: 1, buildstatus: 0 };

/** Bytes without an end, at most a gigabyte. */
function endless(start: string, piece: string): RawHandler {
  return async (_request, answer) => {
    await answer.write(`${JSON_HEAD}Connection: close\r\n\r\n${start}`);
    const bytes = latin1(piece.repeat(Math.ceil(262_144 / piece.length)));
    for (let sent = 0; sent < 1 << 30; sent += bytes.length) await answer.write(bytes);
  };
}

const HOSTILE: readonly Hostile[] = [
  {
    title: "a gigabyte of blanks for builds",
    ask: builds,
    answers: endless("[", " "),
    code: "hydra-unusable",
    says: /longer than 65536 KiB$/,
  },
  {
    title: "a gigabyte of builds",
    ask: builds,
    answers: endless("[", `${JSON.stringify({ ...LISTED, drvpath: "x".repeat(900) })},`),
    code: "hydra-unusable",
    says: /longer than 65536 KiB$/,
  },
  {
    title: "a gigabyte of small builds",
    ask: builds,
    answers: endless("[", `${JSON.stringify(LISTED)},`),
    code: "hydra-unusable",
    says: /names more than 100000 builds$/,
  },
  {
    title: "one build of a gigabyte",
    ask: builds,
    answers: endless('[{"id":1,"x":"', "x"),
    code: "hydra-unusable",
    says: NO_LIST,
  },
  {
    title: "a gigabyte of brackets",
    ask: builds,
    answers: endless('[{"x":', "["),
    code: "hydra-unusable",
    says: NO_LIST,
  },
  {
    title: "a gigabyte of errors",
    ask: errors,
    answers: endless('{"errormsg":"', "x"),
    code: "hydra-unusable",
    says: /longer than 4096 KiB$/,
  },
  {
    title: "a gigabyte of evaluations",
    ask: build,
    answers: endless('{"id":7,"jobsetevals":[', "1,"),
    code: "hydra-unusable",
    says: /longer than 1024 KiB$/,
  },
  ...[{}, [1], [[LISTED]], [{ ...LISTED, id: "1" }], [{ ...LISTED, id: 2 ** 53 }], "x", null].map((
    value,
  ): Hostile => ({
    title: `${JSON.stringify(value)} for builds`,
    ask: builds,
    answers: json(value),
    code: "hydra-unusable",
    says: NO_LIST,
  })),
  ...[{}, [], { id: 8, finished: 1, jobsetevals: [] }, { id: 7, finished: 1, jobsetevals: [1.5] }].map((
    value,
  ): Hostile => ({
    title: `${JSON.stringify(value)} for a build`,
    ask: build,
    answers: json(value),
    code: "hydra-unusable",
    says: /not Hydra's JSON about build 7$/,
  })),
  ...[{}, [], { name: "main", errormsg: [] }].map((value): Hostile => ({
    title: `${JSON.stringify(value)} for a jobset`,
    ask: errors,
    answers: json(value),
    code: "hydra-unusable",
    says: /not Hydra's JSON about a jobset$/,
  })),
  ...([
    [builds, "evaluation"],
    [build, "build"],
    [errors, "jobset"],
    [newest, "jobset"],
    [member, "build"],
    [aggregate, "job"],
  ] as const).flatMap(([ask, what]): Hostile[] => [
    {
      title: `a redirect elsewhere in place of ${what} (${ask.name})`,
      ask,
      answers: status(302, "Location: https://user:secret@elsewhere.invalid/login?x=y"),
      code: "hydra-unusable",
      says: new RegExp(
        `to https://\\*\\*\\*@elsewhere\\.invalid/login\\?\\*\\*\\*, where there is no ${what}$`,
      ),
    },
    {
      title: `403 (${ask.name})`,
      ask,
      answers: status(403),
      code: "hydra-refused",
      says: /refuses with 403$/,
    },
    { title: `500 (${ask.name})`, ask, answers: status(500), code: "hydra-failed", says: /fails with 500$/ },
    {
      title: `HTML (${ask.name})`,
      ask,
      answers: "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>",
      code: "hydra-unusable",
      says: /'text\/html' in place of JSON$|answers 200, which Hydra does not for an? (?:jobset|build|job)$/,
    },
  ]),
  ...["/eval/0", "/eval/1e9", "/eval/9007199254740993", "/build/3", "/evil/3"].map((location): Hostile => ({
    title: `${location} for the newest evaluation`,
    ask: newest,
    answers: status(302, `Location: ${location}`),
    code: "hydra-unusable",
    says: /where there is no jobset$/,
  })),
];

for (const { title, ask, answers, code, says } of HOSTILE) {
  Deno.test(`evaluations, hostile: ${title}`, async () => {
    await using server = startRawServer((request, answer) => {
      if (typeof answers !== "string") return answers(request, answer);
      const head = answers.slice(0, answers.indexOf("\r\n\r\n") + 4);
      return answer.write(request.method === "HEAD" ? head : answers);
    });
    using client = startClient(server.origin, { requestTimeout: 20_000 });
    await assertFails(ask(client.hydra.evaluations), code, says);
  });
}

Deno.test("evaluations: 404 is an answer where there may be nothing", async () => {
  await using server = startRawServer((_request, answer) => answer.write(status(404)));
  using client = startClient(server.origin);
  const { evaluations } = client.hydra;
  for (const ask of [builds, newest, member, aggregate]) assert.equal(await ask(evaluations), null);
  assert.equal(await evaluations.constituentsOf(7, NEVER), null);
  assert.equal(await evaluations.latestFinished(NEVER), null);
  await assertFails(build(evaluations), "hydra-no-build", /there is no such build \(404\)$/);
  await assertFails(errors(evaluations), "hydra-no-build", /there is no such jobset \(404\)$/);
});

Deno.test("evaluations: what a server says is made fit for a log, and credentials are not shown", async () => {
  const credentials = { login: "hail", password: "correct horse battery" };
  const named = (job: string) => ({ ...LISTED, buildstatus: 1, job });
  await using server = startRawServer(({ target }, answer) =>
    answer.write(
      target.includes("/errors")
        ? json({ name: "main", errormsg: `\u001b[31min job x:\n${"y".repeat(5_000)}` })
        : json([named("a\u001b[31mb\nc"), named(credentials.password), named("z".repeat(5_000))]),
    )
  );
  using client = startClient(server.origin, { credentials });
  assert.match(await client.hydra.evaluations.evaluationErrors(NEVER) ?? "", /^in job x: y{10,90}$/);
  const found = await client.hydra.evaluations.buildsOf(3, NEVER);
  assert.match(
    found?.failedJobs.join("|") ?? "",
    /^ab c\|\(not shown: it repeats the credentials\)\|z{57,60}$/,
  );
});

Deno.test("evaluations: a request that is given up ends with the caller's reason", async () => {
  await using server = startRawServer(() => {});
  using client = startClient(server.origin);
  for (const ask of ["build", "buildsOf", "constituentsOf"] as const) {
    const controller = new AbortController();
    const asked = client.hydra.evaluations[ask](3, controller.signal);
    setTimeout(() => controller.abort("over"), 20);
    assert.equal(await asked.catch((error: unknown) => error), "over");
  }
  assert.equal(server.requests.length, 3, "what was given up is not remembered as an answer");
});

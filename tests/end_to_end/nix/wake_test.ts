import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import type { Event } from "../../../lib/report/event.ts";
import { systemClock } from "../../../lib/time/system_clock.ts";
import { listenForWakes } from "../../../lib/wake/listener.ts";
import { eventually, run, RunningCommand } from "../../support/command.ts";
import { hailExecutable } from "../../support/executable.ts";
import { AgentWorld } from "../../command_line/agent_world.ts";
import { startRawServer } from "../../support/raw_server.ts";

/** The sample program for Hydra's plugin RunCommand, on what a real Hydra gave to it. */
const WAKE_HAIL = fileURLToPath(new URL("../../../contrib/hydra-run-command/wake-hail", import.meta.url));
const OK = fileURLToPath(new URL("../../hydra/captures/runcommand-payload-ok.json", import.meta.url));
const FAILED = fileURLToPath(
  new URL("../../hydra/captures/runcommand-payload-status6.json", import.meta.url),
);

const SECRET = "0123456789abcdef0123456789abcdef";

/** A Hydra's host with the sample, and a hail's host with a listener that knows some services. */
async function hosts() {
  const folder = await Deno.makeTempDir({ prefix: "hail-wake-" });
  const secret = `${folder}/secret`;
  await Deno.writeTextFile(secret, `${SECRET}\n`, { mode: 0o600 });
  const woken: string[] = [];
  const events: Event[] = [];
  const listener = await listenForWakes({
    hostname: "127.0.0.1",
    port: 0,
    secretFile: secret,
    wake: (service) => {
      if (!["web", "api", "other"].includes(service)) return "unknown";
      woken.push(service);
      return "woken";
    },
    clock: systemClock,
    report: (event) => events.push(event),
  });
  const origin = `http://127.0.0.1:${listener.address.port}`;
  return {
    folder,
    secret,
    origin,
    woken,
    events,
    /** The command line and the environment of the sample with a table. */
    async prepare(lines: readonly string[], payload: string | null = OK) {
      const table = `${folder}/table`;
      await Deno.writeTextFile(table, lines.map((line) => `${line}\n`).join(""));
      // What the machine's proxies are must make no difference.
      const proxies = {
        http_proxy: "http://127.0.0.1:1",
        HTTP_PROXY: "http://127.0.0.1:1",
        NO_PROXY: "",
        no_proxy: "",
      };
      return {
        command: [WAKE_HAIL, table, secret],
        env: { ...proxies, ...(payload === null ? {} : { HYDRA_JSON: payload }) },
      };
    },
    async sample(lines: readonly string[], payload: string | null = OK) {
      const { command, env } = await this.prepare(lines, payload);
      const { status, stdout, stderr } = await run(command, { env, mayFail: true });
      assert.equal(stdout, "");
      assert.ok(!stderr.includes(SECRET));
      return { status, stderr };
    },
    async [Symbol.asyncDispose]() {
      await listener.close();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** All was done, and nothing needed to be said. */
const DONE = { status: 0, stderr: "" };

Deno.test("wake-hail: a build that has succeeded wakes the services of its job, each once", async () => {
  await using at = await hosts();
  const { origin } = at;
  const done = await at.sample([
    "# The shop.",
    "",
    `demo:main:web ${origin}/wake/web`,
    `  demo:*:web\t${origin}/wake/web`,
    `demo:main:api ${origin}/wake/api`,
    `demo:main:we* ${origin}/wake/api`,
    `other:main:web ${origin}/wake/other`,
  ]);
  assert.deepEqual(done, DONE);
  assert.deepEqual(at.woken, ["web"]);
  assert.deepEqual(await at.sample([`*:*:* ${origin}/wake/api`, `demo:main:* ${origin}/wake/other`]), DONE);
  assert.deepEqual(at.woken.toSorted(), ["api", "other", "web"]);
  // Within the same second the signature is another one.
  for (let count = 0; count < 3; count++) await at.sample([`demo:main:web ${origin}/wake/web`]);
  assert.equal(at.woken.length, 6);
});

Deno.test("wake-hail: Hydra's word leads to the activation on the compiled agent", async () => {
  await using its = await AgentWorld.make();
  const free = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = free.addr;
  free.close();
  const secret = `${its.folder}/secret`;
  await Deno.writeTextFile(secret, `${SECRET}\n`, { mode: 0o600 });
  await its.release("web");
  await its.configure({ web: {} }, {
    "wake-listen": `"127.0.0.1:${port}"`,
    "wake-secret-file": `"${secret}"`,
  });
  await its.start({}, [await hailExecutable()]);
  await its.activated(`web ${its.built("web")}`);
  await its.atRest("web");
  await eventually("it listens", () => its.log.includes("can be woken over HTTP"));
  const table = `${its.folder}/table`;
  await Deno.writeTextFile(table, `demo:main:web http://127.0.0.1:${port}/wake/web\n`);
  const build = await its.release("web");
  const word = { env: { HYDRA_JSON: OK }, mayFail: true };
  assert.equal((await run([WAKE_HAIL, table, secret], word)).status, 0);
  await its.activated(`web ${build}`);
});

Deno.test("wake-hail: a build that has failed, or has not ended, wakes nobody", async () => {
  await using at = await hosts();
  const table = [`*:*:* ${at.origin}/wake/web`];
  assert.deepEqual(await at.sample(table, FAILED), DONE);
  const good: Record<string, unknown> = JSON.parse(await Deno.readTextFile(OK));
  const others = [
    { event: "buildStarted", finished: false, buildStatus: null },
    { event: "buildQueued" },
    { finished: false },
    { finished: 1 },
    { buildStatus: null },
    { buildStatus: false },
    { buildStatus: "0" },
    { buildStatus: 1 },
  ];
  for (const other of others) {
    await Deno.writeTextFile(`${at.folder}/payload.json`, JSON.stringify({ ...good, ...other }));
    assert.deepEqual(await at.sample(table, `${at.folder}/payload.json`), DONE, JSON.stringify(other));
  }
  assert.deepEqual(at.woken, []);
});

Deno.test("wake-hail: what Hydra cannot have meant is said, and wakes nobody", async () => {
  await using at = await hosts();
  const table = [`*:*:* ${at.origin}/wake/web`];
  const rows: [payload: string | null, says: RegExp][] = [
    [null, /HYDRA_JSON is not set/],
    ["", /not JSON/],
    ['{"project":', /not JSON/],
    ["[".repeat(200_000), /not JSON/],
    ["\u0000\u00ff", /not JSON/],
    ["[]", /not a payload/],
    ["{}", /does not say which build/],
    ['{"project":"demo","jobset":"main","job":["web"],"build":1}', /does not say which build/],
    ['{"project":"demo","jobset":"main","job":"web","build":true}', /does not say which build/],
  ];
  for (const [text, says] of rows) {
    if (text !== null) await Deno.writeTextFile(`${at.folder}/payload.json`, text);
    const { status, stderr } = await at.sample(table, text === null ? null : `${at.folder}/payload.json`);
    assert.equal(status, 2, stderr);
    assert.match(stderr, says);
    assert.match(stderr, /^wake-hail: [^\n]*\n$/, "one line, and no trace of Python's");
  }
  assert.equal((await at.sample(table, `${at.folder}/none`)).status, 2);
  assert.equal((await at.sample(table, at.folder)).status, 2);
  assert.deepEqual(at.woken, []);
});

Deno.test("wake-hail: a mistake in the table is named with its line, before anything is woken", async () => {
  await using at = await hosts();
  const good = `*:*:* ${at.origin}/wake/web`;
  const rows = [
    "demo:main:web",
    "demo:main:web http://h/wake/web secret more",
    "demo:main http://h/wake/web",
    "demo::web http://h/wake/web",
    "a:b:c:d http://h/wake/web",
    ...[
      "web",
      "ftp://h/wake/web",
      "http:///wake/web",
      "http://h:0/wake/web",
      "http://h:port/wake/web",
      "http://h/wake/",
      "http://h/wake/web/",
      "http://h/wake/web?x",
      "http://h/wake/w%65b",
      "http://h/../wake/.web",
      "http://user:password@h/wake/web",
      "http://h\u00e9/wake/web",
      "http://[::1/wake/web",
    ].map((url) => `demo:main:web ${url}`),
  ];
  for (const line of rows) {
    const { status, stderr } = await at.sample([good, line]);
    assert.equal(status, 2, line);
    assert.match(stderr, /^wake-hail: \S*table, line 2: [^\n]*\n$/, line);
    assert.doesNotMatch(stderr, /password/);
  }
  assert.deepEqual(at.woken, []);
});

Deno.test("wake-hail: a secret of its own for one host; none, or a short one, is said", async () => {
  await using at = await hosts();
  const own = `${at.folder}/own`;
  const line = `*:*:* ${at.origin}/wake/web ${own}`;
  assert.match((await at.sample([line])).stderr, /own: No such file/);
  await Deno.writeTextFile(own, "short\n");
  assert.match((await at.sample([line])).stderr, /own: its first line has fewer than 16 characters/);
  await Deno.writeTextFile(own, "another secret that is long enough\n");
  assert.match((await at.sample([line])).stderr, /own: its first line has blanks, or others than/);
  await Deno.writeTextFile(own, "another-secret-that-is-long-enough\n");
  const refused = await at.sample([line]);
  assert.deepEqual([refused.status, at.woken], [1, []]);
  assert.match(refused.stderr, /\/wake\/web: it answers 401: the signature or the token is wrong\n$/);
  await Deno.writeTextFile(own, ` ${SECRET}\r\n`);
  assert.deepEqual(await at.sample([line]), DONE);
  assert.deepEqual(at.woken, ["web"]);
});

Deno.test("wake-hail: a host that is not there, or is no hail's, does not keep the others from being woken", async () => {
  await using at = await hosts();
  // Nobody listens on a port that was free a moment ago.
  const free = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = free.addr;
  free.close();
  await using stranger = startRawServer(async (request, answer) => {
    const answers: Record<string, string> = {
      "/wake/redirect":
        `HTTP/1.1 307 Moved\r\nLocation: ${at.origin}/wake/other\r\nContent-Length: 0\r\n\r\n`,
      "/wake/fine": "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
      "/wake/words": 'HTTP/1.1 403 No\r\nContent-Length: 31\r\n\r\n{"error":"\\u001b[31mred\\nline"}',
    };
    await answer.write(answers[request.target] ?? "\u0000\u0001 nothing of the kind\r\n\r\n");
    answer.close();
  });
  const { status, stderr } = await at.sample([
    `*:*:* http://127.0.0.1:${port}/wake/gone`,
    `*:*:* http://no-such-host.invalid/wake/nameless`,
    ...["redirect", "fine", "words", "odd"].map((name) => `*:*:* ${stranger.origin}/wake/${name}`),
    `*:*:* ${at.origin}/wake/nosuch`,
    `*:*:* ${at.origin}/wake/web`,
  ]);
  assert.equal(status, 1);
  assert.deepEqual(at.woken, ["web"]);
  const said = stderr.trimEnd().split("\n").toSorted();
  assert.equal(said.length, 7, stderr);
  for (const line of said) assert.match(line, /^wake-hail: http:\/\/\S+: \S/);
  assert.match(stderr, /\/wake\/gone: .*refused/);
  assert.match(stderr, /\/wake\/redirect: it answers 307\n/);
  assert.match(stderr, /\/wake\/fine: it answers 200, as no hail does\n/);
  assert.match(stderr, /\/wake\/words: it answers 403: \?\[31mred\?line\n/);
  assert.match(stderr, /\/wake\/nosuch: it answers 404: there is no service of this name\n/);
});

Deno.test("wake-hail: where it is too soon it waits as long as it is asked to, and comes again", async () => {
  await using at = await hosts();
  const url = `${at.origin}/wake/web`;
  for (let count = 0; count < 5; count++) {
    const response = await fetch(url, { method: "POST", headers: { Authorization: `Bearer ${SECRET}` } });
    await response.body?.cancel();
  }
  assert.deepEqual(await at.sample([`*:*:* ${url}`]), DONE);
  assert.equal(at.woken.length, 6);
  assert.ok(at.events.some(({ fields }) => fields?.["reason"] === "too-many"));
});

Deno.test("wake-hail: a host that does not answer is not waited for, and no secret is on a command line", async () => {
  await using at = await hosts();
  const arrived = Promise.withResolvers<void>();
  await using silent = startRawServer(async (_request, answer) => {
    arrived.resolve();
    await answer.pause(60_000);
  });
  const { command, env } = await at.prepare([
    `*:*:* ${silent.origin}/wake/web`,
    `*:*:* ${at.origin}/wake/api`,
  ]);
  const begun = performance.now();
  await using running = new RunningCommand(command, { env });
  await arrived.promise;
  const seen = await Deno.readTextFile(`/proc/${running.pid}/cmdline`) +
    await Deno.readTextFile(`/proc/${running.pid}/environ`);
  assert.ok(seen.includes("wake-hail") && !seen.includes(SECRET));
  await eventually("the other host", () => at.woken.length > 0);
  const { status, stderr } = await running.finish(15_000);
  assert.deepEqual([status, at.woken], [1, ["api"]]);
  assert.match(stderr, /\/wake\/web: .*timed out/);
  assert.ok(performance.now() - begun < 12_000);
});

Deno.test("wake-hail: a hundred hosts that do not answer leave time for the others, of which one has many services", async () => {
  await using at = await hosts();
  // The kernel takes the connections, and nobody answers.
  const silent = Array.from({ length: 100 }, () => Deno.listen({ hostname: "127.0.0.1", port: 0 }));
  const busy = Array.from({ length: 150 }, (_, number) => `s${number}`);
  let [open, most] = [0, 0];
  await using crowded = startRawServer(async (_request, answer) => {
    most = Math.max(most, ++open);
    // Slow enough that all of them in a row would take too long.
    await answer.pause(200);
    open--;
    await answer.write("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n");
    answer.close();
  });
  try {
    const begun = performance.now();
    const { status, stderr } = await at.sample([
      ...silent.flatMap(({ addr }) =>
        Array.from({ length: 12 }, (_, number) => `*:*:* http://127.0.0.1:${addr.port}/wake/s${number}`)
      ),
      ...busy.map((name) => `*:*:* ${crowded.origin}/wake/${name}`),
      `*:*:* ${at.origin}/wake/api`,
    ]);
    assert.equal(status, 1);
    assert.deepEqual(at.woken, ["api"]);
    assert.equal(crowded.requests.length, busy.length);
    assert.ok(most > 1 && most <= 8, `${most} connections to a host`);
    const said = stderr.trimEnd().split("\n");
    assert.equal(said.length, 12 * silent.length, "nothing is said of the others");
    for (const line of said) assert.match(line, /: .*(timed out|did not answer before|no answer in time)$/);
    assert.ok(performance.now() - begun < 22_000);
  } finally {
    for (const listener of silent) listener.close();
  }
});

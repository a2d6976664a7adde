/** `hail agent` as a process. */
import assert from "node:assert/strict";
import { eventually } from "../support/command.ts";
import { startRawServer } from "../support/raw_server.ts";
import { AgentWorld } from "./agent_world.ts";

Deno.test("an agent keeps several services, each in its own time, and ends when it is told to", async () => {
  await using its = await AgentWorld.make();
  const ids = [await its.release("web"), await its.release("api"), await its.release("db")];
  await its.configure({ web: {}, api: {}, db: { profile: '"data/db"' } });
  await its.start();
  await its.activated(`web ${ids[0]}`, `api ${ids[1]}`, `db ${ids[2]}`);
  await eventually(
    "all active",
    async () => Object.values(await its.states()).every((state) => state === "active"),
  );
  assert.deepEqual(Object.keys(await its.states()), ["api", "db", "web"]);
  assert.match(await its.profile("data/db"), /-db-/);
  assert.match(its.log, /^\S+ web: activated \S+ in \d+ ms$/m);

  const newer = await its.release("api");
  const { status, stderr } = await its.hail("poll", "api");
  assert.equal(status, 0, stderr);
  await its.activated(`api ${newer}`);
  assert.equal((await its.activations()).length, 4, "the others were left alone");
  assert.equal(await its.stop(), 0);
  assert.match(its.log, /hail stops\n$/);
});

Deno.test("services come one after the other where they say so, at first deployments and at updates", async () => {
  await using its = await AgentWorld.make();
  const first = [await its.release("db", "sleep 0.5"), await its.release("api"), await its.release("web")];
  await its.configure({ web: { after: '["api", "db"]' }, api: { after: '["db"]' }, db: {} }, {
    "max-activations": "3",
  });
  await its.start();
  await its.activated(`web ${first[2]}`);
  assert.deepEqual(await its.activations(), [`db ${first[0]}`, `api ${first[1]}`, `web ${first[2]}`]);

  const second = [await its.release("db", "sleep 0.5"), await its.release("api"), await its.release("web")];
  // The last one hears of it first.
  await its.hail("poll", "web");
  await its.activated(`web ${second[2]}`);
  assert.deepEqual((await its.activations()).slice(3), [
    `db ${second[0]}`,
    `api ${second[1]}`,
    `web ${second[2]}`,
  ]);
});

Deno.test("a service waits for one that fails, says so, and comes once that is well again", async () => {
  await using its = await AgentWorld.make();
  await its.release("db", "exit 1");
  const web = await its.release("web");
  await its.configure({ db: {}, web: { after: '["db"]' } });
  await its.start();
  // At first it waits for db to look for a new build at all.
  await eventually("web waits and says so", async () => {
    const { stdout } = await its.hail("status", "web");
    return /it comes after db, which was not deployed yet/.test(stdout.replace(/\s+/g, " "));
  });
  const good = await its.release("db");
  await its.hail("poll", "db");
  await its.activated(`web ${web}`);
  assert.deepEqual((await its.activations()).slice(-2), [`db ${good}`, `web ${web}`]);
});

Deno.test("what hangs, floods or fails in one service holds up no other", async () => {
  await using its = await AgentWorld.make();
  await its.release("hangs", its.hang);
  await its.release("floods", "yes 'a line of nothing that matters' | head -c 200000000");
  await its.release("fails", "kill -9 $$");
  const good = await its.release("good");
  its.hydra.addJob("demo/main/none");
  // As much as anybody takes, a gigabyte in a few seconds.
  let sent = 0;
  await using endless = startRawServer(async ({ method }, answer) => {
    if (method === "HEAD") return await answer.write("HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n");
    await answer.write("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n");
    for (const piece = new Uint8Array(65_536).fill(0x20);; sent += piece.length) await answer.write(piece);
  });
  await its.configure({
    huge: { "job-uri": `"${endless.origin}/job/a/b/c/latest"` },
    floods: { "activation-timeout": '"20s"' },
    hangs: { "activation-timeout": '"20s"' },
    fails: {},
    none: {},
    broken: { "job-uri": '"http://127.0.0.1:1/job/a/b/c"' },
    good: { after: '["fails"]', "on-removal": '"keep"' },
    other: {},
  }, { "max-activations": "2" });
  const other = await its.release("other");
  await its.start();
  await its.activated(`other ${other}`, "hangs 101");
  // What it comes after has failed for good: it is not deployed, and says why.
  await eventually("good waits", async () => (await its.states())["good"] === "held");
  assert.equal((await its.activations()).includes(`good ${good}`), false);
  const newer = await its.release("other");
  const begun = performance.now();
  await its.hail("poll", "other");
  await its.activated(`other ${newer}`);
  assert.ok(performance.now() - begun < 15_000);
  await eventually("huge has failed", () => / error: huge: .* answers 200/.test(its.log));
  assert.ok(sent > 0 && sent < 100_000_000, `${sent} bytes were taken`);
  await its.stop("SIGKILL");
});

Deno.test("an agent waits for a profile that another hail holds, and takes it over as soon as that ends", async () => {
  await using its = await AgentWorld.make();
  const ids = [await its.release("web"), await its.release("api")];
  await its.configure({ web: {}, api: {} });
  await using holder = await its.classic("web");
  await its.activated(`web ${ids[0]}`);
  await its.start();
  await its.activated(`api ${ids[1]}`);
  await eventually("a word of it", () => /web: .*another hail holds it, process \d+/.test(its.log));
  holder.kill("SIGTERM");
  await holder.finish();
  await eventually(
    "web is taken over",
    async () => (await its.activations()).filter((line) => line.startsWith("web ")).length === 2,
  );
  await eventually("web is active", async () => (await its.states())["web"] === "active");
});

Deno.test("who comes after a service that another hail holds is kept meanwhile, and waits with its deployment", async () => {
  await using its = await AgentWorld.make();
  const [web] = [await its.release("web"), await its.release("api")];
  await its.configure({ web: {}, api: { after: '["web"]' } });
  await using _holder = await its.classic("web");
  await its.activated(`web ${web}`);
  await its.start();
  await eventually("api waits", async () => (await its.states())["api"] === "held");
  assert.deepEqual(await its.activations(), [`web ${web}`]);
  assert.equal(await its.stop(), 0, "it ends although it waits for a lock");
});

Deno.test("a service that cannot be kept yet is shown with the reason, and is kept once that is mended", async () => {
  await using its = await AgentWorld.make();
  const ids = [await its.release("web"), await its.release("api")];
  const netrc = `${its.folder}/netrc`;
  await its.configure({ web: { "netrc-file": `"${netrc}"` }, api: {} });
  await its.start();
  await its.activated(`api ${ids[1]}`);
  await eventually("web is shown", async () => "web" in await its.states());
  const words = async (...args: string[]) => {
    const { stdout, stderr, status } = await its.hail(...args);
    return { status, text: `${stdout}${stderr}`.replaceAll(/\s+/g, " ") };
  };
  assert.match((await words("status", "web")).text, /netrc: it does not exist .*Hint: Create it/);
  assert.match((await words("status")).text, /web .*netrc.*it does not exist/);
  const poll = await words("poll", "web");
  assert.equal(poll.status, 15);
  assert.match(poll.text, /web: hail cannot keep it yet: .*netrc: it does not exist\. Create it/);
  await Deno.writeTextFile(netrc, "machine 127.0.0.1 login a password b\n", { mode: 0o600 });
  await its.reload();
  await its.activated(`web ${ids[0]}`);
  await eventually("web is well", async () => (await its.states())["web"] === "active");
});

Deno.test("a second agent is refused where one keeps its services, and the first one stays in reach", async () => {
  await using its = await AgentWorld.make();
  const id = await its.release("web");
  await its.configure({ web: {} });
  await its.start();
  await its.activated(`web ${id}`);
  const { status, stderr } = await its.hail("agent", "--config", its.config);
  assert.equal(status, 15, stderr);
  assert.match(stderr, /\/state: another agent keeps its services there, process \d+/);
  assert.equal((await its.hail("poll", "web")).stdout, "hail polls now\n");
});

Deno.test("an agent makes its state folder, and says so where it cannot", async () => {
  await using its = await AgentWorld.make();
  await its.configure({}, { "state-dir": `"${its.folder}/new/state"` });
  await its.start();
  assert.equal((await its.hail("status", "--state-dir", `${its.folder}/new/state`)).status, 0);
  await its.stop();
  await Deno.writeTextFile(`${its.folder}/file`, "");
  await its.configure({}, { "state-dir": `"${its.folder}/file/state"` });
  const { status, stderr } = await its.hail("agent", "--config", its.config);
  assert.equal(status, 1, stderr);
  assert.match(stderr, /\/file\/state: .*Give the agent a folder of its own/);
});

Deno.test("a service that a hail with a folder of its own keeps is there once, and takes commands", async () => {
  await using its = await AgentWorld.make();
  const [web, api] = [await its.release("web"), await its.release("api")];
  const own = `${its.folder}/state/web`;
  await using _holder = await its.classic("web", { STATE_DIRECTORY: own });
  await its.activated(`web ${web}`);
  await its.configure({ web: {}, api: { after: '["web"]' } });
  await its.start();
  await eventually("api waits", async () => {
    const { stdout } = await its.hail("status", "api");
    return /it comes after web, which cannot be kept yet: .*another hail holds it/.test(
      stdout.replaceAll(/\s+/g, " "),
    );
  });
  assert.deepEqual(Object.keys(await its.states()).toSorted(), ["api", "web"]);
  for (const words of [["pause", "web"], ["resume", "web"], ["poll", "--all"]]) {
    const { status, stderr } = await its.hail(...words);
    assert.equal(status, 0, `${words}: ${stderr}`);
  }
  assert.equal((await its.activations()).includes(`api ${api}`), false);
});

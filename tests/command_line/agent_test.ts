/** `hail agent` as a process. */
import assert from "node:assert/strict";
import { eventually } from "../support/command.ts";
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
  await its.release("hangs", "sleep 600");
  await its.release("floods", "yes 'a line of nothing that matters' | head -c 200000000");
  await its.release("fails", "kill -9 $$");
  const good = await its.release("good");
  its.hydra.addJob("demo/main/none");
  await its.configure({
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
  await its.stop("SIGKILL");
});

Deno.test("a reload applies what has changed, and nothing else", async () => {
  await using its = await AgentWorld.make();
  const ids = [await its.release("web"), await its.release("api"), await its.release("old")];
  await its.configure({ web: {}, api: {}, old: { "on-removal": '"deactivate"' } });
  await its.start();
  await its.activated(`web ${ids[0]}`, `api ${ids[1]}`, `old ${ids[2]}`);
  await its.atRest("web", "api", "old");

  await its.configure({ web: { "pol-period": "5" } });
  await its.reload();
  assert.match(its.log, /services\.web\.pol-period/);
  assert.match(its.log, /Did you mean poll-period\?/);
  assert.match(its.log, /the old one stays in force/);

  const fresh = await its.release("new");
  const polls = its.hydra.requests.length;
  await its.configure({ web: {}, api: { "health-timeout": '"1m"' }, new: {} });
  await its.reload();
  assert.match(its.log, /1 new, 1 changed, 1 gone, 1 as before/);
  await its.activated(`new ${fresh}`, "old off");
  await eventually("the change", () => its.log.includes("api: its new settings are in force"));
  assert.equal((await its.activations()).filter((line) => /^(web|api) /.test(line)).length, 2);
  const asked = its.hydra.requests.slice(polls).map(({ path }) => path);
  assert.ok(!asked.some((path) => path.includes("/web/")), "what has not changed is not even polled");
  assert.deepEqual(Object.keys(await its.states()).toSorted(), ["api", "new", "old", "web"]);
  assert.match(await its.profile("old"), /-old-/, "only its bin/deactivate has run");
});

Deno.test("a reload does not put off what was planned: a gate that opens is asked again", async () => {
  await using its = await AgentWorld.make();
  const gate = `["delay 6s"]`;
  const first = await its.release("web");
  await its.configure({ web: { gate } });
  await its.start();
  await its.activated(`web ${first}`);
  await its.atRest("web");
  const fresh = await its.release("web", "exit 0", Math.ceil(Date.now() / 1000));
  await its.hail("poll", "web");
  await eventually("it waits", () => its.log.includes("is not deployed: "));
  await its.configure({ web: { gate, "health-timeout": '"1m"' } });
  await its.reload();
  await eventually("the change", () => its.log.includes("web: its new settings are in force"));
  assert.equal((await its.activations()).length, 1, "the gate has not opened yet");
  await its.activated(`web ${fresh}`);
});

Deno.test("a poll past the gates that is asked for during a pass is done, although a reload comes in between", async () => {
  await using its = await AgentWorld.make();
  const gate = `["delay 30d"]`;
  const first = await its.release("web", `until [ -e ${its.folder}/go ]; do sleep 0.1; done`);
  await its.configure({ web: { gate } });
  await its.start();
  await its.activated(`web ${first}`);
  const fresh = await its.release("web", "exit 0", Math.floor(Date.now() / 1000));
  assert.equal((await its.hail("poll", "web", "--past-gates")).status, 0);
  await its.configure({ web: { gate, "health-timeout": '"1m"' } });
  await its.reload();
  await Deno.writeTextFile(`${its.folder}/go`, "");
  await its.activated(`web ${fresh}`);
  assert.match(its.log, /web: its new settings are in force/);
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

Deno.test("a service goes on under a new name and profile, also where only its name was changed before", async () => {
  await using its = await AgentWorld.make();
  const id = await its.release("web");
  const job = { "job-uri": `"${its.hydra.jobUri("demo/main/web")}"` };
  await its.configure({ web: { ...job, profile: '"data/web"' } });
  await its.start();
  await its.activated(`web ${id}`);
  await its.configure({ site: { ...job, profile: '"data/web"' } });
  await its.reload();
  await eventually("the new name", () => its.log.includes("its new settings are in force"));
  await its.configure({ shop: { ...job, profile: '"data/shop"', "renamed-from": '"site"' } });
  await its.reload();
  await eventually("the new profile", () => its.log.includes("goes on from where site was"));
  assert.match(await its.profile("data/shop"), /-web-/);
  await assert.rejects(its.profile("data/web"), Deno.errors.NotFound);
});

Deno.test("a service that leaves and comes back is one after the other, and its removal is off", async () => {
  await using its = await AgentWorld.make();
  const slow = await its.release("web", "sleep 2");
  await its.configure({ web: { "on-removal": '"purge"' } });
  await its.start();
  await its.activated(`web ${slow}`);
  await its.configure({});
  await its.reload();
  await its.configure({ web: {} });
  await its.reload();
  await eventually("web is active", async () => (await its.states())["web"] === "active");
  assert.match(await its.profile("web"), /-web-/);
  assert.equal((await its.activations()).includes("web off"), false);
});

Deno.test("a service that is put back while its removal waits for a turn is not taken out, and is kept at once", async () => {
  await using its = await AgentWorld.make();
  const web = await its.release("web");
  const purged = { web: { "on-removal": '"purge"' } };
  const top = { "max-activations": "1" };
  await its.configure(purged, top);
  await its.start();
  await its.activated(`web ${web}`);
  await its.atRest("web");
  const hangs = await its.release("hangs", "sleep 600");
  const slow = { hangs: { "activation-timeout": '"40s"' } };
  await its.configure({ ...purged, ...slow }, top);
  await its.reload();
  await its.activated(`hangs ${hangs}`);
  await its.configure(slow, top);
  await its.reload();
  await its.configure({ ...purged, ...slow }, top);
  await its.reload();
  await eventually("it is called off", () => its.log.includes("web: its removal is called off"));
  await eventually("web is kept again", async () => (await its.hail("poll", "web")).status === 0);
  assert.match(await its.profile("web"), /-web-/);
  assert.equal((await its.activations()).includes("web off"), false);
  await its.stop("SIGKILL");
});

Deno.test("a removal that stood back for a change of name is done when there is no such change any more", async () => {
  await using its = await AgentWorld.make();
  const id = await its.release("web");
  await its.release("shop");
  const job = { "job-uri": `"${its.hydra.jobUri("demo/main/web")}"` };
  await its.configure({ web: { ...job, "on-removal": '"purge"' } });
  await its.start();
  await its.activated(`web ${id}`);
  await its.atRest("web");
  await using _holder = await its.classic("shop");
  await its.configure({ shop: { ...job, "renamed-from": '"web"' } });
  await its.reload();
  await eventually("shop waits for its profile", () => /shop: .*another hail holds it/.test(its.log));
  assert.match(await its.profile("web"), /-web-/, "it is for shop");
  await its.configure({});
  await its.reload();
  await its.activated("web off");
  await eventually("web is gone", async () => !("web" in await its.states()));
});

Deno.test("a removal that was found at the start is called off for a new name, which goes on from there", async () => {
  await using its = await AgentWorld.make();
  const id = await its.release("web");
  const job = { "job-uri": `"${its.hydra.jobUri("demo/main/web")}"` };
  await its.configure({ web: { ...job, "on-removal": '"purge"' } });
  await its.start();
  await its.activated(`web ${id}`);
  await its.atRest("web");
  await its.stop();
  await Deno.writeTextFile(
    `${await its.profile("web")}/bin/deactivate`,
    `until [ -e ${its.folder}/go ]; do sleep 0.1; done\n`,
    { append: true },
  );
  await its.configure({});
  await its.start();
  await its.activated("web off");
  await its.configure({ shop: { ...job, "renamed-from": '"web"' } });
  await its.reload();
  await Deno.writeTextFile(`${its.folder}/go`, "");
  await eventually("the new name", () => its.log.includes("goes on from where web was"));
  assert.match(its.log, /web: its removal is called off/);
  assert.match(await its.profile("shop"), /-web-/);
  await eventually(
    "it is activated again",
    async () => (await its.activations()).filter((line) => line === `web ${id}`).length === 2,
  );
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
  await its.activated(`web ${ids[0]}`);
  await eventually("web is well", async () => (await its.states())["web"] === "active");
});

Deno.test("an agent that was killed goes on, and takes out what its configuration does not name any more", async () => {
  await using its = await AgentWorld.make();
  const ids = [await its.release("web", "sleep 1"), await its.release("old")];
  await its.configure({ web: {}, old: { "on-removal": '"purge"' } });
  await its.start();
  await its.activated(`web ${ids[0]}`, `old ${ids[1]}`);
  await eventually("old is active", async () => (await its.states())["old"] === "active");
  await its.stop("SIGKILL");
  await its.configure({ web: {} });
  await its.start();
  await its.activated("old off");
  await eventually("web is active", async () => (await its.states())["web"] === "active");
  await eventually("old is gone", async () => !("old" in await its.states()));
  await assert.rejects(its.profile("old"), Deno.errors.NotFound);
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

Deno.test("a reload reads credentials that have changed, and polls anew only where that may matter", async () => {
  await using its = await AgentWorld.make();
  const netrc = `${its.folder}/netrc`;
  await Deno.writeTextFile(netrc, "machine 127.0.0.1 login a password one\n", { mode: 0o600 });
  const ids = [await its.release("web"), await its.release("api")];
  const web = { "netrc-file": `"${netrc}"` };
  await its.configure({ web, api: {} });
  await its.start();
  await its.activated(`web ${ids[0]}`, `api ${ids[1]}`);
  await its.atRest("web", "api");
  const polls = its.hydra.requests.length;
  await Deno.writeTextFile(netrc, "machine 127.0.0.1 login a password two-two\n");
  await its.configure({ web, api: { "keep-generations": "3" } });
  await its.reload();
  assert.match(its.log, /0 new, 2 changed, 0 gone, 0 as before/);
  const since = () => its.hydra.requests.slice(polls);
  await eventually(
    "web polls with the new password",
    () =>
      since().some(({ path, headers }) =>
        path.includes("/web/") && headers.get("authorization") === `Basic ${btoa("a:two-two")}`
      ),
  );
  await eventually("api has its settings", () => its.log.includes("api: its new settings are in force"));
  assert.ok(!since().some(({ path }) => path.includes("/api/")), "what Hydra says of it could not matter");
});

Deno.test("an agent is woken over HTTP, and a reload takes another secret", async () => {
  await using its = await AgentWorld.make();
  const secret = `${its.folder}/secret`;
  await Deno.writeTextFile(secret, "a-secret-of-some-length\n", { mode: 0o600 });
  const free = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = free.addr;
  free.close();
  const wake = { "wake-listen": `"127.0.0.1:${port}"`, "wake-secret-file": `"${secret}"` };
  await its.release("web");
  await its.configure({ web: {} }, wake);
  await its.start();
  await its.activated("web 101");
  await eventually("web is active", async () => (await its.states())["web"] === "active");
  const listens = () => its.log.split("can be woken over HTTP at").length - 1;
  const post = async (name: string, token: string) => {
    const response = await fetch(`http://127.0.0.1:${port}/wake/${name}`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}` },
    });
    await response.body?.cancel();
    return response.status;
  };
  await eventually("it listens", () => listens() === 1);
  const newer = await its.release("web");
  assert.equal(await post("web", "another-secret-of-some-length"), 401);
  assert.equal(await post("db", "a-secret-of-some-length"), 404);
  assert.equal(await post("web", "a-secret-of-some-length"), 202);
  await its.activated(`web ${newer}`);

  await its.reload();
  assert.equal(listens(), 1, "what has not changed goes on");
  await Deno.writeTextFile(secret, "quite-another-secret-longer\n");
  await its.reload();
  await eventually("it listens anew", () => listens() === 2);
  assert.equal(await post("web", "a-secret-of-some-length"), 401);
  assert.equal(await post("web", "quite-another-secret-longer"), 202);

  await Deno.writeTextFile(secret, "short\n");
  await its.reload();
  assert.match(its.log, /hail is still woken over HTTP as before its configuration was read: .*secret/);
  assert.equal(await post("web", "quite-another-secret-longer"), 202);
  await Deno.writeTextFile(secret, "the-third-secret-of-all\n");
  await eventually("it listens with the third, without another reload", () => listens() === 3);
  assert.equal(await post("web", "the-third-secret-of-all"), 202);
});

Deno.test("what was taken out and deactivated is shown so, and is not started again by a command for all", async () => {
  await using its = await AgentWorld.make();
  const ids = [await its.release("web"), await its.release("old")];
  await its.configure({ web: {}, old: { "on-removal": '"deactivate"' } });
  await its.start();
  await its.activated(`web ${ids[0]}`, `old ${ids[1]}`);
  await eventually(
    "both are active",
    async () => Object.values(await its.states()).every((state) => state === "active"),
  );
  await its.configure({ web: {} });
  await its.reload();
  await its.activated("old off");
  await eventually(
    "it is shown",
    async () => (await its.hail("status")).stdout.includes("taken out, deactivated"),
  );
  await its.stop();
  const before = (await its.activations()).length;
  const all = await its.hail("poll", "--all");
  assert.equal(all.status, 0, all.stderr);
  assert.doesNotMatch(all.stdout, /^old:/m);
  const one = await its.hail("poll", "old");
  assert.equal(one.status, 2);
  assert.match(one.stderr, /old: it was taken out and deactivated/);
  assert.deepEqual((await its.activations()).slice(before), [`web ${ids[0]}`]);
  assert.match((await its.hail("status", "old")).stdout, /its bin\/deactivate has run/);
});

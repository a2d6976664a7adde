/** `hail agent` as a process: its configuration changes. */
import assert from "node:assert/strict";
import { eventually } from "../support/command.ts";
import { AgentWorld } from "./agent_world.ts";

Deno.test("a reload applies what has changed, and nothing else", async () => {
  await using its = await AgentWorld.keeping({ web: {}, api: {}, old: { "on-removal": '"deactivate"' } });
  await its.change({ web: { "pol-period": "5" } });
  assert.match(its.log, /services\.web\.pol-period/);
  assert.match(its.log, /Did you mean poll-period\?/);
  assert.match(its.log, /the old one stays in force/);

  const fresh = await its.release("new");
  const polls = its.hydra.requests.length;
  await its.change({ web: {}, api: { "health-timeout": '"1m"' }, new: {} });
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
  const gate = '["delay 6s"]';
  await using its = await AgentWorld.keeping({ web: { gate } });
  const fresh = await its.release("web", "exit 0", Math.ceil(Date.now() / 1000));
  await its.hail("poll", "web");
  await eventually("it waits", () => its.log.includes("is not deployed: "));
  await its.change({ web: { gate, "health-timeout": '"1m"' } });
  await eventually("the change", () => its.log.includes("web: its new settings are in force"));
  assert.equal((await its.activations()).length, 1, "the gate has not opened yet");
  await its.activated(`web ${fresh}`);
});

Deno.test("a poll past the gates that is asked for during a pass is done, although a reload comes in between", async () => {
  await using its = await AgentWorld.make();
  const gate = '["delay 30d"]';
  const first = await its.release("web", `until [ -e ${its.folder}/go ]; do sleep 0.1; done`);
  await its.configure({ web: { gate } });
  await its.start();
  await its.activated(`web ${first}`);
  const fresh = await its.release("web", "exit 0", Math.floor(Date.now() / 1000));
  assert.equal((await its.hail("poll", "web", "--past-gates")).status, 0);
  await its.change({ web: { gate, "health-timeout": '"1m"' } });
  await Deno.writeTextFile(`${its.folder}/go`, "");
  await its.activated(`web ${fresh}`);
  assert.match(its.log, /web: its new settings are in force/);
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
  await its.change({ web, api: { "keep-generations": "3" } });
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

Deno.test("new settings that cannot be used are shown, and tried again until they can be", async () => {
  await using its = await AgentWorld.keeping({ web: {} });
  const other = await its.release("other");
  const netrc = `${its.folder}/netrc`;
  await its.change({ web: { ...its.job("other"), "netrc-file": `"${netrc}"` } });
  const status = async () => (await its.hail("status", "web")).stdout.replaceAll(/\s+/g, " ");
  await eventually(
    "it is shown",
    async () => /netrc: it does not exist .*Hint: Create it/.test(await status()),
  );
  assert.match(await status(), /\/demo\/main\/web/, "that one is in force");
  assert.doesNotMatch(await status(), /\/demo\/main\/other/);
  assert.equal((await its.states())["web"], "active");
  await Deno.writeTextFile(netrc, "machine 127.0.0.1 login a password b\n", { mode: 0o600 });
  await its.activated(`other ${other}`);
  await eventually("all is well", async () => !(await status()).includes("does not exist"));
  assert.match(await status(), /\/demo\/main\/other/);
});

Deno.test("reloads do not multiply the tries of new settings that cannot be used", async () => {
  await using its = await AgentWorld.keeping({ web: {} });
  const tries = () => its.log.split("its new settings cannot be used").length - 1;
  await its.change({ web: { "netrc-file": '"/nonexistent/netrc"' } });
  for (const number of [1, 2, 3, 4, 5]) {
    await eventually(`try ${number}`, () => tries() === number);
    if (number < 5) await its.reload();
  }
  // The first try alone would have been followed by another one by then.
  await new Promise((resolve) => setTimeout(resolve, 6_000));
  assert.equal(tries(), 5);
});

Deno.test("new settings that could not be used yet say what becomes of the service that is taken out", async () => {
  await using its = await AgentWorld.keeping({ web: { "on-removal": '"purge"' } });
  await its.change({ web: { "on-removal": '"keep"', "netrc-file": '"/nonexistent/netrc"' } });
  await eventually("they are refused", () => its.log.includes("its new settings cannot be used"));
  await its.change({});
  await eventually("it is left", () => its.log.includes("nothing is done to the service"));
  assert.match(await its.profile("web"), /-web-/);
});

Deno.test("credentials that change while another hail holds the profile are seen at the next reload", async () => {
  await using its = await AgentWorld.make();
  const web = await its.release("web");
  const netrc = `${its.folder}/netrc`;
  await Deno.writeTextFile(netrc, "machine 127.0.0.1 login a password one\n", { mode: 0o600 });
  await its.configure({ web: { "netrc-file": `"${netrc}"` } });
  await using holder = await its.classic("web");
  await its.activated(`web ${web}`);
  await its.start();
  await eventually("a word of it", () => its.log.includes("another hail holds it"));
  await Deno.writeTextFile(netrc, "machine 127.0.0.1 login a password two-two\n");
  holder.kill("SIGTERM");
  await holder.finish();
  await eventually("web is kept", async () => (await its.hail("poll", "web")).status === 0);
  await its.reload();
  await eventually(
    "web polls with the new password",
    () =>
      its.hydra.requests.some(({ headers }) => headers.get("authorization") === `Basic ${btoa("a:two-two")}`),
  );
});

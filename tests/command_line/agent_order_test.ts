/** `hail agent` as a process: who comes after whom, while the configuration changes. */
import assert from "node:assert/strict";
import { eventually } from "../support/command.ts";
import { AgentWorld } from "./agent_world.ts";

const NO_NETRC = { "netrc-file": '"/nonexistent/netrc"' };

/** Polls of Hydra within a while. */
async function pollsWithin(its: AgentWorld, milliseconds: number): Promise<number> {
  const before = its.hydra.requests.length;
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  return its.hydra.requests.length - before;
}

/** An activation that ends when it may, and with its world. */
const untilGo = (its: AgentWorld) =>
  `while [ -d ${its.folder} ] && ! [ -e ${its.folder}/go ]; do sleep 0.1; done`;
const go = (its: AgentWorld) => Deno.writeTextFile(`${its.folder}/go`, "");

Deno.test("who comes after a service that gets another name waits for it, also where the rest of its new settings cannot be used", async () => {
  await using its = await AgentWorld.keeping({ db: { profile: '"data/db"' }, web: { after: '["db"]' } });
  const web = await its.release("web");
  const db = await its.deploying("db", `${untilGo(its)}; echo "db is done" >> ${its.folder}/activations`);
  const base = { ...its.job("db"), profile: '"data/db"' };
  await its.change({ base, web: { after: '["base"]', ...NO_NETRC } });
  await its.hail("poll", "web");
  await eventually("web waits", async () => (await its.states())["web"] === "held");
  await go(its);
  await its.activated(`web ${web}`);
  assert.deepEqual((await its.activations()).slice(2), [`db ${db}`, "db is done", `web ${web}`]);
});

Deno.test("an order that is turned round is no circle where new settings cannot be used", async () => {
  await using its = await AgentWorld.keeping({ a: {}, b: { after: '["a"]' } });
  const ids = [await its.release("a"), await its.release("b")];
  await its.change({ a: { after: '["b"]' }, b: NO_NETRC });
  await eventually("they are refused", () => its.log.includes("cannot be used"));
  await its.hail("poll", "a");
  await its.activated(`a ${ids[0]}`, `b ${ids[1]}`);
  assert.deepEqual((await its.activations()).slice(2), [`b ${ids[1]}`, `a ${ids[0]}`]);
  assert.ok(await pollsWithin(its, 1_000) < 20);
});

Deno.test("a service does not wait for itself under the name of another one", async () => {
  const profiles = { db: { profile: '"data/db"' }, web: { profile: '"data/web"' } };
  await using its = await AgentWorld.keeping({ db: profiles.db, web: { ...profiles.web, after: '["db"]' } });
  const web = await its.release("web");
  await its.change({
    base: { ...its.job("db"), ...profiles.db },
    db: { ...its.job("web"), ...profiles.web, ...NO_NETRC, after: '["base"]' },
  });
  await eventually("they are refused", () => its.log.includes("cannot be used"));
  await its.hail("poll", "db");
  await its.activated(`web ${web}`);
  assert.ok(await pollsWithin(its, 1_000) < 20);
});

Deno.test("of two services that exchange their names while they wait none is forgotten", async () => {
  await using its = await AgentWorld.keeping({ db: {}, x: { profile: '"data/x"', after: '["db"]' } });
  const [x, z] = [await its.release("x"), await its.release("z")];
  await its.deploying("db", untilGo(its));
  await its.hail("poll", "x");
  await eventually("x waits", async () => (await its.states())["x"] === "held");
  await its.change({
    db: {},
    y: { ...its.job("x"), profile: '"data/x"', after: '["db"]' },
    x: { ...its.job("z"), profile: '"data/z"', after: '["db"]' },
  });
  await eventually("the new x waits", async () => {
    const { stdout } = await its.hail("status", "x");
    return /comes after db/.test(stdout.replace(/\s+/g, " "));
  });
  await go(its);
  await its.activated(`x ${x}`, `z ${z}`);
});

Deno.test("at a start nobody waits for ever where the order is turned round meanwhile", async () => {
  await using its = await AgentWorld.keeping({ b: { profile: '"data/b1"' } });
  await its.deploying("b", untilGo(its));
  const a = await its.release("a");
  const b = { ...its.job("b"), profile: '"data/b2"' };
  await its.change({ b, a: { after: '["b"]' } });
  await eventually("a waits for b", async () => "a" in await its.states());
  await its.change({ b: { ...b, after: '["a"]' }, a: {} });
  await go(its);
  await its.activated(`a ${a}`);
  await eventually("b has moved", () => its.profile("data/b2").then(() => true, () => false));
});

for (const way of ["configuration", "operator"]) {
  Deno.test(`a service need not wait for the start of another one if the ${way} says so`, async () => {
    await using its = await AgentWorld.make();
    const once = `[ -e ${its.folder}/once ] || { touch ${its.folder}/once; exit 0; }`;
    await its.release("db", `${once}\n${its.hang}`);
    const web = await its.release("web");
    await its.configure({ db: {}, web: { after: '["db"]' } });
    await its.start();
    await its.activated(`web ${web}`);
    await its.atRest("db", "web");
    await its.stop();
    await its.start();
    const again = async () => (await its.activations()).filter((line) => line.startsWith("db")).length === 2;
    await eventually("db is activated again, and hangs", again);
    const fresh = await its.release("web");
    const words = async () => (await its.hail("status", "web")).stdout.replace(/\s+/g, " ");
    if (way === "operator") {
      await eventually("it is logged", () => /web: it waits until db has started/.test(its.log));
      await eventually("it is shown", async () => /it waits until db has started/.test(await words()));
      await its.reload();
      assert.match(await words(), /it waits until db has started/, "also after a reload");
      assert.match((await its.hail("retry", "web")).stdout, /that is for the next poll\n$/);
      assert.match((await its.hail("poll", "web")).stdout, /as soon as it has started/);
      await its.hail("poll", "web", "--past-gates");
    } else await its.change({ db: {}, web: {} });
    await its.activated(`web ${fresh}`);
    await eventually("it is told no more", async () => !/until db has started/.test(await words()));
    await its.stop("SIGKILL");
  });
}

Deno.test("whoever waits goes by who has a name now, at a start and later", async () => {
  await using its = await AgentWorld.keeping({ db: { profile: '"data/p1"' }, web: { after: '["db"]' } });
  const [web, other] = [await its.release("web"), await its.release("other")];
  await its.deploying("db", its.hang);
  await its.hail("poll", "web");
  await eventually("web waits", async () => (await its.states())["web"] === "held");
  const base = { ...its.job("db"), profile: '"data/p1"' };
  const rest = { db: { ...its.job("other"), profile: '"data/p2"' }, web: { after: '["db"]' } };
  await its.change({ base, ...rest });
  await its.activated(`other ${other}`, `web ${web}`);
  // At the next start it waits for the one that hangs, until that has another name again.
  await its.stop("SIGKILL");
  await its.configure({ db: { ...its.job("db"), profile: '"data/p1"' }, web: { after: '["db"]' } });
  const begun = (await its.activations()).length;
  await its.start();
  await eventually("db hangs", () => /db: an activation .* still runs/.test(its.log));
  await its.change({ base: { ...base, after: '["web"]' }, ...rest });
  await eventually("web goes on", async () => (await its.activations()).slice(begun).includes(`web ${web}`));
  await its.stop("SIGKILL");
});

Deno.test("an order that was never in force is over as soon as it is taken back", async () => {
  await using its = await AgentWorld.keeping({ db: {}, web: {} });
  const web = await its.release("web");
  await its.deploying("db", its.hang);
  await its.change({ db: {}, web: { after: '["db"]', ...NO_NETRC } });
  await eventually("it is refused", () => its.log.includes("cannot be used"));
  await its.hail("poll", "web");
  await eventually("web waits", async () => (await its.states())["web"] === "held");
  await its.change({ db: {}, web: { "soak-time": '"1s"' } });
  await its.activated(`web ${web}`);
  await its.stop("SIGKILL");
});

Deno.test("who comes after many is deployed as soon as all of them have looked", async () => {
  const names = Array.from({ length: 30 }, (_, index) => `d${index}`);
  const others = Object.fromEntries(names.map((name) => [name, {}]));
  await using its = await AgentWorld.keeping({ ...others, web: { after: JSON.stringify(names) } }, {
    "max-activations": "8",
  });
  const web = await its.release("web");
  const before = its.hydra.requests.length;
  await its.hail("poll", "web");
  await its.activated(`web ${web}`);
  await its.atRest("web");
  // One of each of the others, and some of its own.
  assert.ok(its.hydra.requests.length - before < 2 * names.length, `${its.hydra.requests.length - before}`);
});

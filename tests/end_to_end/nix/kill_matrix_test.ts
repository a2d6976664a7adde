import assert from "node:assert/strict";
import { type Kind, type State, transitions } from "../../../lib/deployment/machine.ts";
import { NIX_SUITES } from "../../support/nix_tree.ts";
import { buildVersions, failPoint, KILLED, KillHost, type When } from "./kill_host.ts";
import { type End, SCENARIOS } from "./kill_scenarios.ts";
import { Situations } from "./kill_situations.ts";
import { World } from "./world.ts";

/** A transition of the table: one for each kind of deployment, where it leads them elsewhere. */
interface Point {
  readonly name: string;
  readonly at: (when: When) => string;
}

const POINTS: readonly Point[] = [...transitions()].flatMap(({ from, row }) => {
  const at = (when: When) => failPoint(from, row.event, when);
  const name = `${from} ${row.event}`;
  if (typeof row.to === "string") return [{ name, at }];
  return Object.keys(row.to).map((kind) => ({ name: `${name} (${kind satisfies string as Kind})`, at }));
});

/** The name of a scenario without the word that tells it from others of the same transition. */
const transitionOf = (name: string) => name.replace(/ \[.*\]$/, "");

const CASES = Object.entries(SCENARIOS).flatMap(([name, scenario]) =>
  POINTS.filter((point) => point.name === transitionOf(name)).flatMap(({ at }) =>
    (["before", "after"] as const).map((when) => ({ name, when, point: at(when), scenario }))
  )
);

/** How many cases of one Nix run at once: each waits for disks, for programs, and now and then for a second. */
const LANES = 4;

/** The history has no gap, and it leads to where the service is. */
function checkHistory(host: KillHost) {
  const { record, transitions, deployments } = host.world.remembered();
  let at: State = "idle";
  for (const [index, { seq, from, to }] of transitions.entries()) {
    assert.equal(seq, index + 1, "no transition is missing");
    assert.equal(from, at, "each transition begins where the one before led");
    at = to;
  }
  assert.equal(record.state, at);
  assert.deepEqual(deployments.map(({ id }) => id), deployments.map((_, index) => index + 1));
  assert.equal(record.deployments, deployments.length);
  for (const { id, endedAt, outcome } of deployments) {
    // One that was realised or not, and that a pause keeps from going on, is not over.
    if (record.state === "held" && id === record.work?.id) continue;
    assert.ok(endedAt !== null && outcome !== null, `deployment ${id} has come to an end`);
  }
}

/** What was marked bad is never activated again. */
async function checkMarks(host: KillHost) {
  const { bad } = host.world.remembered().record;
  for (const { at, path } of await host.activations()) {
    for (const mark of bad) {
      assert.ok(mark.path !== path || at <= mark.at, `${path} was activated after it had been marked bad`);
    }
  }
}

async function checkEnd(host: KillHost, { at, bad }: End) {
  const { record } = host.world.remembered();
  const current = await host.current();
  if (current !== null) assert.ok((await Deno.stat(host.world.tree.outside(current))).isDirectory);
  const found = {
    profile: host.nameOf(current),
    running: await host.running(),
    active: host.nameOf(record.active?.path),
    bad: record.bad.map(({ path }) => host.nameOf(path)).toSorted(),
  };
  assert.deepEqual(found, { profile: at, running: at, active: at, bad: bad.toSorted() });
  const names = await host.world.profileFolder();
  assert.ok(!names.some((name) => name.includes("hail-root")), `a root was left: ${names}`);
}

/** Drives hail to its end at the point, lets the next one go on, and looks at what has come of it. */
async function runCase(situations: Situations, { when, point, scenario }: (typeof CASES)[number]) {
  const { host } = situations;
  host.log.length = 0;
  const { given, first, run, then, ends } = scenario;
  await situations.enter(given);
  await first?.(host);
  const killed = await (run === undefined ? host.run([], point) : run(host, point));
  assert.equal(killed.status, KILLED, "hail came to the point and was killed there");
  const { from, event } = host.world.remembered().transitions.at(-1) ?? {};
  const written = `${from} ${event}` === point.replace(/ [a-z]+$/, "");
  if (when === "after") assert.ok(written, "the transition was written before the kill");
  await then?.(host);
  const end: End = "at" in ends ? ends : ends[when];
  // What the first run has come to, a second one does not change; once for each transition is enough.
  for (const which of when === "after" ? ["next", "second"] : ["next"]) {
    const { status } = await host.run([]);
    assert.equal(status, end.status, `the status of the ${which} run`);
    checkHistory(host);
    await checkMarks(host);
    await checkEnd(host, end);
  }
}

Deno.test("every transition has a scenario in which hail is killed at it, and none is left over", () => {
  const known = new Set(Object.keys(SCENARIOS).map(transitionOf));
  const there = new Set(POINTS.map(({ name }) => name));
  assert.deepEqual([...there.difference(known)], [], "transitions without a scenario");
  assert.deepEqual([...known.difference(there)], [], "scenarios without a transition");
});

for (const suite of NIX_SUITES) {
  Deno.test(`${suite}: a hail that is killed at any transition comes out right`, async (t) => {
    await using world = await World.make(suite);
    const versions = await buildVersions(world);
    // To look into a few of them: a part of what HAIL_FAIL_POINT would say.
    const only = Deno.env.get("HAIL_TEST_POINT");
    const cases = CASES.filter(({ point }) => only === undefined || point.includes(only));
    const outcomes = cases.map(() => Promise.withResolvers<Error | null>());
    let next = 0;
    const lanes = Array.from({ length: LANES }, async (_, lane) => {
      const host = new KillHost(world.beside(`web${lane}`), versions);
      const situations = new Situations(host);
      for (let index = next++; index < cases.length; index = next++) {
        const one = cases[index];
        if (one === undefined) break;
        const error = await runCase(situations, one).then(
          () => null,
          (cause: unknown) => new Error(`${cause}\n${host.log.join("\n")}`, { cause }),
        );
        outcomes[index]?.resolve(error);
      }
    });
    for (const [index, { name, when }] of cases.entries()) {
      await t.step(`killed just ${when} '${name}'`, async () => {
        const error = await outcomes[index]?.promise;
        if (error) throw error;
      });
    }
    await Promise.all(lanes);
  });
}

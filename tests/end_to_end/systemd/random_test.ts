import assert from "node:assert/strict";
import { Lane } from "../../support/random/lane.ts";
import { RandomHost } from "../../support/random/host.ts";
import type { Keeping } from "../../support/random/keeper.ts";
import { planOf } from "../../support/random/plan.ts";
import { SUITES } from "../../support/stage.ts";

/** A way to keep services. Each of them waits most of the time, so that many can be deployed to side by side. */
const WAYS = {
  units: { title: "with a hail each", lanes: 8, runs: 100 },
  agent: { title: "with one agent", lanes: 20, runs: 150 },
} as const;

/** What all hails are told. The limits are short, so that a build that hangs does not hold up the test. */
const OPTIONS = [
  ...["--poll-period", "1s", "--request-timeout", "5s", "--activation-timeout", "5s"],
  ...["--health-timeout", "3s", "--soak-time", "0s", "--keep-generations", "8"],
];

/** A longer run: HAIL_RANDOM_RUNS=2000 HAIL_RANDOM_SEED=1 deno test -A tests/end_to_end/systemd/random_test.ts */
const RUNS = numberOf("HAIL_RANDOM_RUNS");
/** How long all services may take to come to rest in the end, in milliseconds. */
const REST_LIMIT = 120_000;

const SEED = numberOf("HAIL_RANDOM_SEED") ?? Math.floor(Math.random() * 2 ** 32);

for (const keeping of ["units", "agent"] as const) {
  const { title, lanes, runs } = WAYS[keeping];
  const count = RUNS ?? runs;
  Deno.test(`${count} deployments ${title}, kills, power cuts, reboots and operators at random`, () =>
    deployAtRandom(keeping, lanes, count));
}

async function deployAtRandom(keeping: Keeping, width: number, runs: number): Promise<void> {
  const suite = SUITES[SEED % SUITES.length] ?? "trixie";
  const repeat = `HAIL_RANDOM_RUNS=${runs} HAIL_RANDOM_SEED=${SEED}`;
  say(`random test, ${WAYS[keeping].title}, on ${suite}: ${repeat}`);
  const begun = performance.now();
  const plan = planOf(SEED, width, runs, keeping);
  await using host = await RandomHost.make(suite, plan, keeping, OPTIONS);
  await host.start();
  const failed = new AbortController();
  const lanes = host.services.map((service, lane) =>
    new Lane(host, service, plan[lane] ?? [], failed.signal)
  );
  const errors: unknown[] = [];
  await Promise.all(lanes.map((lane) =>
    lane.run().catch((error) => {
      errors.push(error);
      failed.abort();
    })
  ));
  if (errors.length > 0) {
    throw new Error(`to repeat it: ${repeat}\n\n${errors.map(String).join("\n\n")}`);
  }
  const tally = new Map<string, number>();
  for (const lane of lanes) {
    for (const [what, times] of lane.tally) tally.set(what, (tally.get(what) ?? 0) + times);
  }
  say([
    `${runs} builds in ${Math.round((performance.now() - begun) / 1000)} s, ${host.boots} boots, ` +
    `${lanes.reduce((sum, { deployments }) => sum + deployments, 0)} deployments`,
    ...[...tally].toSorted().map(([what, times]) => `  ${what}: ${times}`),
  ].join("\n"));
  // Where the agent was killed for the last service, it may still activate what the others run.
  let left = await host.leftovers();
  for (const over = performance.now() + REST_LIMIT; left.length > 0 && performance.now() < over;) {
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    left = await host.leftovers();
  }
  assert.deepEqual(left, [], repeat);
  // So that a plan that has gone wrong does not pass for a success.
  assert.ok((tally.get("deployed") ?? 0) > runs / 4, "too few builds were deployed");
}

function numberOf(variable: string): number | null {
  const text = Deno.env.get(variable) ?? "";
  if (text === "") return null;
  if (!/^[0-9]{1,10}$/.test(text)) throw new Error(`${variable} is no number: ${text}`);
  return Number(text);
}

function say(text: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`${text}\n`));
}

import assert from "node:assert/strict";
import fc from "fast-check";
import { MemoryJournal } from "../../tests/support/memory_journal.ts";
import { NO_WAIT } from "../../tests/support/no_wait.ts";
import { Failure } from "../failure/failure.ts";
import type { StorePath } from "../nix/store_path.ts";
import { VirtualClock } from "../time/virtual_clock.ts";
import { Deployer } from "./deployer.ts";
import { type EventName, transitions } from "./machine.ts";
import type { Advance, ServiceRecord } from "./record.ts";

const path = (name: string) => `/nix/store/00000000000000000000000000000000-${name}` as StorePath;

class Crash extends Error {}

/** A journal of a process that can die: what it would write afterwards never reaches the disk. */
class MortalJournal extends MemoryJournal {
  dead = false;

  override write(advance: Advance) {
    if (!this.dead) super.write(advance);
  }

  override note(facts: Partial<ServiceRecord>) {
    if (!this.dead) super.note(facts);
  }
}

type Health = "good" | "activation" | "health";

/** A host whose hail dies after so many steps, and whose profile and service show what was done to them. */
function host(health: ReadonlyMap<string, Health>) {
  const journal = new MortalJournal();
  const clock = new VirtualClock();
  const state = {
    latest: 1,
    current: null as StorePath | null,
    running: null as StorePath | null,
    transient: null as "realise" | "switch" | null,
    /** Whether a gate is closed. */
    shut: false,
    /** In how many steps somebody points the profile elsewhere, and where. */
    byHand: null as { steps: number; to: StorePath } | null,
    /** How many more steps hail lives. */
    life: Infinity,
    covered: new Set<string>(),
    wrong: [] as string[],
  };
  const step = () => {
    if (state.byHand !== null && (state.byHand.steps -= 1) <= 0) {
      state.current = state.byHand.to;
      state.byHand = null;
    }
    state.life -= 1;
    if (state.life <= 0) {
      journal.dead = true;
      throw new Crash("killed");
    }
    return Promise.resolve();
  };
  const fail = (code: "cache-unreachable" | "activation-failed" | "health-failed" | "switch-failed") =>
    new Failure(code, { what: "x", why: "broken", next: "Mend it." });
  const make = () =>
    new Deployer({
      hydra: {
        latest: () => step().then(() => state.latest),
        build: (id) => Promise.resolve({ id, outPath: path(`v${id}`), name: `v${id}`, finishedAt: null }),
      },
      nix: {
        async realise() {
          await step();
          if (state.transient === "realise") throw fail("cache-unreachable");
          await step();
        },
        async switchTo(to) {
          await step();
          if (state.transient === "switch") throw fail("switch-failed");
          state.current = to;
          await step();
        },
        async remove() {
          await step();
          state.current = null;
          await step();
        },
        protect: step,
        release: step,
        collect: step,
      },
      turns: NO_WAIT,
      gates: {
        limit: 1,
        ask: () =>
          step().then(() => state.shut ? { gate: "window", why: "not now", askAgainAt: null } : null),
      },
      activator: {
        outlives: false,
        async activate({ storePath, onBegin }) {
          await step();
          onBegin();
          state.running = null;
          await step();
          if (health.get(storePath) === "activation") throw fail("activation-failed");
          state.running = storePath;
          await step();
          return { degraded: false };
        },
        tidy: step,
        async deactivate() {
          await step();
          state.running = null;
          await step();
        },
      },
      verifier: {
        limit: 1,
        async verify({ storePath }) {
          await step();
          if (state.running !== storePath) state.wrong.push(`verified ${storePath}, not running`);
          await step();
          if (health.get(storePath) === "health") throw fail("health-failed");
        },
      },
      journal,
      current: () => Promise.resolve(state.current),
      clock,
      stages: { enter: () => {} },
      report: () => {},
      bootId: () => Promise.resolve("boot"),
      failPoint: (point) => {
        state.covered.add(point.replace(/ (before|after)$/, ""));
        state.life -= 1;
        if (state.life > 0) return;
        journal.dead = true;
        throw new Crash("killed");
      },
    }, {
      limits: { request: 1, realise: 1, activation: 1 },
      policy: { onManualChange: "respect", refuseDowngrade: false },
    });
  return { state, journal, make };
}

const FOREVER = { gently: new AbortController().signal, now: new AbortController().signal };

/** One life of a hail: a start and some passes, until it dies or has nothing more to do. */
async function live(its: ReturnType<typeof host>, passes: number, between: () => void = () => {}) {
  its.journal.dead = false;
  const deployer = its.make();
  try {
    await deployer.start(FOREVER);
    for (let pass = 0; pass < passes && !its.journal.dead; pass++) {
      try {
        await deployer.pass(FOREVER);
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
      }
      between();
    }
  } catch (error) {
    if (!(error instanceof Crash)) throw error;
  }
}

function checkHistory({ transitions, history, record }: MemoryJournal) {
  let at: string = "idle";
  for (const { from, to } of transitions) {
    assert.equal(from, at, "the journal has no gap");
    at = to;
  }
  assert.equal(record.state, at);
  assert.deepEqual([...history.keys()].toSorted((a, b) => a - b), [...history.keys()].map((_, n) => n + 1));
  for (const { id, endedAt } of history.values()) {
    if (id !== record.work?.id) assert.notEqual(endedAt, null, `deployment ${id} has come to an end`);
  }
}

const releases = fc.array(
  fc.record({
    health: fc.constantFrom<Health>("good", "good", "activation", "health"),
    transient: fc.constantFrom(null, null, "realise", "switch"),
    shut: fc.constantFrom(false, false, false, true),
    latest: fc.integer({ min: 0, max: 3 }),
    life: fc.integer({ min: 1, max: 40 }),
    again: fc.integer({ min: 1, max: 40 }),
    byHand: fc.option(
      fc.record({ steps: fc.integer({ min: 1, max: 40 }), to: fc.integer({ min: 1, max: 5 }) }),
      { freq: 2 },
    ),
    flip: fc.boolean(),
    preset: fc.integer({ min: 0, max: 9 }),
  }),
  { minLength: 1, maxLength: 6 },
);

/** What the operator says, and what this host does not do, is tested with the deployer and on a real Nix. */
const ELSEWHERE: readonly EventName[] = [
  "rollback-asked",
  "refused",
  "switch-broke",
  "restore-failed",
  "undo-failed",
];

/** Lives through so many random stories, and says which transitions were met in them. */
async function explore(parameters: fc.Parameters<unknown>): Promise<ReadonlySet<string>> {
  const covered = new Set<string>();
  await fc.assert(
    fc.asyncProperty(releases, async (them) => {
      const health = new Map<string, Health>(them.map(({ health }, n) => [path(`v${n + 1}`), health]));
      const its = host(health);
      const { state, journal } = its;
      for (const [n, release] of them.entries()) {
        const { transient, shut, latest: back, life, again, byHand, flip, preset } = release;
        // Hydra goes forwards as a rule, and sometimes back.
        state.latest = Math.max(1, n + 1 - (back === 3 ? n : back === 2 ? 1 : 0));
        const latest = state.latest;
        if (n === 0 && preset === 0) state.current = path("v9");
        if (byHand !== null) state.byHand = { steps: byHand.steps, to: path(`v${byHand.to}`) };
        state.transient = transient;
        state.shut = shut;
        for (const span of [life, again]) {
          state.life = span;
          await live(its, 3, () => {
            if (flip) state.latest = state.latest === latest ? Math.max(1, latest - 1) : latest;
          });
        }
        state.latest = latest;
        state.byHand = null;
        state.transient = null;
        state.shut = false;
        state.life = Infinity;
        const marked = new Set<string>(journal.record.bad.map((bad) => bad.path));
        const before = journal.transitions.length;
        await live(its, 3);
        checkHistory(journal);

        const { record } = journal;
        const wanted = path(`v${latest}`);
        assert.deepEqual(state.wrong, []);
        assert.equal(
          state.current,
          record.active?.path ?? state.current,
          "the profile is at the active version",
        );
        const bad = record.bad.some((mark) => mark.path === wanted);
        if (health.get(wanted) === "good" && !bad) {
          assert.equal(state.running, wanted);
          assert.equal(record.state, "active");
        } else if (record.active !== null && health.get(record.active.path) === "good") {
          assert.equal(state.running, record.active.path, "the service runs the active version");
        }
        // What was marked bad before is never the target of a new deployment.
        for (const { event, deploymentId } of journal.transitions.slice(before)) {
          if (event !== "build-found") continue;
          assert.ok(!marked.has(journal.history.get(deploymentId ?? 0)?.target.path ?? ""));
        }
      }
      for (const point of state.covered) covered.add(point);
    }),
    parameters,
  );
  return covered;
}

Deno.test("a hail that is killed at any two points of any deployment comes out right", async () => {
  await explore({ numRuns: 500 });
});

Deno.test("a hail that is killed comes out right from every transition there is", async () => {
  // Always the same stories, which are known to meet them all.
  const covered = await explore({ numRuns: 3000, seed: 1 });
  const missing = [...transitions()]
    .map(({ from, row }) => ({ event: row.event, name: `${from} ${row.event}` }))
    .filter(({ event, name }) => !ELSEWHERE.includes(event) && !covered.has(name))
    .map(({ name }) => name);
  assert.deepEqual(missing, [], "every transition was met");
});

/** A {@linkcode Deployer} in a world that tests make go wrong. */
import assert from "node:assert/strict";
import type { Policy } from "../../lib/deployment/decision.ts";
import { Deployer, type Stop } from "../../lib/deployment/deployer.ts";
import type { Closed } from "../../lib/deployment/record.ts";
import { Failure, type FailureCode } from "../../lib/failure/failure.ts";
import type { StorePath } from "../../lib/nix/store_path.ts";
import type { Event } from "../../lib/report/event.ts";
import { VirtualClock } from "../../lib/time/virtual_clock.ts";
import { MemoryJournal } from "./memory_journal.ts";
import { NO_WAIT } from "./no_wait.ts";

/** The store path of a name. */
export const path = (name: string) => `/nix/store/00000000000000000000000000000000-${name}` as StorePath;

/** A failure that passes. */
export const failure = (code: FailureCode) =>
  new Failure(code, { what: "x", why: "broken", next: "Mend it." });

/** A world in which all goes well unless a test says otherwise. A key of `fail` is a stage, or a stage and its path. */
export function world(policy: Partial<Policy> = {}) {
  const done: string[] = [];
  const events: Event[] = [];
  const gently = new AbortController();
  const now = new AbortController();
  const clock = new VirtualClock();
  const journal = new MemoryJournal();
  const state = {
    done,
    events,
    clock,
    journal,
    latest: 1,
    builds: new Map([[1, "a"], [2, "b"], [3, "a"], [4, "c"], [5, "d"]]),
    current: null as StorePath | null,
    fail: new Map<string, Error>(),
    degraded: false,
    /** The gate that is closed, and since when the gates were last told that the build is known. */
    closed: null as Closed | null,
    knownSince: null as number | null,
    gently,
    now,
    stop: { gently: gently.signal, now: now.signal } as Stop,
    on: (_stage: string): void | Promise<void> => {},
  };
  const act = async (stage: string, what: string) => {
    done.push(`${stage} ${what}`.trim());
    await state.on(`${stage} ${what}`.trim());
    const error = state.fail.get(`${stage} ${what[0]}`) ?? state.fail.get(stage);
    if (error !== undefined) throw error;
  };
  const make = () =>
    new Deployer({
      hydra: {
        latest: async () => {
          await act("latest", "");
          return state.latest;
        },
        build: async (id) => {
          await act("build", String(id));
          const name = state.builds.get(id) ?? "";
          return { id, outPath: path(name), name, finishedAt: null };
        },
      },
      nix: {
        realise: async (to, signal) => {
          await act("realise", to.slice(-1));
          signal.throwIfAborted();
        },
        async switchTo(to) {
          await act("switch", to.slice(-1));
          state.current = to;
        },
        async remove(of) {
          await act("remove", of.slice(-1));
          state.current = null;
        },
        protect: (of) => act("protect", of.slice(-1)),
        release: () => act("release", ""),
        collect: (keep) => act("collect", keep.map((one) => one.slice(-1)).join()),
      },
      turns: NO_WAIT,
      gates: {
        limit: 1,
        ask: async ({ build, knownSince, first }, signal) => {
          state.knownSince = knownSince;
          const what = `${build.outPath.slice(-1)}${first ? " first" : ""}`;
          // Gates that are open are not worth a word.
          if (state.closed === null) await state.on(`ask ${what}`);
          else await act("ask", what);
          signal.throwIfAborted();
          return state.closed;
        },
      },
      activator: {
        outlives: false,
        activate: async ({ id, storePath, previous, buildId, onBegin }) => {
          assert.match(id, /^\d+-\d+$/);
          onBegin();
          const from = previous?.slice(-1) ?? "-";
          await act("activate", `${storePath.slice(-1)} from ${from} build ${buildId ?? "-"}`);
          return { degraded: state.degraded };
        },
        tidy: () => Promise.resolve(),
        deactivate: ({ storePath }) => act("deactivate", storePath.slice(-1)),
      },
      verifier: {
        limit: 1,
        verify: async ({ storePath, confirm }, signal) => {
          await act("verify", `${storePath.slice(-1)}${confirm ? " and Hydra" : ""}`);
          signal.throwIfAborted();
        },
      },
      journal,
      current: () => Promise.resolve(state.current),
      clock,
      stages: { enter: () => {} },
      report: (event) => events.push(event),
      bootId: () => Promise.resolve("boot"),
    }, {
      limits: { request: 1, realise: 1, activation: 1 },
      policy: { onManualChange: "respect", refuseDowngrade: false, ...policy },
    });
  const take = () => done.splice(0);
  const names = () => events.splice(0).map(({ name }) => name);
  /** At build 1, path a, and idle. */
  const settled = async () => {
    const deployer = make();
    await deployer.start(state.stop);
    await deployer.pass(state.stop);
    take();
    names();
    return deployer;
  };
  return { state, journal, make, settled, take, names };
}

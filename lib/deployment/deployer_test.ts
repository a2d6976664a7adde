import assert from "node:assert/strict";
import { Failure, type FailureCode } from "../failure/failure.ts";
import type { StorePath } from "../nix/store_path.ts";
import type { Event } from "../report/event.ts";
import { VirtualClock } from "../time/virtual_clock.ts";
import { Deployer, type Stop } from "./deployer.ts";

const path = (name: string) => `/nix/store/00000000000000000000000000000000-${name}` as StorePath;
const failure = (code: FailureCode) => new Failure(code, { what: "x", why: "broken", next: "Mend it." });

/** A world in which all goes well unless a test says otherwise. */
function world() {
  const done: string[] = [];
  const events: Event[] = [];
  const gently = new AbortController();
  const now = new AbortController();
  const state = {
    done,
    events,
    latest: 1,
    builds: new Map([[1, "a"], [2, "b"], [3, "a"]]),
    current: null as StorePath | null,
    /** Throws in the stage of this name. */
    fail: new Map<string, Error>(),
    gently,
    now,
    stop: { gently: gently.signal, now: now.signal } as Stop,
    on: (_stage: string) => {},
  };
  const act = (stage: string, what: string) => {
    done.push(`${stage} ${what}`);
    state.on(stage);
    const error = state.fail.get(stage);
    return error === undefined ? Promise.resolve() : Promise.reject(error);
  };
  const deployer = new Deployer({
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
      realise: (to) => act("realise", to.slice(-1)),
      async switchTo(to) {
        await act("switch", to.slice(-1));
        state.current = to;
      },
      release: () => act("release", ""),
    },
    activator: {
      activate: ({ storePath, previous, buildId }) =>
        act("activate", `${storePath.slice(-1)} from ${previous?.slice(-1) ?? "-"} build ${buildId ?? "-"}`),
    },
    current: () => Promise.resolve(state.current),
    clock: new VirtualClock(),
    stages: { enter: () => {} },
    report: (event) => events.push(event),
  }, { request: 1, realise: 1, activation: 1 });
  const take = () => done.splice(0);
  const names = () => events.splice(0).map(({ name }) => name);
  return { state, deployer, take, names };
}

Deno.test("Deployer deploys the first build of a profile that does not exist yet", async () => {
  const { state, deployer, take, names } = world();
  await deployer.start(state.stop);
  assert.deepEqual(take(), [], "there is nothing to activate");
  assert.equal((await deployer.pass(state.stop)).deployed, true);
  assert.deepEqual(take(), [
    "latest ",
    "build 1",
    "realise a",
    "switch a",
    "activate a from - build 1",
    "release ",
  ]);
  assert.deepEqual(names(), ["build-found", "realise", "switch", "activate", "activated"]);
});

Deno.test("Deployer asks one question when nothing is new, and deploys what is", async () => {
  const { state, deployer, take } = world();
  await deployer.pass(state.stop);
  take();
  assert.equal((await deployer.pass(state.stop)).deployed, false);
  assert.deepEqual(take(), ["latest "]);
  state.latest = 2;
  assert.equal((await deployer.pass(state.stop)).deployed, true);
  assert.deepEqual(take(), [
    "latest ",
    "build 2",
    "realise b",
    "switch b",
    "activate b from a build 2",
    "release ",
  ]);
});

Deno.test("Deployer activates an existing profile at the start, and not again when it is the latest", async () => {
  const { state, deployer, take } = world();
  state.current = path("a");
  await deployer.start(state.stop);
  assert.deepEqual(take(), ["activate a from a build -"]);
  assert.equal((await deployer.pass(state.stop)).deployed, false);
  assert.deepEqual(take(), ["latest ", "build 1", "release "]);
});

Deno.test("Deployer reports a failed activation at the start, and the next build still comes", async () => {
  const { state, deployer, take, names } = world();
  state.current = path("a");
  state.latest = 2;
  state.fail.set("activate", failure("activation-failed"));
  await deployer.start(state.stop);
  assert.deepEqual(names(), ["activate", "failure"]);
  state.fail.clear();
  await deployer.pass(state.stop);
  assert.deepEqual(take().slice(-3), ["switch b", "activate b from a build 2", "release "]);
});

Deno.test("Deployer fails with the activation of the start when that path is the latest, and then runs it again", async () => {
  const { state, deployer, take } = world();
  state.current = path("a");
  state.fail.set("activate", failure("activation-failed"));
  await deployer.start(state.stop);
  take();
  await assert.rejects(deployer.pass(state.stop), { code: "activation-failed" });
  assert.deepEqual(take(), ["latest ", "build 1"], "it is not run twice in a row");
  state.fail.clear();
  assert.equal((await deployer.pass(state.stop)).deployed, true);
  assert.deepEqual(take(), ["latest ", "activate a from a build 1", "release "]);
});

Deno.test("Deployer goes on where a pass failed", async () => {
  const { state, deployer, take } = world();
  for (const stage of ["latest", "build", "realise", "switch", "activate"]) {
    state.fail = new Map([[stage, failure("internal")]]);
    await assert.rejects(deployer.pass(state.stop), { code: "internal" }, stage);
  }
  state.fail.clear();
  take();
  await deployer.pass(state.stop);
  assert.deepEqual(
    take(),
    ["latest ", "activate a from - build 1", "release "],
    "only the activation was missing",
  );
});

Deno.test("Deployer neither switches nor activates again for a new build with the old path", async () => {
  const { state, deployer, take } = world();
  await deployer.pass(state.stop);
  take();
  state.latest = 3;
  assert.equal((await deployer.pass(state.stop)).deployed, false);
  assert.deepEqual(take(), ["latest ", "build 3", "release "]);
});

Deno.test("Deployer follows Hydra backwards, with a warning", async () => {
  const { state, deployer } = world();
  state.latest = 2;
  await deployer.pass(state.stop);
  state.latest = 1;
  await deployer.pass(state.stop);
  assert.equal(state.current, path("a"));
  const found = state.events.filter(({ name }) => name === "build-found").at(-1);
  assert.equal(found?.level, "warning");
  assert.match(found?.message ?? "", /back from 2 to 1/);
});

Deno.test("Deployer leaves a profile that was changed by hand, says so once, and deploys the next build", async () => {
  const { state, deployer, take, names } = world();
  await deployer.pass(state.stop);
  state.current = path("z");
  names();
  take();
  await deployer.pass(state.stop);
  await deployer.pass(state.stop);
  assert.deepEqual(take(), ["latest ", "latest "]);
  assert.deepEqual(names(), ["changed-by-hand"]);
  state.latest = 2;
  await deployer.pass(state.stop);
  assert.deepEqual(take().slice(-2), ["activate b from z build 2", "release "]);
});

Deno.test("Deployer tells a second try of an activation what the profile pointed at before the switch", async () => {
  const { state, deployer, take } = world();
  await deployer.pass(state.stop);
  state.latest = 2;
  state.fail.set("activate", failure("activation-failed"));
  await assert.rejects(deployer.pass(state.stop));
  await assert.rejects(deployer.pass(state.stop));
  state.fail.clear();
  await deployer.pass(state.stop);
  assert.equal(take().filter((done) => done === "activate b from a build 2").length, 3);
});

Deno.test("Deployer does not deploy without end where something else sets the profile back", async () => {
  const { state, deployer, take } = world();
  state.on = (stage) => {
    if (stage === "activate") state.current = path("z");
  };
  await assert.rejects(deployer.pass(state.stop), /points at .*-z again, so something else changes it/);
  assert.equal(take().filter((done) => done.startsWith("switch")).length, 1);
});

for (const stage of ["realise", "switch"]) {
  Deno.test(`Deployer goes no further after ${stage} when it was told to stop`, async () => {
    const { state, deployer, take } = world();
    state.on = (at) => at === stage && state.gently.abort(new Error("stop"));
    await assert.rejects(deployer.pass(state.stop), /stop/);
    assert.equal(take().at(-1), `${stage} a`);
  });
}

Deno.test("Deployer lets an activation finish when it was told to stop gently", async () => {
  const { state, deployer } = world();
  state.on = (at) => at === "activate" && state.gently.abort(new Error("stop"));
  assert.equal((await deployer.pass(state.stop)).deployed, true);
});

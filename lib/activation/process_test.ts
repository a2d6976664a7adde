import assert from "node:assert/strict";
import type { Activation } from "../deployment/ports.ts";
import type { StorePath } from "../nix/store_path.ts";
import { createRunCommand } from "../process/run_command.ts";
import type { Event } from "../report/event.ts";
import { systemClock } from "../time/system_clock.ts";
import { createActivator } from "./choose.ts";

const NEVER = new AbortController().signal;
const STOP = { gently: NEVER, now: NEVER };
const RUN: Activation = {
  id: "1-1",
  storePath: "/nix/store/x-web-2" as StorePath,
  previous: "/nix/store/x-web-1" as StorePath,
  buildId: 7,
  leader: null,
  onBegin() {},
  onLeader() {},
};

/** A profile in a temporary folder, with these programs. */
async function profileWith(scripts: Readonly<Record<string, string>>, mode = 0o755, timeLimit = 1_000) {
  const path = await Deno.makeTempDir({ prefix: "hail-activate-" });
  await Deno.mkdir(`${path}/bin`);
  for (const [name, script] of Object.entries(scripts)) {
    await Deno.writeTextFile(`${path}/bin/${name}`, script, { mode });
  }
  const events: Event[] = [];
  const activator = createActivator({
    profile: path,
    jobUri: "http://h/job/a/b/c/latest",
    timeLimit,
    degradedStatuses: [4],
    environment: {},
    systemd: false,
    run: createRunCommand(systemClock),
    clock: systemClock,
    report: (event) => events.push(event),
  });
  return {
    ...{ path, events, activator },
    output: (stream: string) =>
      events.filter(({ fields }) => fields?.["stream"] === stream).map(({ message }) => message),
    named: (name: string) => events.filter((event) => event.name === name),
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}

Deno.test("activate runs bin/activate without arguments, with its environment, and passes its output on", async () => {
  await using its = await profileWith({
    activate: '#!/bin/sh\necho "$#:$0"\nenv | grep ^HAIL_ | sort\necho oops >&2\n',
  });
  const leaders: number[] = [];
  const done = await its.activator.activate({ ...RUN, onLeader: (pid) => leaders.push(pid) }, STOP);
  assert.deepEqual(done, { degraded: false });
  assert.deepEqual(its.output("stdout"), [
    `0:${its.path}/bin/activate`,
    "HAIL_BUILD_ID=7",
    "HAIL_JOB_URI=http://h/job/a/b/c/latest",
    "HAIL_PREVIOUS_STORE_PATH=/nix/store/x-web-1",
    `HAIL_PROFILE=${its.path}`,
    "HAIL_STORE_PATH=/nix/store/x-web-2",
  ]);
  assert.deepEqual(its.output("stderr"), ["oops"]);
  assert.equal(leaders.length, 1);
  assert.equal(its.activator.outlives, false);
});

Deno.test("activate tells of its process before the process has ended", async () => {
  await using its = await profileWith({ activate: '#!/bin/sh\nread -r _ <"$HAIL_PROFILE/fifo"\n' });
  await new Deno.Command("mkfifo", { args: [`${its.path}/fifo`] }).output();
  let leader = 0;
  const activating = its.activator.activate({ ...RUN, onLeader: (pid) => leader = pid }, STOP);
  while (leader === 0) await systemClock.sleep(5);
  await Deno.writeTextFile(`${its.path}/fifo`, "go\n");
  await activating;
});

Deno.test("activate leaves empty what is not known", async () => {
  await using its = await profileWith({
    activate: '#!/bin/sh\necho "<$HAIL_BUILD_ID><$HAIL_PREVIOUS_STORE_PATH>"\n',
  });
  await its.activator.activate({ ...RUN, previous: null, buildId: null }, STOP);
  assert.deepEqual(its.output("stdout"), ["<><>"]);
});

Deno.test("activate says that a status stands for degraded, if it does", async () => {
  await using its = await profileWith({ activate: "#!/bin/sh\nexit 4\n" });
  assert.deepEqual(await its.activator.activate(RUN, STOP), { degraded: true });
});

for (
  const [what, scripts, mode, code, why] of [
    ["is missing", {}, 0, "activate-missing", /bin\/activate: the profile does not have it/],
    [
      "has no execute permission",
      { activate: "#!/bin/sh\n" },
      0o644,
      "activate-not-executable",
      /no execute permission/,
    ],
    [
      "names no interpreter that exists",
      { activate: "#!/no/such\n" },
      0o755,
      "activate-not-executable",
      /interpreter/,
    ],
    ["fails", { activate: "#!/bin/sh\nexit 5\n" }, 0o755, "activation-failed", /ended with status 5/],
    ["is killed", { activate: "#!/bin/sh\nkill -9 $$\n" }, 0o755, "activation-failed", /SIGKILL ended it/],
    [
      "hangs",
      { activate: "#!/bin/sh\nexec sleep 60\n" },
      0o755,
      "activation-timeout",
      /longer than its time limit/,
    ],
  ] as const
) {
  Deno.test(`activate fails clearly when bin/activate ${what}`, async () => {
    await using its = await profileWith(scripts, mode);
    await assert.rejects(its.activator.activate(RUN, STOP), (error: Error & { code?: string }) => {
      assert.equal(error.code, code);
      assert.match(error.message, why);
      return true;
    });
  });
}

Deno.test("activate goes on at a gentle stop, and is ended by a second one", async () => {
  await using its = await profileWith({ activate: "#!/bin/sh\necho begun\nexec sleep 60\n" }, 0o755, 20_000);
  const gently = AbortSignal.abort(new Error("gently"));
  const now = new AbortController();
  const activating = its.activator.activate(RUN, { gently, now: now.signal });
  while (its.output("stdout").length === 0) await systemClock.sleep(5);
  now.abort();
  await assert.rejects(activating, { code: "activation-aborted" });
  await assert.rejects(its.activator.activate(RUN, { gently, now: now.signal }), {
    code: "activation-aborted",
  });
});

/** Starts an activation as a hail that is killed then has left it. */
function leave(path: string, script: string): Deno.ChildProcess {
  return new Deno.Command("/bin/sh", { args: ["-c", script], env: { HAIL_PROFILE: path }, detached: true })
    .spawn();
}

Deno.test("activate waits for what an earlier hail has left, and then runs again", async () => {
  await using its = await profileWith({ activate: '#!/bin/sh\ncat "$HAIL_PROFILE/left"\n' });
  const left = leave(its.path, 'sleep 0.3; echo done >"$HAIL_PROFILE/left"');
  const done = left.status;
  assert.deepEqual(await its.activator.activate({ ...RUN, leader: left.pid }, STOP), { degraded: false });
  await done;
  assert.deepEqual(its.output("stdout"), ["done"]);
  assert.equal(its.named("activation-left")[0]?.level, "warning");
});

Deno.test("activate ends what an earlier hail has left when it takes too long, with its children", async () => {
  await using its = await profileWith({ activate: "#!/bin/sh\necho again\n" }, 0o755, 100);
  const left = leave(its.path, "sleep 60 & wait");
  const done = left.status;
  await its.activator.activate({ ...RUN, leader: left.pid }, STOP);
  assert.equal((await done).signal, "SIGTERM");
  assert.deepEqual(its.output("stdout"), ["again"]);
});

Deno.test("activate does not wait for another process that has taken over the number", async () => {
  await using its = await profileWith({ activate: "#!/bin/sh\n" });
  const other = leave(`${its.path}-other`, "exec sleep 60");
  await its.activator.activate({ ...RUN, leader: other.pid }, STOP);
  other.kill("SIGKILL");
  assert.equal((await other.status).signal, "SIGKILL");
  assert.equal(its.named("activation-lost").length, 1);
});

Deno.test("deactivate does nothing where there is none, runs one that there is, and only warns when it fails", async () => {
  await using none = await profileWith({});
  await none.activator.deactivate(RUN, STOP);
  assert.deepEqual(none.events, []);
  await using good = await profileWith({ deactivate: '#!/bin/sh\necho "bye $HAIL_BUILD_ID"\n' });
  await good.activator.deactivate(RUN, STOP);
  assert.deepEqual(good.output("stdout"), ["bye 7"]);
  assert.deepEqual(good.named("deactivate-failed"), []);
  await using bad = await profileWith({ deactivate: "#!/bin/sh\nexit 3\n" });
  await bad.activator.deactivate(RUN, STOP);
  assert.equal(bad.named("deactivate-failed")[0]?.level, "warning");
  assert.match(bad.named("deactivate-failed")[0]?.message ?? "", /ended with status 3/);
});

Deno.test("outwait waits for what an earlier hail has left, and runs nothing", async () => {
  await using its = await profileWith({ activate: "#!/bin/sh\necho again\n" });
  const left = leave(its.path, 'sleep 0.3; echo done >"$HAIL_PROFILE/left"');
  const done = left.status;
  await its.activator.outwait(left.pid, STOP);
  assert.equal(await Deno.readTextFile(`${its.path}/left`), "done\n");
  await done;
  assert.match(
    its.named("activation-left")[0]?.message ?? "",
    /still runs as process [0-9]+: waiting for it$/,
  );
  await its.activator.outwait(left.pid, STOP);
  await its.activator.outwait(null, STOP);
  assert.equal(its.events.length, 1, "what has ended is no event");
});

Deno.test("outwait ends what is left when hail is told twice to stop", async () => {
  await using its = await profileWith({});
  const left = leave(its.path, "sleep 60 & wait");
  const done = left.status;
  const now = new AbortController();
  const waiting = its.activator.outwait(left.pid, { gently: NEVER, now: now.signal });
  now.abort();
  await assert.rejects(waiting, { code: "activation-aborted" });
  assert.equal((await done).signal, "SIGTERM");
});

Deno.test("tidy has nothing to do", async () => {
  await using its = await profileWith({});
  await its.activator.tidy(null);
  assert.deepEqual(its.events, []);
});

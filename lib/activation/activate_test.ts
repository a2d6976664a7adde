import assert from "node:assert/strict";
import { createRunCommand } from "../process/run_command.ts";
import type { Event } from "../report/event.ts";
import { systemClock } from "../time/system_clock.ts";
import { createActivator } from "./activate.ts";

const NEVER = new AbortController().signal;
const RUN = { storePath: "/nix/store/x-web-2", previous: "/nix/store/x-web-1", buildId: 7 };

/** A profile in a temporary folder, with this bin/activate. */
async function profileWith(script: string | null, mode = 0o755) {
  const path = await Deno.makeTempDir({ prefix: "hail-activate-" });
  await Deno.mkdir(`${path}/bin`);
  if (script !== null) await Deno.writeTextFile(`${path}/bin/activate`, script, { mode });
  const events: Event[] = [];
  const activator = createActivator({
    profile: path,
    jobUri: "http://h/job/a/b/c/latest",
    timeLimit: 1_000,
    run: createRunCommand(systemClock),
    report: (event) => events.push(event),
  });
  return { path, events, activator, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

Deno.test("activate runs bin/activate without arguments, with its environment, and passes its output on", async () => {
  await using its = await profileWith('#!/bin/sh\necho "$#:$0"\nenv | grep ^HAIL_ | sort\necho oops >&2\n');
  await its.activator.activate(RUN, NEVER);
  assert.deepEqual(
    its.events.filter(({ fields }) => fields?.["stream"] === "stdout").map(({ message }) => message),
    [
      `0:${its.path}/bin/activate`,
      "HAIL_BUILD_ID=7",
      "HAIL_JOB_URI=http://h/job/a/b/c/latest",
      "HAIL_PREVIOUS_STORE_PATH=/nix/store/x-web-1",
      `HAIL_PROFILE=${its.path}`,
      "HAIL_STORE_PATH=/nix/store/x-web-2",
    ],
  );
  assert.deepEqual(
    its.events.filter(({ fields }) => fields?.["stream"] === "stderr").map(({ message }) => message),
    ["oops"],
  );
});

Deno.test("activate leaves empty what is not known", async () => {
  await using its = await profileWith('#!/bin/sh\necho "<$HAIL_BUILD_ID><$HAIL_PREVIOUS_STORE_PATH>"\n');
  await its.activator.activate({ ...RUN, previous: null, buildId: null }, NEVER);
  assert.deepEqual(its.events.map(({ message }) => message), ["<><>"]);
});

for (
  const [what, script, mode, code, why] of [
    ["is missing", null, 0, "activate-missing", /no bin\/activate/],
    ["has no execute permission", "#!/bin/sh\n", 0o644, "activate-not-executable", /no execute permission/],
    ["names no interpreter that exists", "#!/no/such\n", 0o755, "activate-not-executable", /interpreter/],
    ["fails", "#!/bin/sh\nexit 4\n", 0o755, "activation-failed", /ended with status 4/],
    ["is killed", "#!/bin/sh\nkill -9 $$\n", 0o755, "activation-failed", /SIGKILL ended it/],
    ["hangs", "#!/bin/sh\nexec sleep 60\n", 0o755, "activation-timeout", /longer than its time limit/],
  ] as const
) {
  Deno.test(`activate fails clearly when bin/activate ${what}`, async () => {
    await using its = await profileWith(script, mode);
    await assert.rejects(its.activator.activate(RUN, NEVER), (error: Error & { code?: string }) => {
      assert.equal(error.code, code);
      assert.match(error.message, why);
      return true;
    });
  });
}

Deno.test("activate is ended by its signal", async () => {
  await using its = await profileWith("#!/bin/sh\necho begun\nexec sleep 60\n");
  const abort = new AbortController();
  setTimeout(() => abort.abort(), 200);
  await assert.rejects(its.activator.activate(RUN, abort.signal), { code: "activation-aborted" });
  await assert.rejects(its.activator.activate(RUN, abort.signal), { code: "activation-aborted" });
});

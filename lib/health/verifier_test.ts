import assert from "node:assert/strict";
import { startRawServer } from "../../tests/support/raw_server.ts";
import { Failure } from "../failure/failure.ts";
import type { StorePath } from "../nix/store_path.ts";
import { createRunCommand } from "../process/run_command.ts";
import type { Event } from "../report/event.ts";
import { systemClock } from "../time/system_clock.ts";
import { VirtualClock } from "../time/virtual_clock.ts";
import { type HealthCheck, parseHealthCheck } from "./check.ts";
import { createVerifier, type VerifierOptions } from "./verifier.ts";

const NEVER = new AbortController().signal;
const VERIFICATION = {
  storePath: "/nix/store/x-web-2" as StorePath,
  previous: "/nix/store/x-web-1" as StorePath,
  buildId: 7,
  confirm: false,
};

/** A profile in a temporary folder, and what a verifier for it needs. */
async function profileWith(more: Partial<VerifierOptions> = {}) {
  const profile = await Deno.makeTempDir({ prefix: "hail-health-" });
  await Deno.mkdir(`${profile}/bin`);
  const events: Event[] = [];
  const clock = new VirtualClock();
  const verifier = createVerifier({
    profile,
    jobUri: "http://h/job/a/b/c/latest",
    checks: [],
    timeLimit: 60_000,
    soak: 30_000,
    confirm: null,
    run: () => assert.fail("nothing is to be run"),
    clock,
    report: (event) => events.push(event),
    ...more,
  });
  return {
    profile,
    events,
    clock,
    verifier,
    ship: (text: string, mode = 0o755) => Deno.writeTextFile(`${profile}/bin/health-check`, text, { mode }),
    [Symbol.asyncDispose]: () => Deno.remove(profile, { recursive: true }),
  };
}

/** Lets virtual time pass, once it has begun to check, until a verification has settled. */
async function pass(
  { clock, events }: { clock: VirtualClock; events: readonly Event[] },
  verification: Promise<void>,
): Promise<void> {
  let settled = false;
  const watched = verification.finally(() => settled = true);
  watched.catch(() => {});
  const before = events.length;
  // The file system has a time of its own.
  while (!settled && events.length === before) await new Promise((resolve) => setTimeout(resolve, 1));
  while (!settled) await clock.advance(1_000);
  await watched;
}

async function failureOf(promise: Promise<unknown>): Promise<Failure> {
  try {
    await promise;
  } catch (error) {
    assert(error instanceof Failure, String(error));
    return error;
  }
  throw new assert.AssertionError({ message: "it did not fail" });
}

Deno.test("verify: without any check it returns at once and says nothing", async () => {
  await using its = await profileWith();
  await its.verifier.verify(VERIFICATION, NEVER);
  assert.deepEqual(its.events, []);
});

Deno.test("verify: checks pass and hold, with one line at the beginning and one at the end", async () => {
  let status = 503;
  const signals: AbortSignal[] = [];
  await using its = await profileWith({
    checks: [parseHealthCheck("http http://127.0.0.1:1/")],
    fetch: (_url, { signal }) => {
      if (signal) signals.push(signal);
      return Promise.resolve(new Response(null, { status }));
    },
  });
  its.clock.sleep(6_500).then(() => status = 200);
  await pass(its, its.verifier.verify(VERIFICATION, NEVER));
  assert.deepEqual(
    its.events.filter(({ level }) => level !== "debug").map((
      { name, level, message },
    ) => [name, level, message]),
    [
      [
        "health",
        "info",
        "checking the health of /nix/store/x-web-2: 1 check to pass within 1m and to hold for 30s",
      ],
      ["healthy", "info", "healthy after 8s, held for 30s"],
    ],
  );
  assert(signals.length > 15 && signals.every(({ aborted }) => aborted));
});

Deno.test("verify: what fails is a failure with the check and the reason", async () => {
  await using its = await profileWith({
    checks: [parseHealthCheck('http http://127.0.0.1:1/ name="the web"')],
    fetch: () => Promise.resolve(new Response(null, { status: 500 })),
  });
  const failure = await failureOf(pass(its, its.verifier.verify(VERIFICATION, NEVER)));
  assert.equal(failure.code, "health-failed");
  assert.match(
    failure.message,
    /^health check 'the web': it never passed, and failed 30 times within 1m; last: its answer has status 500 instead/,
  );
});

Deno.test("verify: the limit covers the slowest way to an end", async () => {
  await using its = await profileWith({
    checks: [parseHealthCheck("tcp h:1 timeout=2m")],
    confirm: { timeLimit: 5_000, ask: () => Promise.resolve() },
  });
  assert.equal(its.verifier.limit, 60_000 + 30_000 + 120_000 + 12_000 + 5_000);
});

Deno.test("verify: the profile's own check runs with its environment", async () => {
  await using its = await profileWith({ run: createRunCommand(systemClock), clock: systemClock, soak: 0 });
  await its.ship('#!/bin/sh\necho "$#"\nenv | grep ^HAIL_ | sort\n');
  await its.verifier.verify(VERIFICATION, NEVER);
  assert.deepEqual(its.events.filter(({ name }) => name === "health-output").map(({ message }) => message), [
    "0",
    "HAIL_BUILD_ID=7",
    "HAIL_JOB_URI=http://h/job/a/b/c/latest",
    "HAIL_PREVIOUS_STORE_PATH=/nix/store/x-web-1",
    `HAIL_PROFILE=${its.profile}`,
    "HAIL_STORE_PATH=/nix/store/x-web-2",
  ]);
  assert.equal(its.events.at(-1)?.name, "healthy");
});

Deno.test("verify: the profile's own check decides beside those of the command line", async () => {
  await using its = await profileWith({
    run: createRunCommand(systemClock),
    clock: systemClock,
    checks: [parseHealthCheck("http http://127.0.0.1:1/")],
    fetch: () => Promise.resolve(new Response()),
    timeLimit: 400,
    soak: 0,
  });
  await its.ship("#!/bin/sh\necho not well\nexit 1\n");
  const failure = await failureOf(its.verifier.verify(VERIFICATION, NEVER));
  assert.match(failure.message, /^health check 'bin\/health-check': it never passed.*status 1: not well$/);
});

Deno.test("verify: a check of the profile that cannot be executed is a failure at once", async () => {
  for (
    const [why, make] of [
      [/no execute permission/, (path: string) => Deno.writeTextFile(path, "#!/bin/sh\n", { mode: 0o644 })],
      [/not a file/, (path: string) => Deno.mkdir(path)],
      [/link to nothing/, (path: string) => Deno.symlink("/nowhere/at/all", path)],
    ] as const
  ) {
    await using its = await profileWith();
    await make(`${its.profile}/bin/health-check`);
    const failure = await failureOf(its.verifier.verify(VERIFICATION, NEVER));
    assert.equal(failure.code, "health-failed");
    assert.equal(failure.what, `${its.profile}/bin/health-check`);
    assert.match(failure.why, why);
  }
});

Deno.test("verify: a profile that is no folder, or has no bin, has no check of its own", async () => {
  await using its = await profileWith();
  await Deno.remove(`${its.profile}/bin`);
  await its.verifier.verify(VERIFICATION, NEVER);
  await Deno.writeTextFile(`${its.profile}/bin`, "");
  await its.verifier.verify(VERIFICATION, NEVER);
});

Deno.test("verify: Hydra is asked only where that is wanted, and after the checks", async () => {
  const asked: number[] = [];
  await using its = await profileWith({
    checks: [parseHealthCheck("http http://127.0.0.1:1/")],
    fetch: () => Promise.resolve(new Response()),
    confirm: {
      timeLimit: 10_000,
      ask: () => {
        asked.push(its.clock.monotonic());
        return Promise.reject(new Failure("hydra-timeout", { what: "h", why: "no answer", next: "Wait." }));
      },
    },
  });
  await pass(its, its.verifier.verify(VERIFICATION, NEVER));
  assert.deepEqual(asked, []);
  const begun = its.clock.monotonic();
  const failure = await failureOf(
    pass(its, its.verifier.verify({ ...VERIFICATION, confirm: true }, NEVER)),
  );
  assert.equal(failure.code, "confirmation-failed");
  // Every tenth of the limit, as that is less than five seconds.
  assert.equal(asked.length, 10);
  assert(asked.every((at) => at >= begun + 30_000));
});

Deno.test("verify: it can be given up, with the reason as it is", async () => {
  await using its = await profileWith({
    checks: [parseHealthCheck("http http://127.0.0.1:1/")],
    fetch: () => Promise.resolve(new Response()),
  });
  const stop = new AbortController();
  const reason = new Error("stop");
  its.clock.sleep(5_000).then(() => stop.abort(reason));
  await assert.rejects(pass(its, its.verifier.verify(VERIFICATION, stop.signal)), reason);
  await assert.rejects(its.verifier.verify(VERIFICATION, stop.signal), reason);
});

Deno.test("verify: a service that comes up late, hiccups and then holds is healthy", async () => {
  let looks = 0;
  await using server = startRawServer((_request, answer) => {
    const status = [503, 503, 200, 503][looks++] ?? 200;
    return answer.write(`HTTP/1.1 ${status} X\r\nContent-Length: 4\r\n\r\nwell`);
  });
  const often = (text: string): HealthCheck => ({ ...parseHealthCheck(text), interval: 10, timeout: 1_000 });
  await using its = await profileWith({
    checks: [
      often(`http ${server.origin}/ text=well`),
      often(`tcp 127.0.0.1:${server.port}`),
      often("exec /bin/true"),
    ],
    run: createRunCommand(systemClock),
    clock: systemClock,
    timeLimit: 5_000,
    soak: 100,
  });
  await its.verifier.verify(VERIFICATION, NEVER);
  assert.deepEqual(its.events.filter(({ level }) => level !== "debug").map(({ name }) => name), [
    "health",
    "health-check-failing",
    "health-check-recovered",
    "healthy",
  ]);
});

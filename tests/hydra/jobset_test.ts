/** The gate `jobset` at a real Hydra's captured answers: what it says, and what that costs. */
import assert from "node:assert/strict";
import { createGates } from "../../lib/gates/gates.ts";
import { parseGate } from "../../lib/gates/spec.ts";
import { parseStorePath } from "../../lib/nix/store_path.ts";
import { VirtualClock } from "../../lib/time/virtual_clock.ts";
import { NEVER, startClient } from "../support/hydra_client.ts";
import { startReplay } from "../support/replay.ts";

const START = Date.UTC(2026, 0, 1);

/** A gate of a service, and what is asked of its Hydra. */
async function startGate(text: string, job: string, captures: readonly string[]) {
  const outPath = parseStorePath("/nix/store/b8n8y8c4pbb6p0fr4c3hvqv33jz8r6ij-web-4.0", "/nix/store");
  assert.ok(outPath !== null);
  const build = { outPath, name: "web-4.0", finishedAt: null };
  const server = await startReplay(...captures);
  const clock = new VirtualClock(START);
  const client = startClient(server.origin, { path: `/job/demo/main/${job}`, clock });
  const gates = createGates([parseGate("inhibit /nonexistent/inhibit.d"), parseGate(text)], {
    run: () => Promise.reject(new Error("it runs nothing")),
    clock,
    machineId: () => Promise.reject(new Error("it is the same for every machine")),
    profile: "/nix/var/nix/profiles/web",
    jobUri: "https://hydra.example.org/job/demo/main/web",
    evaluations: client.hydra.evaluations,
    environment: {},
    onLine: () => {},
  });
  let seen = 0;
  return {
    clock,
    ask: (id: number) => gates.ask({ build: { id, ...build }, knownSince: START, first: true }, NEVER),
    requests: () => {
      const all = server.requests.map(({ method, target }) => `${method} ${target}`);
      const added = all.slice(seen);
      seen = all.length;
      return added;
    },
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

Deno.test("jobset: the latest web waits, since its evaluation is under way, at one light request an answer", async () => {
  await using gate = await startGate("jobset evaluation", "web", ["latest-finished-newestfailed-json"]);
  assert.deepEqual(await gate.ask(111), {
    gate: "jobset evaluation",
    why: "no evaluation that it is in is finished",
    askAgainAt: START + 60_000,
  });
  assert.deepEqual(gate.requests(), ["HEAD /job/demo/main/web/latest-finished"]);
  await gate.clock.advance(60_000);
  assert.equal((await gate.ask(111))?.askAgainAt, START + 180_000);
  assert.deepEqual(gate.requests(), ["HEAD /job/demo/main/web/latest-finished"]);
});

Deno.test("jobset: multi is in five evaluations, of which the oldest is green", async () => {
  await using gate = await startGate("jobset evaluation", "multi", [
    ...["latest-finished-multi-json", "jobset-main-latest-eval-json", "build-multi-json"],
    ...[11, 12, 13, 14, 15].map((id) => `eval-${id}-builds-json`),
  ]);
  const shut = await gate.ask(103);
  assert.match(shut?.why ?? "", /^in evaluation 15 not all succeeded: web, api, release and 2 more$/);
  assert.deepEqual(gate.requests(), [
    ...["HEAD /job/demo/main/multi/latest-finished", "HEAD /jobset/demo/main/latest-eval", "GET /build/103"],
    ...["GET /eval/15/builds", "GET /eval/14/builds", "GET /eval/13/builds"],
  ]);
  await gate.clock.advance(60_000);
  assert.equal(await gate.ask(103), null);
  assert.deepEqual(gate.requests(), [
    ...["HEAD /job/demo/main/multi/latest-finished", "HEAD /jobset/demo/main/latest-eval"],
    ...["GET /eval/14/builds", "GET /eval/12/builds", "GET /eval/11/builds"],
  ]);
  await gate.clock.advance(24 * 3_600_000);
  assert.equal(await gate.ask(103), null);
  assert.deepEqual(gate.requests(), []);
});

Deno.test("jobset: the newest release holds multi, and not the latest web", async () => {
  await using gate = await startGate("jobset aggregate job=release", "web", [
    ...["latest-release-json", "build-aggregate-constituents-json"],
  ]);
  assert.match(
    (await gate.ask(111))?.why ?? "",
    /^the newest successful build of release, 105, does not hold/,
  );
  assert.equal(await gate.ask(103), null);
  // The constituents are known by then.
  assert.deepEqual(gate.requests(), [
    ...["HEAD /job/demo/main/release/latest", "GET /build/105/constituents"],
    "HEAD /job/demo/main/release/latest",
  ]);
});

Deno.test("jobset: a job that was aborted in the newest evaluation, and one that is missing", async () => {
  await using gate = await startGate("jobset jobs=web,nosuch", "multi", [
    ...["build-multi-json", "eval-15-job-web", "build-aborted-json"],
  ]);
  const failure = gate.ask(103);
  // The other evaluations were not captured.
  await assert.rejects(failure, { code: "hydra-failed" });
  assert.deepEqual(gate.requests().slice(0, 3), [
    ...["GET /build/103", "HEAD /eval/15/job/web", "GET /build/114"],
  ]);
});

Deno.test("jobset: errors of the newest evaluation are shown", async () => {
  await using gate = await startGate("jobset aggregate job=release errors=fail", "multi", [
    ...["latest-release-json", "build-aggregate-constituents-json", "jobset-main-errors-json"],
  ]);
  assert.match(
    (await gate.ask(103))?.why ?? "",
    /has errors: in job \u2018docs\u2019: error: attribute 'docs'/,
  );
});

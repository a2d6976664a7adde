import assert from "node:assert/strict";
import { openJobset, PaperHydra, readJobset } from "../../tests/support/paper_hydra.ts";
import { Failure } from "../failure/failure.ts";
import { Mistake } from "../text/mistake.ts";
import { jobset } from "./jobset.ts";
import { parseGate } from "./spec.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
Deno.test("jobset: how it is written", () => {
  assert.deepEqual({ ...readJobset("jobset evaluation") }, {
    kind: "jobset",
    name: "jobset evaluation",
    way: "evaluation",
    errors: "ignore",
  });
  assert.deepEqual({ ...readJobset("jobset aggregate job=release errors=fail") }, {
    kind: "jobset",
    name: "jobset aggregate release",
    way: "aggregate",
    job: "release",
    errors: "fail",
  });
  assert.deepEqual({ ...readJobset('jobset "jobs=web, api,web" errors=ignore') }, {
    kind: "jobset",
    name: "jobset jobs=web,api",
    way: "jobs",
    jobs: ["web", "api"],
    errors: "ignore",
  });
  assert.deepEqual(JSON.parse(JSON.stringify(readJobset("jobset jobs=a/b%2f"))).jobs, ["a/b%2f"]);
});

Deno.test("jobset: what is wrong with it is said", () => {
  const rows: [text: string, says: RegExp][] = [
    ["jobset", /nothing stands behind/],
    ["jobset evaluations", /which way.*Did you mean evaluation\?/],
    ["jobset xyz", /which way.*Write aggregate, evaluation or jobs=/],
    ["jobset aggregate", /not named.*job=release/],
    ["jobset evaluation job=web", /for the way aggregate alone/],
    ["jobset jobs=web job=web", /for the way aggregate alone/],
    ["jobset jobs=", /empty name/],
    ["jobset jobs=web,,api", /empty name/],
    [`jobset jobs=${Array.from({ length: 21 }, (_, i) => `j${i}`).join(",")}`, /more than 20/],
    ["jobset jobs=web,..", /'\.\.' cannot be the name of a job/],
    ["jobset aggregate job=.", /cannot be the name/],
    ["jobset aggregate job=\ud800", /cannot be the name/],
    [`jobset aggregate job=${"x".repeat(256)}`, /cannot be the name/],
    ["jobset evaluation errors=no", /neither fail nor ignore/],
    ["jobset evaluation error=fail", /errors=/],
  ];
  for (const [text, says] of rows) {
    assert.throws(() => parseGate(text), (error) => {
      assert.ok(error instanceof Failure && error.code === "usage");
      assert.match(`${error.why}. ${error.next}`, says, text);
      return true;
    });
  }
});

Deno.test("jobset: a name with control characters is refused, wherever it comes from", () => {
  for (const job of ["a\nb", "a\u0000", "a\u007fb"]) {
    assert.throws(() => jobset.read("aggregate", { job }), Mistake);
    assert.throws(() => jobset.read(`jobs=web,${job}`, {}), Mistake);
  }
});

Deno.test("jobset evaluation: open once all of its evaluation is green, and asked for once only", async () => {
  const hydra = new PaperHydra();
  hydra.evaluations = { 15: "web=7 api=8?" };
  const gate = openJobset("evaluation", hydra);
  assert.deepEqual(await gate.ask(7, 0), { why: "no evaluation that it is in is finished", again: MINUTE });
  assert.deepEqual(hydra.take(), ["latest-finished"]);
  // From memory in between.
  for (const time of [1, 30_000, MINUTE - 1]) assert.equal((await gate.ask(7, time))?.again, MINUTE);
  assert.deepEqual(hydra.take(), []);
  assert.equal((await gate.ask(7, MINUTE))?.again, 3 * MINUTE);
  assert.equal((await gate.ask(7, 3 * MINUTE))?.again, 7 * MINUTE);
  assert.deepEqual(hydra.take(), ["latest-finished", "latest-finished"]);
  hydra.evaluations = { 15: "web=7 api=8" };
  assert.equal(await gate.ask(7, 7 * MINUTE), null);
  assert.deepEqual(hydra.take(), ["latest-finished", "latest-eval", "build 7", "BUILDS 15"]);
  // For good, whatever is restarted, and whatever comes in between.
  hydra.evaluations = { 15: "web=7 api=8!", 16: "web=9 api=10?" };
  assert.notEqual(await gate.ask(9, 8 * MINUTE), null);
  hydra.take();
  assert.equal(await gate.ask(7, 100 * HOUR), null);
  assert.deepEqual(hydra.take(), []);
});

Deno.test("jobset evaluation: what is under way is asked for every quarter of an hour at the most", async () => {
  const hydra = new PaperHydra();
  hydra.evaluations = { 15: "web=7 api=8?" };
  const gate = openJobset("evaluation", hydra);
  const waits: number[] = [];
  for (let time = 0; time < 2 * HOUR;) {
    const again = (await gate.ask(7, time))?.again ?? NaN;
    waits.push((again - time) / MINUTE);
    time = again;
  }
  assert.deepEqual(waits, [1, 2, 4, 8, 15, 15, 15, 15, 15, 15, 15]);
  assert.equal(hydra.asked.length, 11, "one light request each");
});

Deno.test("jobset evaluation: what has failed is asked for again after an hour, in case it was restarted", async () => {
  const hydra = new PaperHydra();
  hydra.evaluations = { 15: "web=7 api=8! docs=9! a=10! b=11! c=12?" };
  const gate = openJobset("evaluation", hydra);
  assert.equal((await gate.ask(7, 0))?.again, MINUTE);
  hydra.evaluations = { 15: "web=7 api=8! docs=9! a=10! b=11!" };
  assert.deepEqual(await gate.ask(7, MINUTE), {
    why: "in evaluation 15 not all succeeded: api, docs, a and 1 more",
    again: MINUTE + HOUR,
  });
  hydra.take();
  assert.equal((await gate.ask(7, 30 * MINUTE))?.again, MINUTE + HOUR);
  assert.deepEqual(hydra.take(), []);
  hydra.evaluations = { 15: "web=7 api=8" };
  assert.equal(await gate.ask(7, MINUTE + HOUR), null);
  assert.deepEqual(hydra.take(), ["latest-finished", "latest-eval", "BUILDS 15"]);
});

Deno.test("jobset evaluation: an older one will do, and the newest are looked at first, three at a time", async () => {
  const hydra = new PaperHydra();
  hydra.evaluations = Object.fromEntries([11, 12, 13, 14, 15].map((id) => [id, `web=7 api=${id}0!`]));
  hydra.evaluations[11] = "web=7 api=5";
  const gate = openJobset("evaluation", hydra);
  assert.deepEqual(await gate.ask(7, 0), {
    why: "in evaluation 15 not all succeeded: api",
    again: MINUTE,
  });
  assert.deepEqual(hydra.take(), [
    ...["latest-finished", "latest-eval", "build 7", "BUILDS 15", "BUILDS 14", "BUILDS 13"],
  ]);
  assert.equal(await gate.ask(7, MINUTE), null);
  assert.deepEqual(hydra.take(), ["latest-finished", "latest-eval", "BUILDS 12", "BUILDS 11"]);
});

Deno.test("jobset evaluation: one that is newer than the newest finished one costs no heavy request", async () => {
  const hydra = new PaperHydra();
  hydra.evaluations = { 14: "web=7 api=8!", 15: "web=7 api=9?" };
  const gate = openJobset("evaluation", hydra);
  assert.deepEqual(await gate.ask(7, 0), { why: "evaluation 15 is not finished", again: MINUTE });
  assert.deepEqual(hydra.take(), ["latest-finished", "latest-eval", "build 7", "BUILDS 14"]);
  assert.equal((await gate.ask(7, MINUTE))?.again, 3 * MINUTE);
  assert.deepEqual(hydra.take(), ["latest-finished", "latest-eval"]);
  hydra.evaluations[15] = "web=7 api=9";
  assert.equal(await gate.ask(7, 3 * MINUTE), null);
  assert.deepEqual(hydra.take(), ["latest-finished", "latest-eval", "build 7", "BUILDS 15"]);
});

Deno.test("jobset evaluation: one that is under way although a newer one is finished tells how far it is", async () => {
  const hydra = new PaperHydra();
  hydra.evaluations = { 13: "web=7 api=8!", 14: "web=7 api=9? docs=10?", 15: "web=6" };
  const gate = openJobset("evaluation", hydra);
  assert.deepEqual(await gate.ask(7, 0), {
    why: "evaluation 14 is not finished: 2 of 3 builds are under way",
    again: MINUTE,
  });
});

Deno.test("jobset evaluation: none, an empty one and one that was deleted are not green", async () => {
  const hydra = new PaperHydra();
  hydra.latestFinished = () => Promise.resolve(7);
  const gate = openJobset("evaluation", hydra);
  assert.deepEqual(await gate.ask(7, 0), { why: "it is in no evaluation", again: HOUR });
  hydra.build = (id) => Promise.resolve({ id, finished: true, succeeded: true, evaluations: [15, 14] });
  hydra.newestFinished = () => Promise.resolve(15);
  hydra.evaluations = { 14: "", 15: null };
  assert.deepEqual(await gate.ask(7, HOUR), { why: "evaluation 15 was deleted", again: 2 * HOUR });
  hydra.evaluations = { 14: null, 15: "" };
  assert.deepEqual(await gate.ask(7, 2 * HOUR), { why: "evaluation 15 is empty", again: 3 * HOUR });
});

Deno.test("jobset aggregate: open once the newest successful one holds the build", async () => {
  const hydra = new PaperHydra();
  const gate = openJobset("aggregate job=release", hydra);
  assert.deepEqual(await gate.ask(7, 0), { why: "no build of release has succeeded", again: MINUTE });
  assert.deepEqual(hydra.take(), ["latest release"]);
  hydra.latest = 5;
  hydra.aggregates = { 5: "web=3 api=4" };
  assert.deepEqual(await gate.ask(7, MINUTE), {
    why: "the newest successful build of release, 5, does not hold build 7",
    again: 3 * MINUTE,
  });
  assert.deepEqual(hydra.take(), ["latest release", "CONSTITUENTS 5"]);
  // What that one is made of never changes: as long as there is no other, the light question is enough.
  let time = 3 * MINUTE;
  while (time < 5 * HOUR) time = (await gate.ask(7, time))?.again ?? NaN;
  assert.deepEqual(new Set(hydra.take()), new Set(["latest release"]));
  hydra.latest = 9;
  hydra.aggregates = { 9: "web=7 api=8" };
  assert.equal(await gate.ask(7, time), null);
  assert.deepEqual(hydra.take(), ["latest release", "CONSTITUENTS 9"]);
  assert.equal(await gate.ask(7, time), null);
  assert.deepEqual(hydra.take(), []);
});

Deno.test("jobset aggregate: all constituents must have succeeded", async () => {
  const hydra = new PaperHydra();
  hydra.latest = 9;
  const rows: [members: string | null, why: RegExp][] = [
    ["web=7 api=8!", /^among the constituents of build 9 of release not all succeeded: api$/],
    ["web=7 api=8?", /^among the constituents of build 9 of release 1 of 2 builds are under way$/],
    ["", /^release is no aggregate job: its build 9 has no constituents$/],
    [null, /^build 9 of release was deleted$/],
  ];
  for (const [members, why] of rows) {
    hydra.aggregates = { 9: members };
    assert.match((await openJobset("aggregate job=release", hydra).ask(7, 0))?.why ?? "", why);
  }
});

Deno.test("jobset aggregate: a constituent that failed is looked at again after an hour", async () => {
  const hydra = new PaperHydra();
  hydra.latest = 9;
  hydra.aggregates = { 9: "web=7 api=8!" };
  const gate = openJobset("aggregate job=release", hydra);
  let time = 0;
  while (time < HOUR) time = (await gate.ask(7, time))?.again ?? NaN;
  assert.equal(hydra.take().filter((question) => question.startsWith("CONSTITUENTS")).length, 1);
  hydra.aggregates = { 9: "web=7 api=8" };
  assert.equal(await gate.ask(7, time), null);
});

Deno.test("jobset jobs: open once the named jobs of its evaluation have succeeded, asked one by one", async () => {
  const hydra = new PaperHydra();
  hydra.evaluations = { 15: "web=7 api=8? tests=9 other=10!" };
  const gate = openJobset("jobs=web,api,tests", hydra);
  assert.deepEqual(await gate.ask(7, 0), {
    why: "build 8 of api, in evaluation 15, is not finished",
    again: MINUTE,
  });
  assert.deepEqual(hydra.take(), ["build 7", "eval 15 job web", "eval 15 job api", "build 8"]);
  await gate.ask(7, MINUTE);
  assert.deepEqual(hydra.take(), ["build 7", "build 8"]);
  hydra.evaluations = { 15: "web=7 api=8 tests=9! other=10!" };
  assert.deepEqual(await gate.ask(7, 3 * MINUTE), {
    why: "build 9 of tests, in evaluation 15, did not succeed",
    again: 3 * MINUTE + HOUR,
  });
  assert.deepEqual(hydra.take(), ["build 7", "build 8", "eval 15 job tests", "build 9"]);
  hydra.evaluations = { 15: "web=7 api=8 tests=9 other=10!" };
  assert.equal(await gate.ask(7, 3 * MINUTE + HOUR), null);
  assert.deepEqual(hydra.take(), ["build 7", "build 9"]);
});

Deno.test("jobset jobs: a job that is missing closes it, and another evaluation of the build may open it", async () => {
  const hydra = new PaperHydra();
  hydra.evaluations = { 14: "web=7 api=8?", 15: "web=7" };
  const gate = openJobset("jobs=web,api", hydra);
  assert.deepEqual(await gate.ask(7, 0), { why: "evaluation 15 has no job api", again: MINUTE });
  hydra.evaluations[14] = "web=7 api=8";
  assert.equal(await gate.ask(7, MINUTE), null);
  assert.deepEqual(await openJobset("jobs=web", new PaperHydra()).ask(7, 0), {
    why: "it is in no evaluation",
    again: HOUR,
  });
});

Deno.test("jobset: errors of the newest evaluation close it where that is asked for", async () => {
  const hydra = new PaperHydra();
  hydra.evaluations = { 15: "web=7 api=8" };
  hydra.errors = "in job docs: error";
  assert.equal(await openJobset("evaluation", hydra).ask(7, 0), null);
  hydra.take();
  const gate = openJobset("evaluation errors=fail", hydra);
  assert.deepEqual(await gate.ask(7, 0), {
    why: "the newest evaluation of its jobset has errors: in job docs: error",
    again: MINUTE,
  });
  hydra.take();
  hydra.errors = null;
  assert.equal(await gate.ask(7, MINUTE), null);
  assert.deepEqual(hydra.take(), ["errors"]);
});

Deno.test("jobset: a failure of Hydra's is thrown as it is, and not remembered", async () => {
  const hydra = new PaperHydra();
  hydra.evaluations = { 15: "web=7" };
  hydra.latest = 9;
  hydra.aggregates = { 9: "web=7" };
  for (const way of ["evaluation", "aggregate job=release", "jobs=web"]) {
    const gate = openJobset(way, hydra);
    hydra.failure = new Failure("hydra-failed", { what: "x", why: "y", next: "z" });
    await assert.rejects(gate.ask(7, 0), (error) => error === hydra.failure);
    hydra.failure = null;
    assert.equal(await gate.ask(7, 1), null);
  }
});

Deno.test("jobset: a clock that is set back does not make a no last", async () => {
  const hydra = new PaperHydra();
  hydra.evaluations = { 15: "web=7 api=8!" };
  const gate = openJobset("evaluation", hydra);
  assert.equal((await gate.ask(7, 100 * HOUR))?.again, 101 * HOUR);
  hydra.evaluations = { 15: "web=7 api=8" };
  assert.equal(await gate.ask(7, 0), null);
});

Deno.test("jobset: how long an answer may take at the most", () => {
  const hydra = new PaperHydra();
  assert.equal(openJobset("evaluation", hydra).limit, 3_400);
  assert.equal(openJobset("aggregate job=release", hydra).limit, 1_200);
  assert.equal(openJobset("jobs=web,api", hydra).limit, 1_400);
});

Deno.test("jobset: who is woken is answered anew, but not for each of many wake-ups", async () => {
  const hydra = new PaperHydra();
  hydra.evaluations = { 15: "web=7 api=8?" };
  const gate = openJobset("evaluation", hydra);
  const first = await gate.ask(7, 0);
  assert.equal(first?.again, MINUTE);
  hydra.take();
  // The last build ends, and Hydra says so at once.
  hydra.evaluations = { 15: "web=7 api=8" };
  const soon = await gate.ask(7, 500, true);
  assert.deepEqual(soon, { why: first?.why ?? "", again: 2_000 });
  assert.deepEqual(hydra.take(), [], "it was asked a moment ago");
  assert.equal(await gate.ask(7, 2_000), null);
  // Later on, the first word is enough.
  hydra.evaluations = { 15: "web=7 api=8", 16: "web=9 api=10?" };
  assert.notEqual(await gate.ask(9, 10_000), null);
  hydra.evaluations = { 16: "web=9 api=10" };
  assert.equal(await gate.ask(9, 15_000, true), null);
});

import assert from "node:assert/strict";
import { BuildsReader, readEvaluatedBuild, readEvaluationErrors } from "./evaluation_answer.ts";

const bytes = (json: unknown) => new TextEncoder().encode(JSON.stringify(json));
const listed = (id: number, finished: unknown, buildstatus: unknown, job: unknown = `job${id}`) => ({
  id,
  job,
  finished,
  buildstatus,
});

function readBuilds(json: unknown) {
  const reader = new BuildsReader();
  reader.take(bytes(json));
  return reader.finish();
}

Deno.test("readEvaluatedBuild() reads what a build is and which evaluations it is in, the newest first", () => {
  const build = { id: 7, finished: 1, buildstatus: 0, jobsetevals: [14, 9, 15, 11, 9], job: "web" };
  assert.deepEqual(readEvaluatedBuild(bytes(build), 7), {
    id: 7,
    finished: true,
    succeeded: true,
    evaluations: [15, 14, 11, 9],
  });
  const restarted = { ...build, finished: 0 };
  assert.deepEqual(readEvaluatedBuild(bytes(restarted), 7)?.succeeded, false);
  assert.deepEqual(readEvaluatedBuild(bytes({ ...build, buildstatus: 6 }), 7)?.succeeded, false);
  assert.deepEqual(readEvaluatedBuild(bytes({ ...build, buildstatus: null }), 7)?.succeeded, false);
});

Deno.test("readEvaluatedBuild() takes the newest of 100,000 evaluations", () => {
  const jobsetevals = Array.from({ length: 100_000 }, (_, index) => index + 1);
  const build = readEvaluatedBuild(bytes({ id: 7, finished: 1, buildstatus: 0, jobsetevals }), 7);
  assert.deepEqual(
    build?.evaluations,
    [100_000, 99_999, 99_998, 99_997].concat([
      ...[99_996, 99_995, 99_994, 99_993, 99_992, 99_991, 99_990, 99_989],
    ]),
  );
});

Deno.test("readEvaluatedBuild() takes nothing for a build that is none", () => {
  const build = { id: 7, finished: 1, buildstatus: 0, jobsetevals: [1] };
  const others = [
    ...[null, [], "7", {}, { ...build, id: 8 }, { ...build, id: "7" }, { ...build, finished: true }],
    ...[{ ...build, finished: 2 }, { ...build, buildstatus: "0" }, { ...build, jobsetevals: {} }],
    ...[["1"], [0], [-1], [1.5], [2 ** 53], [null], [[1]]].map((jobsetevals) => ({ ...build, jobsetevals })),
  ];
  for (const other of others) assert.equal(readEvaluatedBuild(bytes(other), 7), null, JSON.stringify(other));
  for (const text of ["", "{", "\xff"]) {
    assert.equal(readEvaluatedBuild(Uint8Array.from(text, (c) => c.charCodeAt(0)), 7), null);
  }
});

Deno.test("readEvaluationErrors() tells errors, none, and what is no jobset", () => {
  assert.equal(readEvaluationErrors(bytes({ name: "main", errormsg: " in job x \n" })), "in job x");
  for (const errormsg of ["", " \n", null, undefined]) {
    assert.equal(readEvaluationErrors(bytes({ name: "main", errormsg })), "");
  }
  for (const other of [{ name: "main", errormsg: 5 }, { errormsg: "" }, {}, [], null, "x"]) {
    assert.equal(readEvaluationErrors(bytes(other)), null);
  }
});

Deno.test("BuildsReader counts what is unfinished and what failed, and names a few", () => {
  const builds = readBuilds([
    listed(9, 1, 0),
    listed(3, 0, null),
    listed(4, 0, 0),
    ...[1, 2, 3, 4].map((status) => listed(10 + status, 1, status)),
    listed(20, 1, null),
  ]);
  assert.ok(typeof builds !== "string");
  const { includes, ...counts } = builds;
  assert.deepEqual(counts, {
    builds: 8,
    unfinished: 2,
    failed: 5,
    failedJobs: ["job11", "job12", "job13"],
  });
  for (const id of [3, 4, 9, 11, 14, 20]) assert.ok(includes(id), String(id));
  for (const id of [0, 1, 5, 10, 19, 21, 9.5, NaN]) assert.ok(!includes(id), String(id));
});

Deno.test("BuildsReader takes an empty list for what it is", () => {
  const builds = readBuilds([]);
  assert.ok(typeof builds !== "string");
  assert.equal(builds.builds, 0);
  assert.ok(!builds.includes(1));
});

Deno.test("BuildsReader says what is no list of builds, and of too many", () => {
  const no = /not Hydra's JSON about a list of builds$/;
  for (const id of [0, -1, 1.5, 2 ** 53, "7", null]) {
    assert.match(String(readBuilds([{ ...listed(1, 1, 0), id }])), no);
  }
  for (const other of [{}, [1], [{}], [listed(1, true, 0)], [listed(1, 1, "0")], [listed(1, 1, 0, 5)]]) {
    assert.match(String(readBuilds(other)), no);
  }
  const many = new BuildsReader();
  assert.ok(many.take(new TextEncoder().encode("[")));
  let taken = 0;
  const one = bytes([listed(1, 1, 0)]).slice(1, -1);
  const piece = new Uint8Array([...one, 0x2c]);
  while (taken <= 100_000 && many.take(piece)) taken++;
  assert.equal(taken, 100_000);
  assert.match(String(many.finish()), /more than 100000 builds$/);
});

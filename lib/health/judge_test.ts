import assert from "node:assert/strict";
import fc from "fast-check";
import { Failure } from "../failure/failure.ts";
import {
  beginJudgement,
  decide,
  type Judged,
  type Judgement,
  lastNotices,
  type Notice,
  observe,
} from "./judge.ts";

const RULE = { timeLimit: 60, soak: 30 };

/** One result: at this moment, of the check with this index, passed or not. */
type Result = readonly [at: number, index: number, passed: boolean];

function check(more: Partial<Judged> = {}): Judged {
  return { name: "web", required: true, threshold: 3, ...more };
}

/** Takes results until the case is decided. */
function judge(checks: readonly Judged[], results: readonly Result[], rule = RULE) {
  let judgement: Judgement = beginJudgement(checks, rule, 0);
  const notices: Notice[] = [];
  for (const [at, index, passed] of results) {
    const { judgement: after, notice } = observe(judgement, index, passed ? null : `reason ${at}`, at);
    judgement = after;
    if (notice !== null) notices.push(notice);
  }
  const now = results.at(-1)?.[0] ?? 0;
  return {
    judgement,
    notices,
    at: (moment: number) => decide(judgement, moment),
    verdict: decide(judgement, now),
  };
}

function whyNot(verdict: ReturnType<typeof decide>): string {
  assert(verdict.kind === "unhealthy", verdict.kind);
  assert(verdict.failure instanceof Failure && verdict.failure.code === "health-failed");
  return verdict.failure.message;
}

Deno.test("judge: what passes and holds through the soak time is healthy", () => {
  const { verdict, at } = judge([check()], [[0, 0, false], [5, 0, true], [34, 0, true]]);
  assert.deepEqual(verdict, { kind: "pending", until: 35 });
  assert.deepEqual(at(35), { kind: "last-look", heldSince: 5 });
  const held = judge([check()], [[5, 0, true], [36, 0, true]]);
  assert.deepEqual(held.verdict, { kind: "healthy", heldSince: 5 });
});

Deno.test("judge: the hold begins when all required checks pass", () => {
  const two = [check({ name: "a" }), check({ name: "b" })];
  const { at } = judge(two, [[1, 0, true], [20, 1, true]]);
  assert.deepEqual(at(49), { kind: "pending", until: 50 });
  const over = judge(two, [[1, 0, true], [20, 1, true], [50, 0, true]]);
  assert.equal(over.verdict.kind, "last-look");
  assert.equal(
    judge(two, [[1, 0, true], [20, 1, true], [50, 0, true], [51, 1, true]]).verdict.kind,
    "healthy",
  );
});

Deno.test("judge: without a soak time it is enough that all pass at once", () => {
  const rule = { timeLimit: 60, soak: 0 };
  assert.deepEqual(judge([check()], [[3, 0, true]], rule).verdict, { kind: "healthy", heldSince: 3 });
  const two = [check({ name: "a" }), check({ name: "b" })];
  assert.equal(judge(two, [[3, 0, true], [9, 1, true]], rule).verdict.kind, "last-look");
  assert.equal(judge(two, [[3, 0, true], [9, 1, true], [9, 0, true]], rule).verdict.kind, "healthy");
});

Deno.test("judge: a failure in the soak time begins it anew", () => {
  const { at } = judge([check()], [[2, 0, true], [20, 0, false], [22, 0, true]]);
  assert.deepEqual(at(40), { kind: "pending", until: 52 });
  assert.deepEqual(at(52), { kind: "last-look", heldSince: 22 });
});

Deno.test("judge: a last look that fails begins the soak time anew", () => {
  const { at } = judge([check()], [[2, 0, true], [33, 0, false]]);
  assert.deepEqual(at(33), { kind: "pending", until: 60 });
});

Deno.test("judge: failures before the first pass are only awaited", () => {
  const failures = Array.from({ length: 20 }, (_, index): Result => [index * 2, 0, false]);
  const { verdict, notices } = judge([check()], failures);
  assert.deepEqual(verdict, { kind: "pending", until: 60 });
  assert.deepEqual(notices, []);
});

Deno.test("judge: what never passes is unhealthy when the time limit is over", () => {
  const { at } = judge([check()], [[0, 0, false], [2, 0, false]]);
  assert.equal(at(59).kind, "pending");
  assert.equal(
    whyNot(at(60)),
    "health check 'web': it never passed, and failed 2 times within 60ms; last: reason 2",
  );
  const mute = judge([check()], []);
  assert.equal(whyNot(mute.at(60)), "health check 'web': it had no result within 60ms");
});

Deno.test("judge: so many failures in a row as the threshold says are unhealthy at once, after a pass", () => {
  const two = judge([check()], [[0, 0, true], [2, 0, false], [4, 0, false]]);
  assert.equal(two.verdict.kind, "pending");
  const three = judge([check()], [[0, 0, true], [2, 0, false], [4, 0, false], [6, 0, false]]);
  assert.equal(
    whyNot(three.verdict),
    "health check 'web': it failed after it had passed, 3 times in a row; last: reason 6",
  );
  const one = judge([check({ threshold: 1 })], [[0, 0, true], [2, 0, false]]);
  assert.match(whyNot(one.verdict), /failed after it had passed, once; last: reason 2/);
});

Deno.test("judge: flapping ends with the time limit and is called so", () => {
  const results = Array.from({ length: 31 }, (_, index): Result => [index * 2, 0, index % 2 === 1]);
  const { verdict } = judge([check()], results);
  assert.equal(
    whyNot(verdict),
    "health check 'web': it flapped (passed 15 times, failed 15 times); last: reason 60",
  );
});

Deno.test("judge: a failure after the time limit leaves no room for another soak time", () => {
  const held = judge([check()], [[59, 0, true], [70, 0, true]]);
  assert.deepEqual(held.verdict, { kind: "pending", until: 89 });
  const lost = judge([check()], [[59, 0, true], [70, 0, false]]);
  assert.match(whyNot(lost.verdict), /failed after it had passed, once, and the time limit of 60ms is over/);
});

Deno.test("judge: the failure names the checks that are to blame, and not too many", () => {
  const five = Array.from({ length: 5 }, (_, index) => check({ name: `c${index}` }));
  const all = judge(five, five.map((_, index): Result => [1, index, index === 4]));
  const message = whyNot(all.at(60));
  assert.match(
    message,
    /^health check 'c0': it never .*; health check 'c1': .*; health check 'c2': .*; and 1 more$/,
  );
  assert.doesNotMatch(message, /c3|c4/);
});

Deno.test("judge: a required check is told of once when it fails after a pass, and once when it is well", () => {
  const results: Result[] = [[0, 0, false], [1, 0, true], [2, 0, false], [3, 0, true], [4, 0, false], [
    5,
    0,
    true,
  ]];
  const { notices } = judge([check()], results);
  assert.deepEqual(notices.map(({ kind, why }) => [kind, why]), [["failing", "reason 2"], [
    "well",
    "reason 2",
  ]]);
});

Deno.test("judge: advisory checks never decide, and are told of once", () => {
  const advisory = check({ name: "disk", required: false });
  const failures = Array.from({ length: 10 }, (_, index): Result => [index + 1, 1, false]);
  const { at, notices } = judge([check(), advisory], [[1, 0, true], ...failures, [31, 1, true], [
    32,
    0,
    true,
  ]]);
  assert.equal(at(32).kind, "healthy");
  assert.deepEqual(notices.map(({ kind, check }) => [kind, check.name]), [["failing", "disk"], [
    "well",
    "disk",
  ]]);
  const alone = judge([advisory], [[1, 0, false]]);
  assert.deepEqual(alone.at(0), { kind: "pending", until: 30 });
  assert.deepEqual(alone.at(30), { kind: "healthy", heldSince: 0 });
});

Deno.test("judge: an advisory check that does not pass to the end is told of at the end", () => {
  const advisory = check({ required: false });
  assert.deepEqual(lastNotices(judge([advisory], [[1, 0, false]]).judgement).map(({ why }) => why), [
    "reason 1",
  ]);
  assert.deepEqual(lastNotices(judge([advisory], []).judgement).map(({ why }) => why), [""]);
  assert.deepEqual(lastNotices(judge([advisory], [[1, 0, true]]).judgement), []);
  const told = judge([advisory], [[1, 0, false], [2, 0, false], [3, 0, false]]);
  assert.deepEqual([told.notices.length, lastNotices(told.judgement).length], [1, 0]);
  assert.deepEqual(lastNotices(judge([check()], []).judgement), []);
});

Deno.test("judge: whatever the results, healthy means held, and a decision comes in time", () => {
  const results = fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.nat(2), fc.boolean()), {
    maxLength: 60,
  });
  fc.assert(fc.property(results, fc.integer({ min: 0, max: 40 }), (steps, soak) => {
    const rule = { timeLimit: 60, soak };
    const checks = [
      check({ name: "a" }),
      check({ name: "b", threshold: 1 }),
      check({ required: false, threshold: 1 }),
    ];
    let now = 0;
    let judgement = beginJudgement(checks, rule, now);
    const failedAt = [-1, -1];
    for (const [pause, index, passed] of steps) {
      now += pause;
      if (decide(judgement, now).kind === "unhealthy") break;
      judgement = observe(judgement, index, passed ? null : "no", now).judgement;
      if (!passed && index < 2) failedAt[index] = now;
      const verdict = decide(judgement, now);
      if (verdict.kind === "healthy") {
        assert(now - verdict.heldSince >= soak && verdict.heldSince < 60 + 1);
        assert(failedAt.every((at) => at <= verdict.heldSince));
        assert(
          judgement.standings.slice(0, 2).every(({ passedAt }) =>
            (passedAt ?? -1) >= verdict.heldSince + soak
          ),
        );
      }
      if (verdict.kind === "pending") assert(verdict.until > now);
      // What is neither held nor decided is decided when the time limit is over.
      assert(now < 60 || verdict.kind !== "pending" || judgement.heldSince !== null);
    }
  }));
});

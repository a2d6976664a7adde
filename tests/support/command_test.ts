import assert from "node:assert/strict";
import { eventually, run, RunningCommand } from "./command.ts";

Deno.test("command: status, both outputs, input and environment", async () => {
  const result = await run(["sh", "-c", 'cat; echo "$X" >&2; exit 3'], {
    stdin: "in",
    env: { X: "env" },
    mayFail: true,
  });
  assert.deepEqual(result, { status: 3, signal: null, stdout: "in", stderr: "env\n" });
});

Deno.test("command: a failure is thrown with what was printed", async () => {
  await assert.rejects(run(["sh", "-c", "echo why >&2; exit 4"]), /exit status 4\nwhy/);
});

Deno.test("command: the time limit ends a program that ignores TERM", async () => {
  const script = 'trap "" TERM; echo started; while :; do sleep 0.1; done';
  await assert.rejects(run(["sh", "-c", script], { limit: 300 }), /not ended within 300 ms\nstarted/);
});

Deno.test("command: a program beside the test is waited for, and ends with the test", async () => {
  let pid: number;
  {
    await using running = new RunningCommand(["sh", "-c", "echo ready; exec sleep 100"]);
    await running.untilPrinted(/ready/);
    await assert.rejects(running.untilPrinted(/never/, 100), /has not printed/);
    pid = running.pid;
  }
  await assert.rejects(Deno.stat(`/proc/${pid}`), Deno.errors.NotFound);
});

Deno.test("command: waiting for a program's output ends when the program does", async () => {
  await using running = new RunningCommand(["sh", "-c", "echo bye"]);
  await assert.rejects(running.untilPrinted(/never/), /has ended without printing[^]*bye/);
});

Deno.test("command: eventually asks until it holds, or the time is over", async () => {
  let asked = 0;
  await eventually("third time", () => ++asked === 3);
  assert.equal(asked, 3);
  await assert.rejects(eventually("pigs fly", () => false, 60), /not within 60 ms: pigs fly/);
});

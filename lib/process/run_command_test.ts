import assert from "node:assert/strict";
import { systemClock } from "../time/system_clock.ts";
import { createRunCommand } from "./run_command.ts";

const run = createRunCommand(systemClock);
const shell = (script: string, more: Partial<Parameters<typeof run>[0]> = {}) =>
  run({ program: "/bin/sh", args: ["-c", script], timeLimit: 20_000, ...more });

/** Whether a process still does anything: a zombie that nobody has reaped yet does not. */
async function isRunning(pid: number): Promise<boolean> {
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`).catch(() => null);
  return stat !== null && !/\) [ZX] /.test(stat);
}

Deno.test("runCommand passes on lines of both streams, the status and the environment", async () => {
  const lines: string[] = [];
  const exit = await shell('echo "out $X"; echo err >&2; printf last; exit 3', {
    env: { X: "1" },
    onLine: (line, stream) => lines.push(`${stream}:${line}`),
  });
  assert.equal(exit.status, 3);
  assert.equal(exit.ended, null);
  assert.deepEqual(lines.toSorted(), ["stderr:err", "stdout:last", "stdout:out 1"]);
  assert.deepEqual(exit.output.toSorted(), ["err", "last", "out 1"]);
});

Deno.test("runCommand tells the process as soon as it runs, and before it has ended", async () => {
  const seen: (number | string)[] = [];
  await shell("echo $$", { onStart: (pid) => seen.push(pid), onLine: (line) => seen.push(line) });
  assert.equal(seen.length, 2);
  assert.equal(String(seen[0]), seen[1]);
});

Deno.test("runCommand ends the whole process group at the time limit", async () => {
  const begun = performance.now();
  const lines: string[] = [];
  const exit = await shell("sleep 60 & echo $!; wait", {
    timeLimit: 300,
    onLine: (line) => lines.push(line),
  });
  assert.equal(exit.ended, "time-limit");
  assert.equal(exit.signal, "SIGTERM");
  assert.ok(performance.now() - begun < 5_000);
  assert.match(lines[0] ?? "", /^\d+$/);
  await systemClock.sleep(50);
  assert.equal(await isRunning(Number(lines[0])), false, "the child in the background is gone too");
});

Deno.test("runCommand gives the children the same grace as their leader", async () => {
  const lines: string[] = [];
  const abort = new AbortController();
  const child = "(trap 'sleep 0.5; echo cleaned up; exit' TERM; echo begun; while :; do sleep 0.1; done)";
  const exit = await shell(`${child} & wait`, {
    signal: abort.signal,
    onLine(line) {
      lines.push(line);
      if (line === "begun") abort.abort();
    },
  });
  assert.equal(exit.ended, "aborted");
  assert.equal(lines.at(-1), "cleaned up");
});

Deno.test("runCommand sends KILL to a group that ignores TERM, when its grace is over", async () => {
  const abort = new AbortController();
  const begun = performance.now();
  // The system's clock, ten times as fast.
  const hurried = createRunCommand({
    now: () => Date.now() * 10,
    monotonic: () => performance.now() * 10,
    sleep: (duration, signal) => systemClock.sleep(duration / 10, signal),
  });
  const exit = await hurried({
    program: "/bin/sh",
    args: ["-c", "trap '' TERM; echo begun; while :; do sleep 0.1; done"],
    timeLimit: 300_000,
    signal: abort.signal,
    onLine: () => abort.abort(),
  });
  assert.equal(exit.signal, "SIGKILL");
  assert.ok(performance.now() - begun > 900 && performance.now() - begun < 8_000);
});

Deno.test("runCommand passes a line on while the program still runs", async () => {
  let seen = 0;
  const begun = performance.now();
  await shell("echo first; sleep 1; echo second", { onLine: () => seen ||= performance.now() - begun });
  assert.ok(seen > 0 && seen < 900, `${seen} ms`);
});

Deno.test("runCommand keeps its time limit whatever a program prints", async () => {
  for (const flood of ["exec yes", "exec cat /dev/zero", "exec cat /dev/urandom"]) {
    const begun = performance.now();
    const exit = await shell(flood, { timeLimit: 500 });
    assert.equal(exit.ended, "time-limit", flood);
    assert.ok(performance.now() - begun < 4_000, flood);
  }
});

Deno.test("runCommand is aborted by its signal", async () => {
  const abort = new AbortController();
  setTimeout(() => abort.abort(), 200);
  const exit = await shell("exec sleep 60", { signal: abort.signal });
  assert.equal(exit.ended, "aborted");
  await assert.rejects(shell("exit 0", { signal: abort.signal }));
});

Deno.test("runCommand does not wait for a child that keeps the output open", async () => {
  const begun = performance.now();
  const lines: string[] = [];
  const exit = await shell("sleep 5 & echo $!; exit 0", { onLine: (line) => lines.push(line) });
  Deno.kill(Number(lines[0]), "SIGKILL");
  await systemClock.sleep(100);
  assert.equal(exit.status, 0);
  assert.equal(exit.ended, null);
  assert.ok(performance.now() - begun < 4_000);
});

Deno.test("runCommand bounds the lines that it passes on and those that it keeps", async () => {
  let count = 0;
  const exit = await shell("seq 1 12000", { onLine: () => count++ });
  assert.equal(count, 10_001);
  assert.equal(exit.output.length, 300);
  assert.equal(exit.output[0], "1");
  assert.equal(exit.output.at(-1), "12000");
});

Deno.test("runCommand says that a program does not exist or cannot be executed", async () => {
  await assert.rejects(
    run({ program: "hail-no-such-program", args: [], timeLimit: 1_000 }),
    Deno.errors.NotFound,
  );
  await assert.rejects(
    run({ program: "/etc/passwd", args: [], timeLimit: 1_000 }),
    Deno.errors.PermissionDenied,
  );
});

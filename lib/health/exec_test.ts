import assert from "node:assert/strict";
import { createRunCommand } from "../process/run_command.ts";
import { systemClock } from "../time/system_clock.ts";
import { exec, type ExecTarget } from "./exec.ts";

const NEVER = new AbortController().signal;

async function look({ program, args }: ExecTarget, signal = NEVER, timeout = 5_000) {
  const lines: string[] = [];
  const probe = exec.open(
    { program, args, name: "c", interval: 1, timeout, threshold: 1, required: true },
    {
      run: createRunCommand(systemClock),
      fetch: () => assert.fail("no request is made"),
      certificates: [],
      environment: { HAIL_PROFILE: "/p" },
      onLine: (check, line, stream) => lines.push(`${check} ${stream} ${line}`),
    },
  );
  return { result: await probe.look(signal), lines };
}

const sh = (script: string): ExecTarget => ({ program: "/bin/sh", args: ["-c", script, "two words"] });

Deno.test("exec: status 0 passes; arguments, environment and output are handed on", async () => {
  assert.deepEqual(await look(sh('echo "$0:$HAIL_PROFILE"; echo oops >&2')), {
    result: null,
    lines: ["c stdout two words:/p", "c stderr oops"],
  });
});

Deno.test("exec: another status fails, with the last words", async () => {
  const { result } = await look(sh("echo begin; echo cannot reach http://u:secret@db/; exit 3"));
  assert.equal(result, "it ended with status 3: cannot reach http://db/");
  assert.equal((await look(sh("exit 1"))).result, "it ended with status 1");
  assert.equal((await look(sh("kill -9 $$"))).result, "SIGKILL ended it");
  const long = await look(sh("printf '%5000s\\n' x; exit 1"));
  assert((long.result ?? "").length < 400);
});

Deno.test("exec: what cannot be started says why", async () => {
  assert.match((await look({ program: "/no/such/program", args: [] })).result ?? "", /no such program/);
  assert.match((await look({ program: "/etc/passwd", args: [] })).result ?? "", /may not be executed/);
});

Deno.test("exec: what is told to end, or takes too long, is ended", async () => {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), 50);
  assert.equal((await look(sh("exec sleep 60"), stop.signal)).result, "it took too long and was ended");
  clearTimeout(timer);
  assert.equal((await look(sh("exec sleep 60"), NEVER, 50)).result, "it took too long and was ended");
});

import assert from "node:assert/strict";
import { asker, gateWorld, question } from "../../tests/support/gate_world.ts";
import { type Command, createRunCommand, type Exit } from "../process/run_command.ts";
import { systemClock } from "../time/system_clock.ts";
import { GateFault } from "./gate.ts";

/** Asks a program that ends in a certain way. */
async function look(exit: Partial<Exit>, lines: readonly (readonly ["stdout" | "stderr", string])[] = []) {
  const commands: Command[] = [];
  const seen: string[] = [];
  const world = gateWorld({
    environment: { LANG: "C" },
    run(command) {
      commands.push(command);
      for (const [stream, line] of lines) command.onLine?.(line, stream);
      return Promise.resolve({
        status: 0,
        signal: null,
        ended: null,
        output: lines.map(([, line]) => line),
        ...exit,
      });
    },
    onLine: (gate, line, stream) => seen.push(`${gate} ${stream} ${line}`),
  });
  const ask = asker('exec "/bin/ask --name \\"two words\\"" timeout=5s', world);
  return { shut: await ask(0), commands, seen };
}

const fault = (why: RegExp) => (error: unknown) => {
  assert(error instanceof GateFault, String(error));
  assert.match(error.why, why);
  return true;
};

Deno.test("exec: 0 is open; the program is told what it is asked about", async () => {
  const { shut, commands, seen } = await look({}, [["stderr", "looking"]]);
  assert.equal(shut, null);
  const [{ program, args, env, timeLimit } = assert.fail()] = commands;
  assert.deepEqual({ program, args, env, timeLimit }, {
    program: "/bin/ask",
    args: ["--name", "two words"],
    env: {
      LANG: "C",
      HAIL_PROFILE: "/nix/var/nix/profiles/web",
      HAIL_JOB_URI: "https://hydra.example.org/job/p/s/j",
      HAIL_BUILD_ID: "7",
      HAIL_STORE_PATH: "/nix/store/00000000000000000000000000000000-a",
    },
    timeLimit: 5_000,
  });
  assert.deepEqual(seen, ["exec /bin/ask stderr looking"]);
});

Deno.test("exec: 75 is closed, and the first line of its output is the reason", async () => {
  const said = [["stderr", "noise"], ["stdout", "the batch runs"], ["stdout", "more"]] as const;
  assert.deepEqual((await look({ status: 75 }, said)).shut, { why: "the batch runs", askAgainAt: null });
  assert.equal((await look({ status: 75 })).shut?.why, "the program says not now");
  assert.equal((await look({ status: 75 }, [["stdout", ""]])).shut?.why, "the program says not now");
  const long = await look({ status: 75 }, [["stdout", `\x1b[31m${"x".repeat(5_000)}`]]);
  assert.equal(long.shut?.why.length, 200);
  const secret = await look({ status: 75 }, [["stdout", "ask https://u:s3cret@h/"]]);
  assert.equal(secret.shut?.why, "ask https://h/");
});

Deno.test("exec: everything else is a fault", async () => {
  await assert.rejects(look({ status: 1 }), fault(/^it ended with status 1$/));
  await assert.rejects(look({ status: 1 }, [["stderr", "oops"]]), fault(/^it ended with status 1: oops$/));
  await assert.rejects(look({ status: 137, signal: "SIGKILL" }), fault(/^SIGKILL ended it$/));
  await assert.rejects(look({ status: 75, signal: null, ended: "time-limit" }), fault(/not end within 5s/));
});

Deno.test("exec: real programs", async () => {
  const world = gateWorld({ run: createRunCommand(systemClock) });
  const sh = (script: string, rest = "") =>
    asker(`exec "/bin/sh -c \\"${script.replaceAll('"', '\\\\\\"')}\\""${rest}`, world);
  assert.equal(await sh('test -n "$HAIL_BUILD_ID"')(0), null);
  assert.deepEqual(await sh('echo "not $HAIL_BUILD_ID"; exit 75')(0), { why: "not 7", askAgainAt: null });
  await assert.rejects(sh("exec sleep 60", " timeout=100ms")(0), fault(/not end within 100ms/));
  await assert.rejects(asker("exec /no/such/program", world)(0), fault(/no such program/));
  await assert.rejects(asker("exec /etc/passwd", world)(0), fault(/may not be executed/));
});

Deno.test("exec: a program that is given up is ended, and that is no fault of its", async () => {
  const world = gateWorld({ run: createRunCommand(systemClock) });
  const stop = new AbortController();
  const reason = new Error("stop");
  const answer = asker('exec "sleep 60"', world)(0, question(), stop.signal);
  stop.abort(reason);
  await assert.rejects(answer, (error) => error === reason);
});

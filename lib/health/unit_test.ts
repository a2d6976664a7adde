import assert from "node:assert/strict";
import type { Exit } from "../process/run_command.ts";
import type { Bounds, World } from "./kind.ts";
import { unit } from "./unit.ts";

const NEVER = new AbortController().signal;
const ACTIVE = {
  LoadState: "loaded",
  ActiveState: "active",
  SubState: "running",
  Result: "success",
  NRestarts: "0",
};

/** Looks once for each answer of systemd, and gives what each look came to. */
async function looks(...answers: (Readonly<Record<string, string>> | Error)[]): Promise<(string | null)[]> {
  const commands: (readonly string[])[] = [];
  const run: World["run"] = ({ program, args }): Promise<Exit> => {
    commands.push([program, ...args]);
    const answer = answers[commands.length - 1];
    if (answer instanceof Error) return Promise.reject(answer);
    const output = Object.entries(answer ?? {}).map(([name, value]) => `${name}=${value}`);
    return Promise.resolve({ status: 0, signal: null, ended: null, output });
  };
  const check = { unit: "web.service", name: "web" } as Bounds & { unit: string };
  const probe = unit.open(check, { run } as World);
  const results: (string | null)[] = [];
  for (const _ of answers) results.push(await probe.look(NEVER));
  assert(
    commands.every((words) => words[0] === "systemctl" && words.slice(-2).join(" ") === "-- web.service"),
  );
  return results;
}

Deno.test("unit: a unit that is active passes, one that reloads as well", async () => {
  assert.deepEqual(await looks(ACTIVE, { ...ACTIVE, ActiveState: "reloading", SubState: "reload" }), [
    null,
    null,
  ]);
});

Deno.test("unit: a unit without a count of restarts passes", async () => {
  const { NRestarts: _, ...timer } = { ...ACTIVE, SubState: "waiting" };
  assert.deepEqual(await looks(timer, timer), [null, null]);
});

Deno.test("unit: what is not active fails and says what it is", async () => {
  const rows: [shown: Record<string, string>, why: string][] = [
    [{ LoadState: "not-found", ActiveState: "inactive", SubState: "dead" }, "there is no such unit"],
    [
      { ...ACTIVE, ActiveState: "failed", SubState: "failed", Result: "exit-code" },
      "it is failed (exit-code)",
    ],
    [{ ...ACTIVE, ActiveState: "inactive", SubState: "dead" }, "it is inactive (dead)"],
    [{ ...ACTIVE, ActiveState: "activating", SubState: "start-pre" }, "it is activating (start-pre)"],
    [
      { ...ACTIVE, ActiveState: "activating", SubState: "auto-restart", Result: "signal" },
      "it has ended and waits to be restarted (signal)",
    ],
    [{}, "systemd does not say whether it is active"],
  ];
  for (const [shown, why] of rows) assert.deepEqual(await looks(shown), [why]);
});

Deno.test("unit: a restart between two looks fails the look after it, and only that one", async () => {
  const restarts = (count: number) => ({ ...ACTIVE, NRestarts: String(count) });
  assert.deepEqual(
    await looks(restarts(3), restarts(3), restarts(4), restarts(4), restarts(0), restarts(1)),
    [
      null,
      null,
      "it restarted by itself (NRestarts is now 4)",
      null,
      null,
      "it restarted by itself (NRestarts is now 1)",
    ],
  );
});

Deno.test("unit: where systemd cannot be asked, that is the reason", async () => {
  assert.deepEqual(await looks(new Deno.errors.NotFound()), ["systemctl is not on PATH"]);
});

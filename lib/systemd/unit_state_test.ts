import assert from "node:assert/strict";
import type { Command, Exit, RunCommand } from "../process/run_command.ts";
import { SHOW_LIMIT, showUnit, UnitStateUnknown } from "./unit_state.ts";

const DONE: Exit = { status: 0, signal: null, ended: null, output: [] };

function answering(exit: Partial<Exit>) {
  const commands: Command[] = [];
  const run: RunCommand = (command) => {
    commands.push(command);
    return Promise.resolve({ ...DONE, ...exit });
  };
  return { commands, run };
}

Deno.test("showUnit asks for the properties of one unit, whose name stands behind --, and has a limit", async () => {
  const { commands, run } = answering({ output: ["NRestarts=2", "ActiveState=active"] });
  const state = await showUnit(run, "-web.service", ["ActiveState", "NRestarts"]);
  assert.deepEqual(state, { ActiveState: "active", NRestarts: "2" });
  assert.equal(commands.length, 1);
  assert.equal(commands[0]?.program, "systemctl");
  assert.deepEqual(commands[0]?.args.slice(2), [
    ...["show", "--all", "--property=ActiveState,NRestarts", "--", "-web.service"],
  ]);
  assert.equal(commands[0]?.timeLimit, SHOW_LIMIT);
});

Deno.test("showUnit keeps empty values and equals signs, and leaves out what was not asked for", async () => {
  const output = ["Description=a=b = c", "Result=", "warning: something", "Other=1"];
  const state = await showUnit(answering({ output }).run, "web.service", [
    "Description",
    "Result",
    "Missing",
  ]);
  assert.deepEqual(state, { Description: "a=b = c", Result: "" });
});

for (
  const [what, exit, why] of [
    [
      "fails",
      { status: 1, output: ["Failed to connect to bus."] },
      /^systemctl show ended with status 1: Failed to connect to bus$/,
    ],
    ["takes too long", { status: 143, ended: "time-limit" }, /did not answer systemctl show within 30 s/],
    ["is given up", { status: 143, ended: "aborted" }, /given up/],
  ] as const
) {
  Deno.test(`showUnit says why it has no answer when systemctl ${what}`, async () => {
    await assert.rejects(showUnit(answering(exit).run, "web.service", ["ActiveState"]), (error) => {
      assert.ok(error instanceof UnitStateUnknown);
      assert.match(error.message, why);
      return true;
    });
  });
}

Deno.test("showUnit says why it has no answer when systemctl is missing or was given up before", async () => {
  const missing: RunCommand = () => Promise.reject(new Deno.errors.NotFound("systemctl"));
  await assert.rejects(showUnit(missing, "web.service", ["ActiveState"]), {
    name: "UnitStateUnknown",
    message: "systemctl is not on PATH",
  });
  const forbidden: RunCommand = () => Promise.reject(new Deno.errors.PermissionDenied("systemctl"));
  await assert.rejects(showUnit(forbidden, "web.service", ["ActiveState"]), /cannot be executed/);
  const abort = AbortSignal.abort();
  const aborted: RunCommand = () => Promise.reject(abort.reason);
  await assert.rejects(showUnit(aborted, "web.service", ["ActiveState"], abort), /given up/);
});

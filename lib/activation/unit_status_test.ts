import assert from "node:assert/strict";
import { failedUnit } from "../../tests/support/fake_units.ts";
import type { Ended } from "./program.ts";
import { readUnit } from "./unit_status.ts";

const SUCCEEDED = {
  LoadState: "loaded",
  ActiveState: "active",
  SubState: "exited",
  Result: "success",
  ExecMainCode: "1",
  ExecMainStatus: "0",
};

Deno.test("readUnit knows a unit that is not there, one that runs, and one that has ended", () => {
  assert.equal(readUnit({ LoadState: "not-found", ActiveState: "inactive" }).phase, "absent");
  for (const active of ["activating", "deactivating", "reloading", "maintenance"]) {
    assert.equal(readUnit({ ...SUCCEEDED, ActiveState: active }).phase, "running", active);
  }
  for (const active of ["active", "failed", "inactive"]) {
    assert.equal(readUnit({ ...SUCCEEDED, ActiveState: active }).phase, "ended", active);
  }
});

for (
  const [what, properties, ended] of [
    ["success", {}, { how: "exited", status: 0 }],
    ["a status that counts as success", { ExecMainStatus: "4" }, { how: "exited", status: 4 }],
    ["a file that systemd cannot read again", { LoadState: "bad-setting" }, { how: "exited", status: 0 }],
    ["a status", failedUnit("exit-code", 1, 7), { how: "exited", status: 7 }],
    ["a signal", failedUnit("signal", 2, 9), { how: "signal", signal: "SIGKILL" }],
    ["a core dump", failedUnit("core-dump", 3, 11), { how: "signal", signal: "SIGSEGV" }],
    ["a signal without a name", failedUnit("signal", 2, 40), { how: "signal", signal: "signal 40" }],
    ["the time limit", failedUnit("timeout", 2, 15), { how: "time-limit" }],
    ["the time limit, and a program that ended well then", failedUnit("timeout", 1, 0), {
      how: "time-limit",
    }],
    ["no interpreter", failedUnit("exit-code", 1, 203), { how: "not-executed" }],
    ["an end by hand", { ActiveState: "inactive" }, { how: "other", why: "somebody ended it" }],
    [
      "no memory",
      failedUnit("oom-kill", 2, 9),
      { how: "other", why: "it was ended because memory ran out" },
    ],
    [
      "something else",
      failedUnit("resources", 0, 0),
      { how: "other", why: "systemd says that it ended with the result 'resources'" },
    ],
  ] as const satisfies readonly (readonly [string, Readonly<Record<string, string>>, Ended])[]
) {
  Deno.test(`readUnit says how a unit has ended: ${what}`, () => {
    assert.deepEqual(readUnit({ ...SUCCEEDED, ...properties }).ended, ended);
  });
}

Deno.test("readUnit takes a unit as populated unless its control group is gone or counts no process", () => {
  const populated = (ControlGroup: string, TasksCurrent: string) =>
    readUnit({ ...SUCCEEDED, ControlGroup, TasksCurrent }).populated;
  assert.equal(populated("", "[not set]"), false);
  assert.equal(populated("/system.slice/x.service", "0"), false);
  assert.equal(populated("/system.slice/x.service", "[not set]"), true);
  assert.equal(populated("/system.slice/x.service", "2"), true);
});

import assert from "node:assert/strict";
import { Failure } from "../failure/failure.ts";
import type { Command, Exit, RunCommand } from "../process/run_command.ts";
import { createSystemd, parseShow } from "./systemctl.ts";

const DONE: Exit = { status: 0, signal: null, ended: null, output: [] };

function recorded(answer: (args: readonly string[]) => Exit = () => DONE) {
  const commands: Command[] = [];
  const run: RunCommand = (command) => {
    commands.push(command);
    return Promise.resolve(answer(command.args));
  };
  return { commands, systemd: createSystemd(run) };
}

const shown = (count: number): Exit => ({
  ...DONE,
  output: Array.from(
    { length: count },
    (_, index) => [`FragmentPath=/units/${index}`, "ActiveState=active", `InvocationID=${index}`],
  ).flat(),
});

Deno.test("systemctl: unit names stand behind --, and no call waits without a limit", async () => {
  const { commands, systemd } = recorded((args) => args.includes("show") ? shown(1) : DONE);
  await systemd.show(["hail-a.service"]);
  await systemd.daemonReload();
  await systemd.enqueue("restart", "hail-a.service");
  await systemd.enqueue("reload-or-restart", "hail.service");
  await systemd.finish("start", "hail-a.service", 1_234);
  await systemd.resetFailed("hail-a.service");
  assert.deepEqual(commands.map(({ args }) => args.slice(2)), [
    ["show", "--all", "--property=ActiveState,InvocationID,FragmentPath", "--", "hail-a.service"],
    ["daemon-reload"],
    ["restart", "--no-block", "--", "hail-a.service"],
    ["reload-or-restart", "--no-block", "--", "hail.service"],
    ["start", "--", "hail-a.service"],
    ["reset-failed", "--", "hail-a.service"],
  ]);
  for (const { program, timeLimit } of commands) {
    assert.equal(program, "systemctl");
    assert.ok(timeLimit > 0 && timeLimit <= 60_000);
  }
  assert.equal(commands[4]?.timeLimit, 1_234);
});

Deno.test("systemctl: one unit hands over to others in one transaction of systemd's", async () => {
  const { commands, systemd } = recorded();
  await systemd.handOver("hail.service", ["hail-a.service", "hail-b.service"]);
  assert.deepEqual(commands.map(({ program, args }) => [program, ...args]), [[
    ...["systemd-run", "--no-block", "--no-ask-password", "--quiet", "--collect"],
    "--description=hail: takes over from hail.service",
    "--property=Type=oneshot",
    "--property=Conflicts=hail.service",
    "--property=After=hail.service",
    "--property=Wants=hail-a.service",
    "--property=Wants=hail-b.service",
    ...["--", "systemctl", "daemon-reload"],
  ]]);
  const refused = recorded(() => ({ ...DONE, status: 1, output: ["Transaction is destructive."] }));
  await assert.rejects(
    refused.systemd.handOver("hail.service", ["hail-a.service"]),
    /^Failure: hail\.service: systemd-run ended with status 1: Transaction is destructive$/,
  );
});

Deno.test("systemctl: many units are asked about in parts, and no question is asked about none", async () => {
  const { commands, systemd } = recorded((args) => shown(args.length - args.indexOf("--") - 1));
  const names = Array.from({ length: 120 }, (_, index) => `hail-${index}.service`);
  assert.equal((await systemd.show(names)).length, 120);
  assert.equal(commands.length, 3);
  assert.deepEqual(await systemd.show([]), []);
  assert.equal(commands.length, 3);
});

Deno.test("systemctl: the properties come in any order, and empty ones count", () => {
  assert.deepEqual(
    parseShow([
      "InvocationID=",
      "ActiveState=inactive",
      "FragmentPath=",
      "ActiveState=active",
      "FragmentPath=/a",
      "InvocationID=1",
    ], 2),
    [
      { active: "inactive", invocation: "", fragment: "" },
      { active: "active", invocation: "1", fragment: "/a" },
    ],
  );
});

Deno.test("systemctl: an answer that leaves out a unit or a property is refused", () => {
  for (const lines of [[], ["ActiveState=active"], shown(1).output, shown(3).output]) {
    assert.throws(() => parseShow(lines, 2), Failure);
  }
});

Deno.test("systemctl: a failure names the unit, what systemd said, and where to look", async () => {
  const { systemd } = recorded(() => ({ ...DONE, status: 1, output: ["Job for hail-a.service failed."] }));
  await assert.rejects(systemd.finish("start", "hail-a.service", 1), (error) => {
    assert.ok(error instanceof Failure);
    assert.equal(error.code, "activation-failed");
    assert.equal(
      error.message,
      "hail-a.service: systemctl start ended with status 1: Job for hail-a.service failed",
    );
    assert.match(error.next, /journalctl -u hail-a\.service/);
    return true;
  });
});

Deno.test("systemctl: a call that takes too long is a failure", async () => {
  const { systemd } = recorded(() => ({ ...DONE, status: 143, ended: "time-limit" }));
  await assert.rejects(systemd.daemonReload(), /systemctl daemon-reload was not done after 60 s/);
});

Deno.test("systemctl: a host without systemctl is a failure, not a fault", async () => {
  const systemd = createSystemd(() => Promise.reject(new Deno.errors.NotFound("systemctl")));
  await assert.rejects(systemd.daemonReload(), (error) => {
    assert.ok(error instanceof Failure);
    assert.match(error.message, /systemctl: it is not on PATH/);
    return true;
  });
});

import assert from "node:assert/strict";
import { FakeUnits } from "../../tests/support/fake_units.ts";
import type { Command } from "../process/run_command.ts";
import type { Event } from "../report/event.ts";
import { VirtualClock } from "../time/virtual_clock.ts";
import { UnitLog } from "./unit_log.ts";

const SOURCE = { unit: "activate-hail-web-1-1.service", identifier: "activate-hail-12345678" };
const NEVER = new AbortController().signal;

function scene() {
  const clock = new VirtualClock();
  const fake = new FakeUnits(clock);
  const events: Event[] = [];
  const log = new UnitLog(SOURCE, { run: fake.run, clock, report: (event) => events.push(event) });
  const print = (...lines: string[]) => {
    for (const line of lines) fake.journal.push({ identifier: SOURCE.identifier, line });
  };
  const lines = () => events.filter(({ name }) => name === "activate-output").map(({ message }) => message);
  return { clock, fake, events, log, print, lines };
}

Deno.test("UnitLog reports each line once, as it comes, and the rest at the end", async () => {
  const { clock, fake, log, print, lines } = scene();
  const over = new AbortController();
  print("one");
  fake.journal.push({ identifier: "another", line: "not ours" });
  const following = log.follow(over.signal, NEVER);
  await clock.advance(1_000);
  assert.deepEqual(lines(), ["one"]);
  print("two", "-- cursor: a program may print this, too");
  await clock.advance(1_000);
  assert.deepEqual(lines(), ["one", "two", "-- cursor: a program may print this, too"]);
  print("three");
  over.abort();
  await following;
  await log.finish(NEVER);
  assert.deepEqual(lines().slice(3), ["three"]);
  const reading = fake.commands.findIndex((command) => command.includes("--sync"));
  assert.equal(reading, fake.commands.length - 2, "synced before the last reading");
});

Deno.test("UnitLog takes only what came through the unit's own output, from root or the unit", async () => {
  const { fake, log } = scene();
  await log.finish(NEVER);
  const command = fake.commands.at(-1) ?? [];
  assert.deepEqual(command.slice(command.indexOf("--show-cursor") + 1), [
    ...["SYSLOG_IDENTIFIER=activate-hail-12345678", "_TRANSPORT=stdout", "_UID=0", "+"],
    ...[
      "SYSLOG_IDENTIFIER=activate-hail-12345678",
      "_TRANSPORT=stdout",
      "_SYSTEMD_UNIT=activate-hail-web-1-1.service",
    ],
  ]);
});

Deno.test("UnitLog reads less and less often while nothing is printed", async () => {
  const { clock, fake, log } = scene();
  const over = new AbortController();
  const following = log.follow(over.signal, NEVER);
  await clock.advance(60_000);
  assert.ok(fake.commands.length > 12 && fake.commands.length < 20, `${fake.commands.length} times`);
  over.abort();
  await following;
});

Deno.test("UnitLog reports so many lines and says where the rest is", async () => {
  const { clock, log, print, lines } = scene();
  print(...Array.from({ length: 9_000 }, (_, index) => `line ${index}`));
  const following = log.follow(new AbortController().signal, NEVER);
  await clock.advance(1_000);
  print(...Array.from({ length: 9_000 }, (_, index) => `more ${index}`));
  await clock.advance(1_000);
  await following;
  await log.finish(NEVER);
  assert.equal(lines().length, 10_000);
  assert.equal(lines().at(-2), "more 998");
  assert.match(lines().at(-1) ?? "", /more than 10000 lines.*journalctl -u activate-hail-web-1-1\.service/);
});

Deno.test("UnitLog repeats no line after a reading that was cut off", async () => {
  const clock = new VirtualClock();
  const events: string[] = [];
  const readings = [["one", "two", "three"], ["one", "two", "three", "four", "-- cursor: x"]];
  const asked: Command[] = [];
  const log = new UnitLog(SOURCE, {
    clock,
    report: ({ message }) => events.push(message),
    run(command) {
      if (command.args.includes("--show-cursor")) {
        asked.push(command);
        for (const line of readings.shift() ?? ["-- cursor: x"]) command.onLine?.(line, "stdout");
      }
      return Promise.resolve({ status: 0, signal: null, ended: null, output: [] });
    },
  });
  for (let times = 0; times < 3; times++) await log.finish(NEVER);
  assert.deepEqual(events, ["one", "two", "three", "four"]);
  assert.equal(asked[1]?.args.some((arg) => arg.startsWith("--after-cursor")), false);
  assert.equal(asked[2]?.args.includes("--after-cursor=x"), true);
});

Deno.test("UnitLog says once, for debugging, that the journal cannot be read", async () => {
  const { clock, fake, log, events } = scene();
  fake.missing.add("journalctl");
  const over = new AbortController();
  const following = log.follow(over.signal, NEVER);
  await clock.advance(5_000);
  over.abort();
  await following;
  await log.finish(NEVER);
  assert.deepEqual(events.map(({ name, level }) => [name, level]), [["activation-log", "debug"]]);
  assert.match(events[0]?.message ?? "", /only in the journal.*journalctl is not on PATH/);
});

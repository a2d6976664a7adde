import assert from "node:assert/strict";
import type { Event } from "./event.ts";
import { createLog, type LogOptions } from "./log.ts";

const NOW = Date.UTC(2026, 10, 22, 13, 14, 15, 678);

function log(events: Event[], options: Partial<LogOptions>): string {
  let written = "";
  const report = createLog({
    format: "text",
    level: "info",
    reader: "file",
    now: () => NOW,
    write: (line) => written += line,
    ...options,
  });
  for (const event of events) report(event);
  return written;
}

const EVENTS: Event[] = [
  { name: "poll", level: "debug", message: "nothing new" },
  {
    name: "switch",
    level: "info",
    message: "switched to {x}",
    fields: { build_id: 7, path: "/nix/store/x" },
  },
  { name: "retry", level: "warning", message: "odd" },
  { name: "failure", level: "error", message: "a\nb\u001b[31mred" },
];

Deno.test("createLog writes syslog priorities and no time for the journal", () => {
  assert.equal(
    log(EVENTS, { reader: "journal", level: "debug" }),
    "<7>nothing new\n<6>switched to {x}\n<4>odd\n<3>a bred\n",
  );
});

Deno.test("createLog writes date, time and level for a file, and leaves out what is below the level", () => {
  assert.equal(
    log(EVENTS, {}),
    [
      "2026-11-22T13:14:15.678Z switched to {x}",
      "2026-11-22T13:14:15.678Z warning: odd",
      "2026-11-22T13:14:15.678Z error: a bred",
      "",
    ].join("\n"),
  );
});

Deno.test("createLog colours for a terminal only, and lets no other escape through", () => {
  const plain = log(EVENTS, { reader: "plain-terminal" });
  const coloured = log(EVENTS, { reader: "terminal" });
  assert.ok(!plain.includes("\u001b"));
  assert.ok(coloured.includes("\u001b["));
  assert.ok(!coloured.includes("\u001b[31mred"));
  assert.match(plain, /^\d\d:\d\d:\d\d\.\d+ switched to \{x\}\n/);
});

Deno.test("createLog writes JSON lines with stable fields", () => {
  const lines = log(EVENTS, { format: "json", reader: "journal" }).trimEnd().split("\n");
  assert.deepEqual(lines.map((line) => JSON.parse(line)), [
    {
      "@timestamp": "2026-11-22T13:14:15.678Z",
      level: "INFO",
      message: "switched to {x}",
      logger: "hail",
      event: "switch",
      build_id: 7,
      path: "/nix/store/x",
    },
    {
      "@timestamp": "2026-11-22T13:14:15.678Z",
      level: "WARN",
      message: "odd",
      logger: "hail",
      event: "retry",
    },
    {
      "@timestamp": "2026-11-22T13:14:15.678Z",
      level: "ERROR",
      message: "a bred",
      logger: "hail",
      event: "failure",
    },
  ]);
});

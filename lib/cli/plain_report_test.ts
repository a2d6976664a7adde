import assert from "node:assert/strict";
import { plainReport } from "./plain_report.ts";

Deno.test("plain report: lines are plain, what is out of order has a label, and details are left out", () => {
  const lines: string[] = [];
  const report = plainReport((line) => lines.push(line));
  report({ name: "switch", level: "info", message: "the profile now points at it" });
  report({ name: "poll", level: "debug", message: "Hydra allows no HEAD" });
  report({ name: "failure", level: "error", message: "it failed" });
  report({ name: "failure", level: "error", message: "it failed", service: "web" });
  report({ name: "switch", level: "info", message: "done", service: "web" });
  assert.deepEqual(lines, [
    ...["the profile now points at it", "error: it failed", "error: web: it failed", "web: done"],
  ]);
});

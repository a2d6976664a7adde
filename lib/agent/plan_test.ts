import assert from "node:assert/strict";
import type { ServiceSettings } from "../settings/service.ts";
import { parseJobUri } from "../hydra/job_uri.ts";
import { VirtualClock } from "../time/virtual_clock.ts";
import { planAfter, replanned } from "./plan.ts";

const settings = (more: Partial<ServiceSettings> = {}) =>
  ({
    jobUri: parseJobUri("http://h/job/a/b/c/latest"),
    period: 60_000,
    retention: { generations: 10, days: null },
    gates: [],
    after: [],
    ...more,
  }) as ServiceSettings;

Deno.test("replanned: new settings are followed by a poll at once where that may lead to something else", () => {
  const clock = new VirtualClock();
  const schedule = { period: 60_000, phase: 7 };
  const plan = { ...planAfter(30_000, clock.now(), clock, schedule), woken: true };
  const before = settings();
  const cases: [why: string, next: ServiceSettings, unwell: boolean, atOnce: boolean][] = [
    [
      "nothing that the poll would ask",
      settings({ retention: { generations: 5, days: null } }),
      false,
      false,
    ],
    ["another period", settings({ period: 30_000 }), false, false],
    ["the same: its credentials have changed", settings(), false, true],
    ["another job", settings({ jobUri: parseJobUri("http://h/job/a/b/d/latest") }), false, true],
    ["another order", settings({ after: ["db"] }), false, true],
    ["anything, where it is not well", settings({ retention: { generations: 5, days: null } }), true, true],
  ];
  for (const [why, next, unwell, atOnce] of cases) {
    const found = replanned(plan, { before, next, unwell }, clock);
    const expected = atOnce ? { ...plan, due: clock.monotonic(), at: clock.now() } : plan;
    assert.deepEqual(found, expected, why);
  }
});

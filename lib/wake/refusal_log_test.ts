import assert from "node:assert/strict";
import type { Event } from "../report/event.ts";
import { VirtualClock } from "../time/virtual_clock.ts";
import { REFUSAL_PERIOD, RefusalLog } from "./refusal_log.ts";

Deno.test("refusals: of each reason the first is told, and then a number once a minute", async () => {
  const clock = new VirtualClock();
  const events: Event[] = [];
  const log = new RefusalLog((event) => events.push(event), clock);
  const told = () =>
    events.splice(0).map(({ fields }) => [fields?.["reason"], fields?.["count"], fields?.["from"]]);

  for (const from of ["192.0.2.1", "192.0.2.2", "192.0.2.3"]) {
    log.add("wrong-credentials", "the token is wrong", from);
  }
  log.add("method", "only POST", "192.0.2.4");
  assert.match(
    events[0]?.message ?? "",
    /^a request to wake a service was refused, from 192\.0\.2\.1: the token is wrong$/,
  );
  assert.deepEqual(told(), [["wrong-credentials", 1, "192.0.2.1"], ["method", 1, "192.0.2.4"]]);
  await clock.advance(REFUSAL_PERIOD - 1);
  log.add("wrong-credentials", "the token is wrong", "192.0.2.5");
  assert.deepEqual(told(), []);
  await clock.advance(1);
  log.add("wrong-credentials", "the token is wrong", "192.0.2.6");
  assert.deepEqual(told(), [["wrong-credentials", 4, "192.0.2.6"]]);
  log.add("wrong-credentials", "the token is wrong", "192.0.2.7");
  log.flush();
  assert.deepEqual(told(), [["wrong-credentials", 1, "192.0.2.7"]]);
  log.flush();
  assert.deepEqual(told(), []);
});

import assert from "node:assert/strict";
import { REFUSALS } from "../../lib/wake/answer.ts";
import { ALL_FAILURES_RATE, FAILURE_RATE, SIGNATURES_MAX, WAKE_RATE } from "../../lib/wake/door.ts";
import { BODY_LIMIT, HEAD_LIMIT } from "../../lib/wake/exchange.ts";
import { CONNECTION_LIMIT } from "../../lib/wake/listener.ts";
import { BODY_BYTES_MAX, HEAD_BYTES_MAX } from "../../lib/wake/request_head.ts";
import { VirtualClock } from "../../lib/time/virtual_clock.ts";
import { listening } from "../support/wake_caller.ts";

const DOCUMENT = await Deno.readTextFile(new URL("../../docs/wake.md", import.meta.url));

Deno.test("docs/wake.md: hail takes the example of a signed request, byte for byte", async () => {
  const [, secret = ""] = /with the secret `([0-9a-f]+)`/.exec(DOCUMENT) ?? [];
  const [, request = ""] = /```http\n([^`]+)\n```/.exec(DOCUMENT) ?? [];
  const [, timestamp = ""] = /X-Hail-Timestamp: ([0-9]+)/.exec(request) ?? [];
  await using at = await listening({ clock: new VirtualClock(Number(timestamp) * 1000) }, secret);
  assert.equal((await at.ask(request.replaceAll("\n", "\r\n"))).status, 202);
  assert.deepEqual(at.woken, ["web"]);
});

Deno.test("docs/wake.md has the limits that the code has", () => {
  const rows = [...DOCUMENT.slice(DOCUMENT.indexOf("### Limits")).matchAll(/^\| ([^|]+) \| ([^|]+) \|$/gm)];
  const limits = new Map(rows.map(([, what = "", limit = ""]) => [what, limit]));
  const rate = ({ burst, perSecond }: { burst: number; perSecond: number }) =>
    `${burst} at once, then ${perSecond < 1 ? `1 in ${1 / perSecond} s` : `${perSecond} a second`}`;
  const expected: [what: RegExp, limit: string][] = [
    [/^head, body/, `${HEAD_BYTES_MAX / 1024} KiB, ${BODY_BYTES_MAX / 1024} KiB`],
    [/^time for/, `${HEAD_LIMIT / 1000} s, ${BODY_LIMIT / 1000} s`],
    [/^connections/, `${CONNECTION_LIMIT}; the next one takes the place of the oldest`],
    [/^wake-ups/, rate(WAKE_RATE)],
    [/^wrong proofs from one/, rate(FAILURE_RATE)],
    [/^wrong proofs from every/, rate(ALL_FAILURES_RATE)],
    [/^signatures/, `${SIGNATURES_MAX.toLocaleString("en")}; none is forgotten before its time`],
  ];
  for (const [what, limit] of expected) {
    const found = [...limits].find(([name]) => what.test(name));
    assert.equal(found?.[1], limit, String(what));
  }
});

Deno.test("docs/wake.md has every reason for a refusal, with its status", () => {
  const documented = [...DOCUMENT.matchAll(/^\| ([0-9]{3}) \| `([a-z-]+)` \|/gm)]
    .map(([, status, reason = ""]) => [reason, Number(status)]);
  const answered = Object.entries(REFUSALS).map(([reason, [status]]) => [reason, status]);
  assert.deepEqual(Object.fromEntries(documented), Object.fromEntries(answered));
});

import assert from "node:assert/strict";
import { asker, question } from "../../tests/support/gate_world.ts";

async function look(text: string, at: string): Promise<string> {
  const shut = await asker(text)(at);
  return shut === null ? "open" : new Date(shut.askAgainAt ?? NaN).toISOString().replace(":00.000Z", "Z");
}

Deno.test("blackout: it is closed on its days, the first and the last one included", async () => {
  const HOLIDAYS = 'blackout "2026-12-20..2027-01-02, 2026-11-27" zone=UTC';
  const BERLIN = 'blackout "2026-12-24T12:00..2026-12-27T06:00" zone=Europe/Berlin';
  const rows: [text: string, at: string, expected: string][] = [
    [HOLIDAYS, "2026-12-19T23:59:59.999Z", "open"],
    [HOLIDAYS, "2026-12-20T00:00:00Z", "2027-01-03T00:00Z"],
    [HOLIDAYS, "2027-01-02T23:59:59.999Z", "2027-01-03T00:00Z"],
    [HOLIDAYS, "2027-01-03T00:00:00Z", "open"],
    [HOLIDAYS, "2026-11-26T23:59:59Z", "open"],
    [HOLIDAYS, "2026-11-27T12:00:00Z", "2026-11-28T00:00Z"],
    [HOLIDAYS, "2026-11-28T00:00:00Z", "open"],
    [BERLIN, "2026-12-24T10:59:00Z", "open"],
    [BERLIN, "2026-12-24T11:00:00Z", "2026-12-27T05:00Z"],
    [BERLIN, "2026-12-27T05:00:00Z", "open"],
    ['blackout "2026-12-24T12:00..2026-12-26" zone=UTC', "2026-12-26T23:00:00Z", "2026-12-27T00:00Z"],
    ['blackout "2028-02-29" zone=UTC', "2028-02-29T10:00:00Z", "2028-03-01T00:00Z"],
    // Those that touch are one.
    ['blackout "2026-12-25, 2026-12-24, 2026-12-26" zone=UTC', "2026-12-24T01:00:00Z", "2026-12-27T00:00Z"],
    ['blackout "2026-12-01..2026-12-31, 2026-12-24" zone=UTC', "2026-12-24T01:00:00Z", "2027-01-01T00:00Z"],
  ];
  for (const [text, at, expected] of rows) assert.equal(await look(text, at), expected, `${text} at ${at}`);
});

Deno.test("blackout: where clocks are changed, it is closed from the first such moment to the last", async () => {
  const rows: [text: string, at: string, expected: string][] = [
    // In Santiago the clock goes from 24:00 of 2026-09-05 to 01:00, at 04:00Z, and comes back on 2026-04-05 at 03:00Z.
    ['blackout "2026-09-06" zone=America/Santiago', "2026-09-06T03:59:00Z", "open"],
    ['blackout "2026-09-06" zone=America/Santiago', "2026-09-06T04:00:00Z", "2026-09-07T03:00Z"],
    ['blackout "2026-09-05" zone=America/Santiago', "2026-09-06T03:59:00Z", "2026-09-06T04:00Z"],
    ['blackout "2026-04-04" zone=America/Santiago', "2026-04-05T02:00:00Z", "2026-04-05T04:00Z"],
    ['blackout "2026-04-04" zone=America/Santiago', "2026-04-05T03:59:00Z", "2026-04-05T04:00Z"],
    ['blackout "2026-04-05" zone=America/Santiago', "2026-04-05T04:00:00Z", "2026-04-06T04:00Z"],
    // 02:30 comes twice in Berlin.
    [
      'blackout "2026-10-25T02:30..2026-10-25T05:00" zone=Europe/Berlin',
      "2026-10-25T00:30:00Z",
      "2026-10-25T04:00Z",
    ],
    [
      'blackout "2026-10-25T02:30..2026-10-25T05:00" zone=Europe/Berlin',
      "2026-10-25T01:15:00Z",
      "2026-10-25T04:00Z",
    ],
    [
      'blackout "2026-10-24T02:00..2026-10-25T02:30" zone=Europe/Berlin',
      "2026-10-25T00:45:00Z",
      "2026-10-25T01:30Z",
    ],
    // 02:30 is skipped.
    ['blackout "2026-03-29T02:30..2026-03-29T05:00" zone=Europe/Berlin', "2026-03-29T00:59:00Z", "open"],
    [
      'blackout "2026-03-29T02:30..2026-03-29T05:00" zone=Europe/Berlin',
      "2026-03-29T01:00:00Z",
      "2026-03-29T03:00Z",
    ],
    [
      'blackout "2026-03-28T02:30..2026-03-29T02:30" zone=Europe/Berlin',
      "2026-03-29T00:59:00Z",
      "2026-03-29T01:00Z",
    ],
    // A day that Samoa did not have.
    ['blackout "2011-12-30" zone=Pacific/Apia', "2011-12-30T09:59:00Z", "open"],
    ['blackout "2011-12-30" zone=Pacific/Apia', "2011-12-30T10:00:00Z", "open"],
  ];
  for (const [text, at, expected] of rows) assert.equal(await look(text, at), expected, `${text} at ${at}`);
});

Deno.test("blackout: the reason says until when, and a first deployment waits, too", async () => {
  const ask = asker('blackout "2026-12-20..2027-01-02" zone=Europe/Berlin');
  const shut = await ask("2026-12-24T12:00:00Z", question({ first: true }));
  assert.equal(shut?.why, "deployments are blacked out until 2027-01-03 00:00 Europe/Berlin");
});

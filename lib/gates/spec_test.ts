import assert from "node:assert/strict";
import fc from "fast-check";
import { Failure } from "../failure/failure.ts";
import { parseGate } from "./spec.ts";

const [HOUR, DAY] = [3_600_000, 86_400_000];

Deno.test("gate: every kind is read, as plain data", () => {
  const rows: [text: string, expected: object][] = [
    ['window "Mon-Wed 02:00-04:00, daily 22:00-02:00" zone=Europe/Berlin', {
      kind: "window",
      name: "window Mon-Wed 02:00-04:00, daily 22:00-02:00",
      windows: [{ days: [0, 1, 2], from: 120, to: 240 }, {
        days: [0, 1, 2, 3, 4, 5, 6],
        from: 1_320,
        to: 1_560,
      }],
      zone: "Europe/Berlin",
    }],
    ['window "Sat-Mon 00:00-24:00"', {
      kind: "window",
      name: "window Sat-Mon 00:00-24:00",
      windows: [{ days: [0, 5, 6], from: 0, to: 1_440 }],
      zone: null,
    }],
    ['blackout "1970-01-02..1970-01-03, 1970-01-05" zone=utc', {
      kind: "blackout",
      name: "blackout 1970-01-02..1970-01-03, 1970-01-05",
      closed: [{ from: DAY, to: 3 * DAY }, { from: 4 * DAY, to: 5 * DAY }],
      zone: "UTC",
    }],
    ["blackout 1970-01-02T12:00..1970-01-03", {
      kind: "blackout",
      name: "blackout 1970-01-02T12:00..1970-01-03",
      closed: [{ from: 1.5 * DAY, to: 3 * DAY }],
      zone: null,
    }],
    ["delay 2h", { kind: "delay", name: "delay 2h", age: 2 * HOUR, rollout: 0, wariness: null }],
    ["delay 0 rollout=1d wariness=.5", {
      kind: "delay",
      name: "delay 0",
      age: 0,
      rollout: DAY,
      wariness: 0.5,
    }],
    ["inhibit /etc/hold", { kind: "inhibit", name: "inhibit /etc/hold", folder: "/etc/hold" }],
    ['exec "/bin/may --token secret" timeout=5s', {
      kind: "exec",
      name: "exec /bin/may",
      program: "/bin/may",
      args: ["--token", "secret"],
      timeout: 5_000,
    }],
    ["exec may", { kind: "exec", name: "exec may", program: "may", args: [], timeout: 60_000 }],
  ];
  for (const [text, expected] of rows) assert.deepEqual(parseGate(text), expected, text);
});

Deno.test("gate: mistakes are refused with a hint", () => {
  const rows: [text: string, why: RegExp, next: RegExp][] = [
    ["", /empty/, /one of inhibit, blackout, window, /],
    ["windwo x", /does not begin with a kind of gate/, /Did you mean window\?/],
    ["delay:2h", /kind of gate/, /with a blank: delay AGE/],
    ["delay", /nothing stands behind its kind/, /delay AGE/],
    ["delay soon", /duration 'soon': it is not a duration/, /seconds/],
    ["delay 31d", /too long/, /at most 30d/],
    ["delay 2h rollout=0", /zero/, /at least 1s/],
    ["delay 2h rollot=1h", /no 'rollot=' in a gate of kind delay/, /Did you mean rollout=\?/],
    ["delay 2h wariness=0.5", /rollout=, which is not given/, /rollout=, too/],
    ["delay 2h rollout=1h wariness=1.1", /no share/, /0 to 1/],
    ["delay 2h rollout=1h wariness=-1", /no share/, /0 to 1/],
    ["delay 2h rollout=1h wariness=.", /no share/, /0 to 1/],
    ["delay 2h 3h", /'3h' is not expected/, /delay AGE \[rollout=TIME\] \[wariness=SHARE\]; quote/],
    ["delay 2h zone=UTC", /no 'zone='/, /delay AGE/],
    ["window Mon 02:00-04:00", /'02:00-04:00' is not expected/, /window "DAYS HH:MM-HH:MM, ..."/],
    ["window Mon", /not written as days and times/, /Mon-Fri 02:00-04:00/],
    ['window "02:00-04:00"', /does not begin with a day/, /daily 02:00-04:00/],
    ['window "Mon 02:00-04:00,"', /is empty/, /Mon-Fri/],
    ['window "Mon 2:00-4:00"', /not written as/, /Mon-Fri/],
    ['window "Mon 02:00-04:00 x"', /not written as/, /Mon-Fri/],
    ['window "Mon 02:60-04:00"', /no clock shows/, /00:00 to 24:00/],
    ['window "Mon 02:00-24:01"', /no clock shows/, /00:00 to 24:00/],
    ['window "Mon 02:00-02:00"', /a window is empty/, /00:00-24:00/],
    ['window "Mon 24:00-02:00"', /a window is empty/, /00:00-24:00/],
    ['window "Monday 02:00-04:00"', /no day of the week/, /Did you mean Mon\?/],
    ['window "Mno 02:00-04:00"', /no day of the week/, /Did you mean Mon\?/],
    ['window "dayly 02:00-04:00"', /no day of the week/, /Did you mean daily\?/],
    ['window "xyzzy 02:00-04:00"', /no day of the week/, /one of Mon, /],
    ['window "Mon-Wed-Fri 02:00-04:00"', /two with a '-'/, /Mon-Fri/],
    ['window "Mon 02:00-04:00" zone=Europe/Berln', /no time zone/, /Did you mean zone=Europe\/Berlin\?/],
    ['window "Mon 02:00-04:00" zone=+02:00', /no time zone/, /Europe\/Berlin/],
    ['window "Mon 02:00-04:00" zone=../../etc/passwd', /no time zone/, /Europe\/Berlin/],
    ["blackout 2026-13-01", /no such date/, /month/],
    ["blackout 2026-02-29", /no such date/, /month/],
    ["blackout 2026-12-24T24:00..2026-12-25", /no such date/, /month/],
    ["blackout 24.12.2026", /no date such as 2026-12-24/, /2026-12-20\.\.2027-01-02/],
    ["blackout 2026-12-24..", /neither a date/, /2026-12-20/],
    ["blackout 2026-12-24..2026-12-25..2026-12-26", /neither a date/, /2026-12-20/],
    ["blackout 2026-12-25..2026-12-24", /ends before it begins/, /earlier/],
    ["blackout 2026-12-25T12:00..2026-12-25T12:00", /lasts no time/, /two/],
    ["blackout 2026-12-25T12:00", /lasts no time/, /two/],
    ["inhibit run/hail", /relative path/, /absolute/],
    ["exec bin/may", /relative path/, /absolute/],
    ["exec /bin/may --now", /'--now' is not expected/, /exec "PROGRAM ARGUMENT\.\.\."/],
    ["exec /bin/may timeout=2h", /too long/, /at most 1h/],
    ['exec ""', /names no program/, /absolute path/],
    ["delay ".padEnd(4_097, "1"), /too long/, /4096/],
  ];
  for (const [text, why, next] of rows) {
    const failure = refusal(text);
    assert.match(failure.why, why, text);
    assert.match(failure.next, next, text);
    assert(failure.message.startsWith("gate '") && failure.message.length < 300, failure.message);
  }
});

function refusal(text: string): Failure {
  try {
    parseGate(text);
  } catch (error) {
    assert(error instanceof Failure && error.code === "usage", String(error));
    return error;
  }
  throw new assert.AssertionError({ message: `accepted: ${text}` });
}

Deno.test("gate: any text gives plain data or is wrong use", () => {
  const kind = fc.constantFrom("window", "blackout", "delay", "inhibit", "jobset", "exec");
  const part = fc.constantFrom(
    "Mon",
    "-",
    " ",
    "02:00",
    "2026-12-24",
    "..",
    "T",
    ",",
    "1h",
    "/x",
    '"',
    "=",
    "zone=UTC",
  );
  const target = fc.oneof(fc.string({ unit: "binary" }), fc.array(part).map((parts) => parts.join("")));
  fc.assert(fc.property(kind, target, (kind, target) => {
    try {
      const gate = parseGate(`${kind} ${target}`);
      assert.deepEqual(JSON.parse(JSON.stringify(gate)), gate);
      assert(gate.name.length <= 100);
    } catch (error) {
      assert(error instanceof Failure && error.code === "usage", String(error));
    }
  }));
});

import assert from "node:assert/strict";
import { stretches, wallTime } from "./zone.ts";

const iso = (time: number) => new Date(time).toISOString();

Deno.test("zone: the stretches of a year begin where clocks are changed", () => {
  const rows: [zone: string, year: number, changes: string[]][] = [
    ["Europe/Berlin", 2026, ["2026-03-29T01:00:00.000Z", "2026-10-25T01:00:00.000Z"]],
    ["America/New_York", 2026, ["2026-03-08T07:00:00.000Z", "2026-11-01T06:00:00.000Z"]],
    ["Australia/Lord_Howe", 2026, ["2026-04-04T15:00:00.000Z", "2026-10-03T15:30:00.000Z"]],
    ["Pacific/Apia", 2011, [
      "2011-04-02T14:00:00.000Z",
      "2011-09-24T14:00:00.000Z",
      "2011-12-30T10:00:00.000Z",
    ]],
    ["UTC", 2026, []],
  ];
  for (const [zone, year, changes] of rows) {
    const [from, to] = [Date.UTC(year, 0, 1, 12), Date.UTC(year + 1, 0, 1)];
    const found = stretches(zone, from, to);
    assert.deepEqual(found.slice(1).map((stretch) => iso(stretch.from)), changes, zone);
    assert.deepEqual(
      found.map((stretch) => stretch.from).slice(1),
      found.map((stretch) => stretch.to).slice(0, -1),
    );
    assert.deepEqual([found[0]?.from, found.at(-1)?.to], [from, to]);
    for (const { from, to, offset } of found) {
      assert.deepEqual(
        [wallTime(from, zone) - from, wallTime(to - 1, zone) - to + 1],
        [offset, offset],
        zone,
      );
    }
  }
});

Deno.test("zone: the machine's is that of TZ, and UTC where that is none", async () => {
  const script =
    `import { machineZone } from ${JSON.stringify(new URL("./zone.ts", import.meta.url).href)};` +
    "console.log(machineZone());";
  for (
    const [tz, expected] of [["America/New_York", "America/New_York"], ["Nowhere/Atall", "UTC"]] as const
  ) {
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["eval", "--config", new URL("../../deno.json", import.meta.url).pathname, script],
      env: { TZ: tz, NO_COLOR: "1" },
    }).output();
    assert.equal(new TextDecoder().decode(stdout).trim(), expected, tz);
  }
});

import assert from "node:assert/strict";
import { NOW, SCENES } from "../../../tests/command_line/records.ts";
import type { Page } from "../context.ts";
import type { Agent, ServiceView } from "./status.ts";
import { renderStatusTable } from "./status_table.ts";

const TERMINAL: Page = { columns: 80, terminal: true, colours: false };
const PIPE: Page = { columns: 80, terminal: false, colours: false };

function view(name: string, scene: string, more: Partial<ServiceView> = {}): ServiceView {
  const found = SCENES[scene];
  assert.ok(found !== undefined, scene);
  return {
    name,
    profile: `/nix/var/nix/profiles/${name}`,
    jobUri: "https://hydra.example/job/shop/main/web/latest",
    record: found.record,
    writtenAt: NOW - 90_000,
    agent: { is: "running" },
    removing: null,
    removed: null,
    ...more,
  };
}

const SHOP = [
  view("api", "an update that is degraded"),
  view("batch", "a gate that is closed"),
  view("cart", "a build that is activated"),
  view("db", "a first version"),
  view("mail", "a build that was rolled back"),
  view("search", "a build that is not in the cache yet"),
  view("web", "an update"),
];

Deno.test("status table: from the first line to the last, as docs/operator.md shows it", async () => {
  const text = renderStatusTable(SHOP, NOW, TERMINAL);
  assert.equal(
    text,
    `NAME    STATE        ACTIVE           NOTE
api     degraded     build 12, 3m00s  its activation said that some unit failed
batch   held         build 11, 4m00s  window gate: outside of its maintenance...
cart    activating   build 11, 7m00s  activating build 12
db      active       build 11, 3m00s
mail    rolled-back  build 11, 3m00s  build 12 failed its health checks
search  waiting      build 11, 6m00s  web-12.0: no substituter has it (yet)
web     active       build 12, 3m00s

7 services: 2 active, 1 degraded, 1 waiting, 1 activating, 1 rolled-back, 1 held
Agent: runs`,
  );
  const document = await Deno.readTextFile(new URL("../../../docs/operator.md", import.meta.url));
  assert.ok(document.includes(`\n${text}\n`), "docs/operator.md");
});

Deno.test("status table: every scene fits a terminal, drives it not, and is whole in a pipe", () => {
  const views = Object.keys(SCENES).map((scene, number) =>
    view(`${"a-very-long-name-".repeat(3)}${number}`, scene)
  );
  for (const columns of [60, 80, 120]) {
    for (const line of renderStatusTable(views, NOW, { ...TERMINAL, columns }).split("\n")) {
      assert.ok(line.length <= columns, line);
      assert.match(line, /^[\x20-\x7e]*$/, line);
      assert.doesNotMatch(line, / $|undefined|null|NaN/);
    }
  }
  const piped = renderStatusTable(views, NOW, PIPE);
  assert.ok(piped.includes("long".repeat(40)) || piped.includes("a-very-long-name-".repeat(3)));
  assert.ok(piped.includes("three times in a row") || piped.includes("failed its health checks"));
});

for (
  const [scene, note] of [
    ["a first version", /^web +active +build 11, 3m00s\n/],
    ["nothing yet", /^web +idle +-\n/],
    ["a pause", /^web +held +build 11, .* paused until 2026-11-22 18:10: the shop is busy/],
    ["a pause without an end", /^web +active +build 11, .* paused until `hail resume`\n/],
    [
      "a gate that is closed",
      / window gate: outside of its maintenance windows; asked again after 2026-11-22 20:00 \(in 3 h 20 min\)\n/,
    ],
    [
      "a gate that is closed, nobody knows how long",
      / inhibit gate: the disk is being exchanged\n/,
    ],
    ["a build that is not in the cache yet", /^web +waiting .* web-12.0: no substituter has it \(yet\)\n/],
    [
      "a version that could not be activated again, and a pause",
      /^web +failed .*exit status 1; paused until `hail resume`: hands off\n/,
    ],
    ["a roll-back that failed", /^web +failed .* web: the roll-back to build 11 failed/],
    ["a change by hand", /^web +held .* build 12 is marked bad\n/],
    ["a change by hand that holds", /^web +held .* changed by hand; it waits for `hail resume`\n/],
    ["a downgrade that is refused", /^web +held .* build 10 is older than 11\n/],
    ["a build that is fetched", /^web +realising .* fetching build 12\n/],
  ] as const
) {
  Deno.test(`status table: ${scene} has the note that it needs`, () => {
    const [, ...rows] = renderStatusTable([view("web", scene)], NOW, PIPE).split("\n");
    assert.match(rows.join("\n"), note);
  });
}

Deno.test("status table: a service that is being removed says so", () => {
  const text = renderStatusTable([view("web", "an update", { removing: "purge" })], NOW, PIPE);
  assert.match(text, /web +active .* being removed \(--purge\)\n/);
});

Deno.test("status table: it says for which services no agent runs", () => {
  const agents: readonly Agent[] = [
    ...[{ is: "running" }, { is: "running" }, { is: "absent" }, { is: "silent" }] as const,
    ...[{ is: "holding", pid: 7 }, { is: "unknown" }] as const,
  ];
  const views = agents.map((agent, number) => view(`web-${number}`, "an update", { agent }));
  const agentOf = (some: readonly ServiceView[]) =>
    renderStatusTable(some, NOW, { ...PIPE, columns: 400 }).split("\n").at(-1);
  assert.equal(
    agentOf(views),
    "Agent: runs for 2; runs, but does not answer for web-3; takes no commands for web-4; " +
      "not known, since only root and the group hail may ask it for web-5; none runs for web-2",
  );
  assert.equal(agentOf(views.slice(0, 2)), "Agent: runs");
  assert.equal(agentOf(views.slice(2, 3)), "Agent: none runs");
  const absent = Array.from(
    { length: 30 },
    (_, number) => view(`api-${number}`, "an update", { agent: { is: "absent" } }),
  );
  assert.match(
    agentOf([...views.slice(0, 1), ...absent]) ?? "",
    /none runs for api-0, .*, api-19 and 10 more$/,
  );
});

Deno.test("status table: what is wrong is in colours, and nothing else", () => {
  const coloured = renderStatusTable(
    [...SHOP, view("x", "a roll-back that failed")],
    NOW,
    { ...TERMINAL, colours: true },
  ).split("\n");
  const colourOf = (name: string) =>
    /^\u001b\[(\d+)m/.exec(coloured.find((line) => line.includes(name)) ?? "")?.[1];
  assert.deepEqual(["NAME", "api", "db", "search", "x "].map(colourOf), ["1", "33", undefined, "31", "31"]);
});

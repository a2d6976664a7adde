import assert from "node:assert/strict";
import { findMistakes, readSchema } from "../../../tests/command_line/json_schema.ts";
import { build, NOW, SCENES } from "../../../tests/command_line/records.ts";
import { STATES } from "../../deployment/machine.ts";
import type { Page } from "../context.ts";
import { writeDocument } from "./documents.ts";
import { type Agent, renderStatus, type ServiceView, statusDocument } from "./status.ts";

const TERMINAL: Page = { columns: 80, terminal: true, colours: false };
const AGENTS: readonly Agent[] = [
  ...[{ is: "running" }, { is: "silent" }, { is: "absent" }, { is: "unknown" }] as const,
  { is: "holding", pid: 1234 },
];

function view(
  scene: string,
  agent: Agent = { is: "running" },
  removing: ServiceView["removing"] = null,
): ServiceView {
  const found = SCENES[scene];
  assert.ok(found !== undefined, scene);
  return {
    name: "hail-profiles/web",
    profile: "/nix/var/nix/profiles/hail-profiles/web",
    jobUri: "https://hydra.example/job/shop/main/web/latest",
    record: found.record,
    writtenAt: NOW - 90_000,
    agent,
    removing,
    removed: null,
  };
}

Deno.test("status: there is a scene for every state", () => {
  const shown = new Set(Object.values(SCENES).map(({ record }) => record.state));
  // These look like rolling-back, whose scene they share.
  for (const state of ["reverifying"] as const) shown.add(state);
  assert.deepEqual([...shown].toSorted(), Object.keys(STATES).toSorted());
});

for (const scene of Object.keys(SCENES)) {
  Deno.test(`status: ${scene} fits one screen, and drives no terminal`, () => {
    for (const agent of AGENTS) {
      const lines = renderStatus(view(scene, agent), NOW, TERMINAL).split("\n");
      assert.ok(lines.length <= 24, lines.join("\n"));
      for (const line of lines) {
        assert.ok(line.length <= 80, line);
        assert.match(line, /^[\x20-\x7e]+$/, line);
        assert.doesNotMatch(line, / $|undefined|null|NaN/);
      }
    }
  });

  Deno.test(`status: ${scene} is in JSON as its schema says`, async () => {
    const schema = await readSchema("status");
    for (const agent of AGENTS) {
      const text = writeDocument({ services: [statusDocument(view(scene, agent), NOW)] });
      assert.deepEqual(findMistakes(JSON.parse(text), schema), []);
    }
  });
}

Deno.test("status: a build that was rolled back, from the first line to the last, as docs/operator.md shows it", async () => {
  const document = await Deno.readTextFile(new URL("../../../docs/operator.md", import.meta.url));
  const text = renderStatus(view("a build that was rolled back"), NOW, TERMINAL);
  assert.ok(document.includes(`\n${text}\n`), text);
  assert.equal(
    text,
    `hail-profiles/web
  Profile    /nix/var/nix/profiles/hail-profiles/web
  Job        https://hydra.example/job/shop/main/web/latest
  State      rolled back: build 12 failed its health checks
             http http://127.0.0.1:8080/health: it answers 500, and 2xx is
             expected, three times in a row
             since 2026-11-22 16:37:03 (3 min ago)
  Active     build 11 (web-11.0), gone back to
             ${build(11).outPath}
             since 2026-11-22 16:37:03 (3 min ago)
  Latest     build 12 (web-12.0)
  Waits for  another build than 12, which is marked bad, or \`hail retry\`
             marked 2026-11-22 16:34:03 (6 min ago)
  Last poll  2026-11-22 16:37:03 (3 min ago)
  Next poll  2026-11-22 16:42:03 (in 2 min)
  Agent      runs`,
  );
});

for (
  const [scene, says] of [
    ["nothing yet", /State +nothing was deployed yet\n[^]*Active +nothing\n/],
    ["a first version", /State +active\n[^]*Waits for +a new build\n/],
    [
      "a build that is not in the cache yet",
      /State +waiting to deploy build 12[^]*Next try +2026[^]*after 3 failures/,
    ],
    [
      "a build that is not in the cache yet",
      /Last error[^]*no\s+substituter has it[^]*Hint: hail tries again/,
    ],
    ["an update", /Last error[^]*over since/],
    ["an update that is degraded", /active, but degraded[^]*deployed by hail, degraded\n/],
    [
      "a roll-back that failed",
      /failed: build 12 failed its health checks, and so did the\s+roll-back to build 11/,
    ],
    ["a first version that was taken back", /taken back: the activation of build 12 failed/],
    ["a change by hand", /pointed at build 11\n[^]*another build than 12, which is marked bad/],
    [
      "a change by hand that holds",
      /pointed at web-7.0\n[^]*Waits for +`hail resume`: the profile was changed by hand/,
    ],
    ["a profile that was removed by hand", /changed by hand: the profile was removed\n[^]*Active +nothing/],
    ["a roll-back of the operator's", /rolled back from build 12, as the operator asked/],
    ["a pause", /held: build 12 is not deployed, since deployments are paused\n/],
    [
      "a pause",
      /`hail resume`, or 2026-11-22 18:10:03 \(in 1 h 30 min\): deployments\s+are paused: the shop is busy/,
    ],
    ["a pause without an end", /Waits for +`hail resume`: deployments are paused\n/],
    [
      "a gate that is closed",
      /held: build 12 is not deployed, since a gate is closed\n/,
    ],
    [
      "a gate that is closed",
      /Waits for +the gate 'window Sun 20:00-22:00', or `hail poll --past-gates`:\n +outside of its maintenance windows\n +asked again after 2026-11-22 20:00:03 \(in 3 h 20 min\)\n/,
    ],
    [
      "a gate that is closed, nobody knows how long",
      /since a gate is closed[^]*Waits for +the gate 'inhibit \/run\/hail\/inhibit.d', or `hail poll\n +--past-gates`: the disk is being exchanged\n +asked again at the next poll/,
    ],
    [
      "a version that could not be activated again, and a pause",
      /failed at the start of hail[^]*Waits for +the next try\n +`hail resume`: deployments are paused: hands off\n/,
    ],
    ["a downgrade that is refused", /it is older than build 11\n[^]*\(refuse-downgrade\)/],
  ] as const
) {
  Deno.test(`status: ${scene} says ${says.source.slice(0, 50)}`, () => {
    assert.match(renderStatus(view(scene), NOW, TERMINAL), says);
  });
}

for (
  const [agent, says] of [
    [{ is: "silent" }, /Agent +runs, but does not answer; what is shown was written 2026-11-22 16:38:33/],
    [{ is: "absent" }, /Next poll +when hail is started, or at `hail poll`\n +Agent +none runs\n/],
    [{ is: "unknown" }, /Agent +not known: only root and the group hail may ask it/],
    [{ is: "holding", pid: 1234 }, /Agent +process 1234 holds the profile/],
  ] as const
) {
  Deno.test(`status: it says whether an agent runs: ${agent.is}`, () => {
    assert.match(renderStatus(view("a first version", agent), NOW, { ...TERMINAL, columns: 120 }), says);
  });
}

Deno.test("status: a removal that was cut off is said, by which way it is done", async () => {
  const removed = view("a first version", { is: "absent" }, "purge");
  assert.match(renderStatus(removed, NOW, TERMINAL), /Removal +under way \(--purge\)/);
  const text = writeDocument({ services: [statusDocument(removed, NOW)] });
  assert.deepEqual(findMistakes(JSON.parse(text), await readSchema("status")), []);
});

Deno.test("status: a gate is in JSON as long as it is what stands against the latest build", () => {
  const { gate, refusal } = statusDocument(view("a gate that is closed"), NOW);
  assert.deepEqual(gate, {
    gate: "window Sun 20:00-22:00",
    why: "outside of its maintenance windows",
    ask_again_at: new Date(NOW + 200 * 60_000).toISOString(),
  });
  assert.equal(refusal?.code, "gate-closed");
  const paused = view("a gate that is closed");
  const pause = { reason: null, since: NOW, until: null };
  const document = statusDocument({ ...paused, record: { ...paused.record, pause } }, NOW);
  assert.deepEqual([document.gate, document.refusal?.code], [null, "paused"]);
});

Deno.test("status: it says what a service waits for that nothing holds back", () => {
  const updated = view("an update");
  const waits = (facts: Partial<ServiceView["record"]>) =>
    / Waits for +(.*)\n/.exec(
      renderStatus({ ...updated, record: { ...updated.record, ...facts } }, NOW, TERMINAL),
    )
      ?.[1];
  assert.equal(waits({}), "a new build");
  assert.equal(waits({ failures: 2 }), "the next try");
  assert.equal(waits({ latest: build(13) }), "the next poll to deploy build 13");
  assert.equal(waits({ latest: build(13), failures: 2 }), "the next try to deploy build 13");
  assert.equal(waits({ polledAt: null }), "the first poll");
});

Deno.test("status: an error is over when a poll has succeeded since, not when the operator asks for another try", () => {
  const updated = view("an update");
  const record = { ...updated.record, polledAt: NOW - 10 * 60_000 };
  assert.doesNotMatch(renderStatus({ ...updated, record }, NOW, TERMINAL), /over since/);
});

Deno.test("status: who waits for another service is asked again as soon as that one has moved on", () => {
  const closed = { gate: "after", why: "it comes after db, which is being deployed", askAgainAt: null };
  const held = view("a gate that is closed");
  const text = renderStatus({ ...held, record: { ...held.record, closed } }, NOW, TERMINAL);
  assert.match(
    text,
    /it comes after db,\s+which is being deployed\n +asked again as soon as that one has moved on\n/,
  );
});

Deno.test("status: what was cut off is said to go on", () => {
  const text = renderStatus(view("a build that is fetched", { is: "absent" }), NOW, TERMINAL);
  assert.match(text, /none runs, and what was under way goes on at its start/);
});

Deno.test("status: in a pipe paths and words stay whole, and a person gets colours", () => {
  const piped = renderStatus(view("words of others that drive a terminal"), NOW, {
    ...TERMINAL,
    terminal: false,
  });
  assert.ok(piped.includes("long".repeat(40)));
  const coloured = renderStatus(view("a first version"), NOW, { ...TERMINAL, colours: true });
  assert.match(coloured, /\u001b\[32mactive\u001b\[0m/);
  assert.equal(coloured.replace(/\u001b\[\d+m/g, ""), renderStatus(view("a first version"), NOW, TERMINAL));
});

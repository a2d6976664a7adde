import assert from "node:assert/strict";
import { findMistakes, readSchema } from "../../../tests/command_line/json_schema.ts";
import { SCENES } from "../../../tests/command_line/records.ts";
import type { Page } from "../context.ts";
import { writeDocument } from "./documents.ts";
import { historyDocument, renderHistory } from "./history.ts";

const TERMINAL: Page = { columns: 80, terminal: true, colours: false };

const OWNER = { name: "web", profile: "/nix/var/nix/profiles/web" };

function history(scene: string) {
  const found = SCENES[scene];
  assert.ok(found !== undefined, scene);
  return found.history;
}

for (const scene of Object.keys(SCENES)) {
  Deno.test(`history: ${scene} is one line a deployment, and fits the page`, () => {
    const deployments = history(scene);
    const lines = renderHistory(OWNER, deployments, false, TERMINAL).split("\n");
    assert.equal(lines.length, 1 + deployments.length || 1);
    for (const line of lines) assert.match(line, /^[\x20-\x7e]{1,80}$/, line);
  });

  Deno.test(`history: ${scene} is in JSON as its schema says`, async () => {
    const text = writeDocument(historyDocument(OWNER, history(scene)));
    assert.deepEqual(findMistakes(JSON.parse(text), await readSchema("history")), []);
  });
}

Deno.test("history: a build that was rolled back, cut on a terminal and whole in a pipe", async () => {
  const deployments = history("a build that was rolled back");
  const document = await Deno.readTextFile(new URL("../../../docs/operator.md", import.meta.url));
  assert.ok(document.includes(`\n${renderHistory(OWNER, deployments, false, TERMINAL)}\n`));
  assert.equal(
    renderHistory(OWNER, deployments, false, TERMINAL),
    `ID  BEGUN             KIND    BUILD  OUTCOME       TOOK  REASON
 2  2026-11-22 16:29  update  12     rolled-back  8m00s  health: http http://...
 1  2026-11-22 16:23  first   11     active       5m00s`,
  );
  assert.match(
    renderHistory(OWNER, deployments, false, { ...TERMINAL, terminal: false }),
    /health: http http:\/\/127.0.0.1:8080\/health: it answers 500, and 2xx is expected, three times in a row$/m,
  );
});

for (
  const [scene, says] of [
    ["nothing yet", /^web: nothing was deployed yet$/],
    ["a build that is activated", /^ 2 .* update +12 +under way +-$/m],
    ["an update that is degraded", /^ 2 .* update +12 +degraded /m],
    [
      "a roll-back that failed",
      / failed .*health: .*; roll-back: activation: web-12.0\/bin\/activate: it ended/,
    ],
    ["a change by hand", / by-hand +11 +by-hand .* from build 12$/m],
    ["a change by hand that holds", / by-hand +web-7.0 +by-hand .* from build 12$/m],
    ["a profile that was removed by hand", / by-hand +- +by-hand .* the profile was removed$/m],
    ["a roll-back of the operator's", /^ 3 .* rollback +11 +rolled-back +3m00s +from build 12$/m],
    ["a build that another one came before", / update +12 +superseded .* something else took its place$/m],
    ["a version that is activated again", /^ 2 .* restart +11 /m],
  ] as const
) {
  Deno.test(`history: ${scene} says ${says.source.slice(0, 50)}`, () => {
    assert.match(renderHistory(OWNER, history(scene), false, { ...TERMINAL, terminal: false }), says);
  });
}

Deno.test("history: among those of others it has a name", () => {
  const { history } = SCENES["a first version"] ?? {};
  assert.ok(history !== undefined);
  const text = renderHistory(OWNER, history, true, TERMINAL);
  assert.equal(text, `${OWNER.name}\n${renderHistory(OWNER, history, false, TERMINAL)}`);
  assert.equal(renderHistory(OWNER, [], true, TERMINAL), `${OWNER.name}: nothing was deployed yet`);
});
